"""Every source accounts for every file: used, or refused with a reason."""

import json
import shutil

import pytest

from oncohort.phantoms import write_phantom_cohort
from oncohort.sources import SOURCES

STRAYS = {
    "notes.txt": b"seen by nobody",
    "deep/er/empty.dcm": b"",
    "deep/mask.nii.gz": b"\x1f\x8bnot gzip",
    "deep/header only.dcm": bytes(128) + b"DICM",
    ".DS_Store": b"\x00\x01",
    "deep/Thumbs.db": b"\xff",
    "archive.zip": b"PK\x03\x04",
    "name with ü.csv": b"a,b\n",
    "image.mha": b"ObjectType = Image",
}


@pytest.fixture(scope="module", params=sorted(SOURCES))
def planned(request, tmp_path_factory):
    """A source, a phantom cohort in its layout with stray files, and the plan."""
    folder = tmp_path_factory.mktemp(request.param)
    root = write_phantom_cohort(folder / "phantoms", cases=2, form=request.param).data
    for name, content in STRAYS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    source = SOURCES[request.param]
    return source, root, source.plan(root)


def met(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def used(plan, root):
    return {
        stamp.path.removeprefix(f"{root.resolve()}/").removeprefix(f"{root}/")
        for case in plan.cases
        for stamp in case.files
    }


def test_every_file_is_used_or_refused(planned):
    _, root, plan = planned
    refused = {row["path"] for row in plan.refused}
    shared = {"dataset.json", "cases.csv"}  # say what the cohort is, and belong to no single case
    assert (used(plan, root) | refused) - shared == set(met(root)) - shared
    assert used(plan, root) & refused == set()
    assert set(STRAYS) <= refused
    assert len(plan.cases) == 2


def test_every_refusal_has_a_reason_and_stands_once(planned):
    _, _, plan = planned
    assert all(row["reason"] and isinstance(row["detail"], str) for row in plan.refused)
    paths = [row["path"] for row in plan.refused]
    assert paths == sorted(paths)
    assert len(set(paths)) == len(paths)


def test_plans_are_the_same_twice_and_say_it_in_json(planned):
    source, root, plan = planned
    again = source.plan(root)
    assert again == plan
    for case in plan.cases:
        assert json.loads(json.dumps(case.key_parts()))
        assert case.row["case"] == case.case
    assert len({case.case for case in plan.cases}) == len(plan.cases)


def test_planning_and_converting_change_no_input(planned, tmp_path):
    source, root, plan = planned
    before = {name: (root / name).stat().st_mtime_ns for name in met(root)}
    result = source.convert(plan.cases[0], tmp_path)
    assert {name: (root / name).stat().st_mtime_ns for name in met(root)} == before
    assert json.loads(json.dumps(result)) == result
    assert set(result) >= {"case", "volumes", "refused", "findings"}
    assert {row["role"] for row in result["volumes"]} >= {"ct", "pet", "lesions"}
    for row in result["volumes"]:
        assert (tmp_path / row["path"]).is_file()
        assert row["case"] == plan.cases[0].case


def test_a_case_id_does_not_change_when_others_leave(planned, tmp_path):
    source, root, plan = planned
    other = tmp_path / "copy"
    shutil.copytree(root, other)
    last = plan.cases[-1]
    for stamp in last.files:
        name = stamp.path.removeprefix(f"{root.resolve()}/").removeprefix(f"{root}/")
        if name not in {"dataset.json", "cases.csv"}:
            (other / name).unlink()
    assert [case.case for case in source.plan(other).cases] == [case.case for case in plan.cases[:-1]]


def test_a_source_knows_its_name(planned):
    source, _, _ = planned
    assert SOURCES[source.name] is source
    assert source.description
    assert "\n" not in source.description
