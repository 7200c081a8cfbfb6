"""Every kind of file of Lung-PET-CT-Dx missing, twice, cut, empty, renamed or of another type: nothing is lost."""

import json
import random
import shutil
import warnings
import zipfile

import pytest
from lung_files import write_collection

from oncohort.sources import SOURCES

SOURCE = SOURCES["lung-pet-ct-dx"]
PLACES = {
    "slice": "**/1.1.1/CT-1.1.1-5.dcm",
    "first slice": "**/1.2.1/CT-1.2.1-0.dcm",
    "PET slice": "**/PT-1.1.3-2.dcm",
    "screenshot": "**/CT-1.2.2-1.dcm",
    "annotation": "**/1.1.1.4.xml",
    "annotation of a screenshot": "**/1.2.2.1.xml",
    "sheet": "*.xlsx",
    "metadata": "**/metadata.csv",
    "patches": "patches.json",
}


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def garbage(path):
    path.write_bytes(random.Random(path.name).randbytes(700))


def folder(path):
    path.unlink()
    path.mkdir()


def dead_link(path):
    path.unlink()
    path.symlink_to(path.with_name("gone"))


def damage(path):
    content = bytearray(path.read_bytes())
    chance = random.Random(7)
    for _ in range(20):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)


def workbook_with_entities(path):
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("xl/workbook.xml", '<!DOCTYPE a [<!ENTITY x "y">]><workbook>&x;</workbook>')


MUTATIONS = {
    "missing": lambda path: path.unlink(),
    "twice": lambda path: shutil.copy(path, path.with_name(f"copy of {path.name}")),
    "elsewhere too": lambda path: shutil.copytree(path.parent, path.parent.with_name("again")),
    "cut": cut,
    "cut to the mark": lambda path: path.write_bytes(path.read_bytes()[:140]),
    "empty": lambda path: path.write_bytes(b""),
    "damaged": damage,
    "garbage": garbage,
    "renamed": lambda path: path.rename(path.with_name(f"x{path.name}")),
    "as xml": lambda path: path.rename(path.with_suffix(".xml")),
    "as xlsx": lambda path: path.rename(path.with_suffix(".xlsx")),
    "as patches": lambda path: path.replace(path.with_name("patches.json")),
    "upper case": lambda path: path.rename(path.with_name(path.name.upper())),
    "name that is no text": lambda path: path.rename(path.parent / b"\xff\xfe.xml".decode("utf-8", "surrogateescape")),
    "text": lambda path: path.write_text("not at all"),
    "nulls": lambda path: path.write_bytes(bytes(2000)),
    "Git LFS pointer": lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
    "entities": workbook_with_entities,
    "folder": folder,
    "dead link": dead_link,
}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    root = write_collection(tmp_path_factory.mktemp("lung") / "collection")
    record = {"id": "P1", "target": {"sop": "1.1.1.4", "box": None, "field": "name"}, "before": "A", "after": "a"}
    (root / "patches.json").write_text(json.dumps([{**record, "status": "accepted"}]))
    return root


def accounted(root, out):
    """Plan and convert; every entry must be used or refused, never both, and all rows must be JSON."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = SOURCE.plan(root)
        results = [SOURCE.convert(case, out) for case in plan.cases]
    used = {stamp.path for case in plan.cases for stamp in case.files}
    refused = [row["path"] for row in plan.refused]
    assert len(set(refused)) == len(refused)
    entries = [path for path in root.rglob("*") if path.is_symlink() or not path.is_dir()]
    names = {
        path: str(path.relative_to(root)).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        for path in entries
    }
    assert {path for path in entries if (str(path) in used) == (names[path] in set(refused))} == set()
    for found in (*results, [dict(row) for case in plan.cases for row in case.findings]):
        assert json.loads(json.dumps(found)) == found
    return plan, results


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_lost(original, tmp_path, place, mutation):
    root = tmp_path / "collection"
    shutil.copytree(original, root)
    (path,) = root.glob(PLACES[place])
    MUTATIONS[mutation](path)
    plan, results = accounted(root, tmp_path / "out")
    assert [case.case for case in plan.cases] == ["Lung_Dx-A0001", "Lung_Dx-G0002"]
    assert all(result["case"] for result in results)
    if place not in ("annotation", "annotation of a screenshot"):
        found = {row["slice_uid"] for result in results for row in result["boxes"]}
        assert {"1.1.2.4", "1.1.2.5"} <= found
    if place == "slice" and mutation in ("missing", "cut", "empty", "garbage", "text", "folder"):
        reasons = {row["reason"] for row in plan.refused}
        assert {"uneven gaps", "reference refused"} <= reasons  # the whole reconstruction and its boxes, by name


def test_a_folder_without_any_scan(tmp_path):
    root = write_collection(tmp_path / "collection")
    for path in root.rglob("*.dcm"):
        path.unlink()
    plan = SOURCE.plan(root)
    assert plan.cases == ()
    assert len(plan.refused) == len([path for path in root.rglob("*") if path.is_file()])
