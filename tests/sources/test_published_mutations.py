"""Every file of every layout in turn missing, twice, cut, empty, renamed or of another type: nothing is lost."""

import random
import shutil

import pytest

from oncohort.errors import InputError, OncohortError
from oncohort.ingestion import ingest
from oncohort.sources import SOURCES
from published_files import (
    plan_and_convert,
    write_autopet,
    write_deep_psma,
    write_longitudinal,
    write_study_folders,
)

LAYOUTS = {
    "autopet": write_autopet,
    "autopet folders": write_study_folders,
    "deep-psma": write_deep_psma,
    "longitudinal-ct": write_longitudinal,
}

HOSTILE_TEXT = (
    b"null",
    b"[]",
    b"{}",
    b"3",
    b'"text"',
    b'[{"train": 1, "val": 2}]',
    b'[{"train": [1], "val": ["a"]}]',
    b'{"channel_names": ["CT", "CT"]}',
    b'{"channel_names": {"1": {"CT": "CT"}}}',
    b'{"points": [[1, 2, 3]]}',
    b'{"points": null, "type": "Multiple points"}',
    b"[" * 50_000,
    b"a,b\n1,2,3\n",
    b'Subject ID\n"open',
    b"Subject ID,Subject ID\n1,2\n",
    b"lesion_id,img_id_bl,img_id_fu\n1,0\n,,\n1e999,nan,inf\n99999999999999999999,0,0\n1,-1,0\n",
    b"Subject ID,File Location,age,Study Date\nPSMA_95b833d46f153cd2,\\\\..\\..,-3Y,99-99-9999\n",
    b"#Insight Transform File V1.0\nTransform: Euler3DTransform_double_3_3\nParameters: a\nFixedParameters:\n",
)


def cut(path):
    path.write_bytes(path.read_bytes()[: max(1, path.stat().st_size // 2)])


def garbage(path):
    path.write_bytes(random.Random(path.name).randbytes(500))


def folder(path):
    path.unlink()
    path.mkdir()


def dead_link(path):
    path.unlink()
    path.symlink_to(path.with_name("gone"))


MUTATIONS = {
    "missing": lambda path: path.unlink(),
    "twice": lambda path: shutil.copy(path, path.with_name(f"copy of {path.name}")),
    "elsewhere too": lambda path: shutil.copytree(path.parent, path.parent / "again"),
    "cut": cut,
    "empty": lambda path: path.write_bytes(b""),
    "renamed": lambda path: path.rename(path.with_name(f"x{path.name}")),
    "another ending": lambda path: path.rename(path.with_name(path.name.split(".")[0] + ".mha")),
    "garbage": garbage,
    "Git LFS pointer": lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
    "text": lambda path: path.write_text("not at all"),
    "folder": folder,
    "upper case": lambda path: path.rename(path.with_name(path.name.upper())),
}


def survives(source, root):
    """Plan and conversion end well or with an error of ours; what lies there is accounted for."""
    try:
        return plan_and_convert(source, root)
    except OncohortError:
        pytest.fail("a broken file must cost its case, not the whole set")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", MUTATIONS)
def test_no_file_can_be_lost(layout, name, tmp_path):
    whole = LAYOUTS[layout](tmp_path / "whole")
    source = SOURCES[layout.split()[0]]
    paths = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    for path in paths:
        root = tmp_path / "mutated"
        shutil.copytree(whole, root)
        MUTATIONS[name](root / path)
        survives(source, root)
        shutil.rmtree(root)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hostile_text_costs_the_file_alone(layout, tmp_path):
    whole = LAYOUTS[layout](tmp_path / "whole")
    source = SOURCES[layout.split()[0]]
    cases = [case.case for case in source.plan(whole).cases]
    texts = [path for path in whole.rglob("*") if path.suffix in (".json", ".csv", ".tfm")]
    for path in texts:
        kept = path.read_bytes()
        for content in HOSTILE_TEXT:
            path.write_bytes(content)
            plan, _, _ = survives(source, whole)
            assert [case.case for case in plan.cases] == cases
        path.write_bytes(kept)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_links_that_lead_nowhere_and_names_that_are_no_text(layout, tmp_path):
    root = LAYOUTS[layout](tmp_path / "whole")
    source = SOURCES[layout.split()[0]]
    path = next(path for path in sorted(root.rglob("*.nii.gz")))
    dead_link(path)
    (root / "über.csv").write_text("a")
    strange = root / b"\xfc.nii.gz".decode("utf-8", "surrogateescape")
    strange.write_text("a")
    plan = source.plan(root)
    refused = {row["path"]: row["reason"] for row in plan.refused}
    assert refused[path.relative_to(root).as_posix()] == "unreadable"
    assert refused["\\xfc.nii.gz"] == "name is no text"
    assert refused["über.csv"] == "not part of the layout"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_broken_image_leaves_a_cohort_of_the_others(layout, tmp_path):
    root = LAYOUTS[layout](tmp_path / "whole")
    source = layout.split()[0]
    images = sorted(root.rglob("*.nii.gz"))
    garbage(images[0])
    cases = len(SOURCES[source].plan(root).cases)
    if cases == 1:
        with pytest.raises(InputError, match="unreadable"):
            ingest(source, root, out=tmp_path / "cohort")
        return
    cohort = ingest(source, root, out=tmp_path / "cohort")
    assert len(cohort) == cases - 1
    reasons = set(cohort.tables.refused["reason"])
    assert {"unreadable", "case refused"} <= reasons


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_folder_has_no_cases(layout, tmp_path):
    source = SOURCES[layout.split()[0]]
    assert source.plan(tmp_path).cases == ()
    assert not source.detect(tmp_path)
    assert not source.detect(tmp_path / "nowhere")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_voxel_is_read(layout, tmp_path, monkeypatch):
    root = LAYOUTS[layout](tmp_path / "whole")

    def read(_):
        raise AssertionError("voxels are not needed for an index")

    monkeypatch.setattr("oncohort.formats.nifti._Stored.read", read)
    assert len(ingest(layout.split()[0], root, out=tmp_path / "cohort"))
