"""Boxes as COCO and PASCAL VOC: conventions, pycocotools, and our own reader of VOC files."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from box_cohorts import box, box_cohort, volume
from oncohort import ingest
from oncohort.errors import SettingsError
from oncohort.exporting import export_cohort
from oncohort.exports import BoxChoice, CocoExport, VocExport
from oncohort.formats.voc_xml import VocBox, read_voc
from oncohort.phantoms.twins import write_twin
from oncohort.splits import Split

# Lung-PET-CT-Dx A0001, sharp reconstruction, z = -234 and -229 (CC BY 4.0): inclusive corners as published
FIRST, SECOND = (298, 298, 335, 374), (290, 305, 338, 378)


def drawn(case, corners, k, **more):
    xmin, ymin, xmax, ymax = corners
    return box(case, (xmin, xmax + 1, ymin, ymax + 1, k, k + 1), slice_uid=f"1.2.{k}", **more)


@pytest.fixture
def lungs():
    rows = [
        drawn("A0001", FIRST, 3, lesion="1"),
        drawn("A0001", SECOND, 4, lesion="1"),
        box("B 2", (5, 9, 7, 8, 0, 2), name="B", lesion="1"),
        box("B 2", (0, 4, 0, 4, None, None), name="B", volume=None, slice_uid="9.9"),
        drawn("B 2", FIRST, 3, state="rejected"),
    ]
    volumes = [volume(case, shape=(512, 500, 20)) for case in ("A0001", "B 2", "C")]
    return box_cohort(rows, cases=["A0001", "B 2", "C"], volumes=volumes)


def coco_of(folder, name="instances.json"):
    from pycocotools.coco import COCO

    return COCO(str(folder / name))


def test_coco_counts_from_zero_and_has_width_and_height(lungs, tmp_path):
    done = export_cohort(lungs, CocoExport(), out=tmp_path / "out")
    assert done.failed == {}
    api = coco_of(done.folder)
    assert {one["name"]: one["id"] for one in api.loadCats(api.getCatIds())} == {"A": 1, "B": 2}
    images = api.loadImgs(api.getImgIds())
    assert [(one["case"], one["volume"], one["k"]) for one in images] == [
        ("A0001", "ct", 3),
        ("A0001", "ct", 4),
        ("B 2", "ct", 0),
        ("B 2", "ct", 1),
    ]
    assert [one["file_name"] for one in images] == ["1.2.3.dcm", "1.2.4.dcm", "B 2_ct_0000", "B 2_ct_0001"]
    assert {(one["width"], one["height"]) for one in images} == {(512, 500)}
    found = [api.loadAnns(api.getAnnIds(imgIds=[one["id"]])) for one in images]
    assert [[one["bbox"] for one in each] for each in found] == [
        [[298, 298, 38, 77]],
        [[290, 305, 49, 74]],
        [[5, 7, 4, 1]],
        [[5, 7, 4, 1]],
    ]
    assert [one["area"] for each in found for one in each] == [38 * 77, 49 * 74, 4, 4]
    assert sorted(api.getAnnIds()) == [1, 2, 3, 4]
    record = json.loads((done.folder / "oncohort.json").read_text())
    assert record["boxes_without_volume"] == {"B 2": 1}
    assert record["cases"]["C"] == {"images": 0}


def test_coco_scores_its_own_boxes_as_perfect(lungs, tmp_path):
    from pycocotools.cocoeval import COCOeval

    api = coco_of(export_cohort(lungs, CocoExport(), out=tmp_path / "out").folder)
    keys = ("image_id", "category_id", "bbox")
    results = [{**{key: one[key] for key in keys}, "score": 1.0} for one in api.dataset["annotations"]]
    evaluation = COCOeval(api, api.loadRes(results), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)


def test_all_slices_and_the_test_set_in_a_file_of_its_own(lungs, tmp_path):
    split = Split({case: case for case in lungs.case_ids}, test=("B 2",), train_only=("A0001", "C"))
    export = CocoExport(BoxChoice("ct"), "all", split)
    folder = export_cohort(lungs, export, out=tmp_path / "out").folder
    train, test = coco_of(folder, "instances_train.json"), coco_of(folder, "instances_test.json")
    assert (len(train.imgs), len(test.imgs)) == (20, 20)
    assert {one["case"] for one in train.imgs.values()} == {"A0001"}
    assert {one["name"] for one in train.cats.values()} == {one["name"] for one in test.cats.values()}
    assert not (folder / "instances.json").exists()


def test_voc_files_hold_inclusive_corners(lungs, tmp_path):
    folder = export_cohort(lungs, VocExport(), out=tmp_path / "out").folder
    found = read_voc(folder / "Annotations" / "A0001_ct_0003.xml")
    assert found.boxes == (VocBox("A", *FIRST),)
    assert (found.width, found.height, found.depth) == (512, 500, 1)
    assert (found.filename, found.folder) == ("1.2.3.dcm", "A0001")
    root = ElementTree.parse(folder / "Annotations" / "A0001_ct_0003.xml").getroot()
    assert root.findtext("object/difficult") == "0"
    listed = (folder / "ImageSets" / "Main" / "trainval.txt").read_text().splitlines()
    assert listed == ["A0001_ct_0003", "A0001_ct_0004", "B 2_ct_0000", "B 2_ct_0001"]
    assert sorted(path.stem for path in (folder / "Annotations").iterdir()) == listed
    assert read_voc(folder / "Annotations" / "B 2_ct_0001.xml").boxes == (VocBox("B", 5, 7, 8, 7),)


def test_voc_of_all_slices_has_files_without_objects_and_a_test_list(lungs, tmp_path):
    split = Split({case: case for case in lungs.case_ids}, test=("A0001",), train_only=("B 2", "C"))
    folder = export_cohort(lungs, VocExport(slices="all", split=split), out=tmp_path / "out").folder
    assert read_voc(folder / "Annotations" / "A0001_ct_0000.xml").boxes == ()
    assert len((folder / "ImageSets/Main/test.txt").read_text().splitlines()) == 20
    assert "A0001" not in (folder / "ImageSets/Main/trainval.txt").read_text()


def test_names_of_strangers_are_escaped_and_lead_nowhere(tmp_path):
    rows = [box("../x", (0, 1, 0, 1, 0, 1), name="a<b>&\"'", slice_uid="../../etc/passwd")]
    folder = export_cohort(box_cohort(rows), VocExport(), out=tmp_path / "out").folder
    (written,) = (folder / "Annotations").iterdir()
    assert written.name == "%2E.%2Fx_ct_0000.xml"
    found = read_voc(written)
    assert found.boxes[0].name == "a<b>&\"'"
    assert "/" not in found.filename
    bad = box_cohort([*rows, box("y", (0, 1, 0, 1, 0, 1), name="bell\a")])
    done = export_cohort(bad, VocExport(), out=tmp_path / "bad")
    assert "XML" in done.failed["y"]
    assert [path.name for path in (tmp_path / "bad/Annotations").iterdir()] == [written.name]


@pytest.mark.parametrize("kind", [CocoExport, VocExport])
def test_readers_are_not_mixed_and_wrong_boxes_are_named(kind, tmp_path):
    rows = [box("a", (0, 2, 0, 2, 0, 1)), box("a", (1, 3, 0, 2, 0, 1), reader="s"), box("b", (0, 101, 0, 2, 0, 1))]
    cohort = box_cohort(rows)
    with pytest.raises(SettingsError, match="r, s"):
        export_cohort(cohort, kind(), out=tmp_path / "mixed")
    with pytest.raises(SettingsError, match="'t'"):
        export_cohort(cohort, kind(BoxChoice(reader="t")), out=tmp_path / "unknown")
    done = export_cohort(cohort, kind(BoxChoice(reader="r")), out=tmp_path / "one")
    assert "inside (100, 100, 20)" in done.failed["b"]
    with pytest.raises(SettingsError, match="boxes"):
        export_cohort(box_cohort([], cases=["a"]), kind(), out=tmp_path / "none")


def test_boxes_that_change_are_written_again(tmp_path):
    for stop in (2, 3):
        cohort = box_cohort([box("a", (0, stop, 0, 2, 0, 1))])
        folder = export_cohort(cohort, VocExport(), out=tmp_path / "out").folder
        assert read_voc(Path(folder, "Annotations", "a_ct_0000.xml")).boxes[0].xmax == stop - 1


def test_boxes_of_the_lung_twin_are_those_of_its_own_files(tmp_path):
    """Ingest makes half-open voxels of published corners, the export turns them back: equal by SOPInstanceUID."""
    twin = write_twin("lung-pet-ct-dx", tmp_path / "twin", cases=1, size="tiny")
    cohort = ingest("lung-pet-ct-dx", twin.data, out=tmp_path / "cohort")
    folder = export_cohort(cohort, VocExport(), out=tmp_path / "out").folder
    found = [read_voc(path) for path in sorted((folder / "Annotations").iterdir())]
    published = {path.stem: read_voc(path) for path in (twin.data / "Annotation").rglob("*.xml")}
    corners = {Path(one.filename).stem: [(b.xmin, b.ymin, b.xmax, b.ymax) for b in one.boxes] for one in found}
    assert len(corners) == len(found) > 3
    for uid, boxes in corners.items():
        assert boxes == [(b.xmin, b.ymin, b.xmax, b.ymax) for b in published[uid].boxes]
    elsewhere = json.loads((folder / "oncohort.json").read_text())["boxes_without_volume"]
    assert len(published) == len(corners) + sum(elsewhere.values())
