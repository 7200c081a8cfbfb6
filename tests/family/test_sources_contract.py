"""Every source accounts for every file: used, or refused with a reason."""

import json
import shutil
from typing import get_args

import pytest

from oncohort.phantoms import write_phantom_cohort
from oncohort.phantoms.cohort import Form
from oncohort.phantoms.twins import TWINS, write_twin
from oncohort.sources import SOURCES

TWIN_OF = {twin.source: name for name, twin in reversed(TWINS.items())}
"""The first twin that each source of a published data set reads."""

CASES = {"deep-psma": 4, "longitudinal-ct": 4}
"""Cases of two patients, where these are more than two: one per tracer or time point."""

ROLES = {
    "pants": {"ct", "organs"},
    "msd": {"ct"},
    "enhance-pet": {"ct", "pet", "organs"},
    "longitudinal-ct": {"ct", "lesions"},
}
ROLES["lung-pet-ct-dx"] = {"ct"}
"""Volumes of the first case, where these are others than CT, PET and lesions."""

SHARED = {
    *("dataset.json", "cases.csv", "splits_final.json", "fdg_metadata.csv", "psma_metadata.csv", "metadata.xlsx"),
    *("CT-details.xlsx", "PT-details.xlsx", "labels.json", "statistics-clinical-20201221.xlsx"),
}
"""Files that say what the cohort is, and belong to no single case."""

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


def write(name, out):
    """A cohort of two patients in the layout of a source."""
    if name in get_args(Form):
        return write_phantom_cohort(out, cases=2, form=name).data
    return write_twin(TWIN_OF[name], out, cases=2, size="tiny").data


def test_every_source_has_something_synthetic_to_read():
    assert set(SOURCES) == set(get_args(Form)) | set(TWIN_OF)


@pytest.fixture(scope="module", params=sorted(SOURCES))
def planned(request, tmp_path_factory):
    """A source, a phantom cohort in its layout with stray files, and the plan."""
    folder = tmp_path_factory.mktemp(request.param)
    root = write(request.param, folder / "phantoms")
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
    source, root, plan = planned
    refused = {row["path"] for row in plan.refused}
    assert (used(plan, root) | refused) - SHARED == set(met(root)) - SHARED
    assert used(plan, root) & refused == set()
    assert set(STRAYS) <= refused
    assert len(plan.cases) == CASES.get(source.name, 2)


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
    assert {row["role"] for row in result["volumes"]} >= ROLES.get(source.name, {"ct", "pet", "lesions"})
    for row in result["volumes"]:
        assert (tmp_path / row["path"]).exists()
        assert row["case"] == plan.cases[0].case


def test_a_case_id_does_not_change_when_others_leave(planned, tmp_path):
    source, root, plan = planned
    other = tmp_path / "copy"
    shutil.copytree(root, other)
    others = {stamp.path for case in plan.cases[:-1] for stamp in case.files}
    for stamp in plan.cases[-1].files:
        name = stamp.path.removeprefix(f"{root.resolve()}/").removeprefix(f"{root}/")
        if name not in SHARED and stamp.path not in others:
            (other / name).unlink()
    assert [case.case for case in source.plan(other).cases] == [case.case for case in plan.cases[:-1]]


def test_a_source_knows_its_name(planned):
    source, _, _ = planned
    assert SOURCES[source.name] is source
    assert source.description
    assert "\n" not in source.description
