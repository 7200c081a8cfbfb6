"""Several numbered data sets in one output folder, each a work of its own."""

import json
import shutil

import pytest
from memory_cohorts import cohort_of, ct, masks, pet

from oncohort.errors import OutputError
from oncohort.exporting import export_cohort
from oncohort.exports import Channel, Masks, MhaExport, NnDetectionExport, NnunetExport
from oncohort.formats import open_cohort
from oncohort.ingestion import ingest
from oncohort.storage import read_work, write_json
from oncohort.storage.folders import WORK_FILE
from small_cohorts import write_small_cohort


def cohort():
    return cohort_of({"a": {"ct": ct(), "pet": pet(), "lesions": masks(lesion=(0, 2, 0, 2, 0, 2))}})


def nnunet(number=1, title="A", *roles, **choices):
    channels = tuple(Channel.usual(role) for role in roles or ("pet",))
    return NnunetExport(number, title, channels, images="copy", **choices)


def nndetection(number=1, title="A", *roles):
    return NnDetectionExport(number, title, roles or ("pet",), masks=Masks())


def bytes_under(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("layout", [nnunet, nndetection])
def test_two_data_sets_stand_in_one_folder(layout, tmp_path):
    first = tmp_path / layout().place
    export_cohort(cohort(), layout(), out=tmp_path)
    before = bytes_under(first)
    export_cohort(cohort(), layout(2, "B", "ct"), out=tmp_path)
    with pytest.raises(OutputError, match="channels"):
        export_cohort(cohort(), layout(2, "B", "ct", "pet"), out=tmp_path)
    export_cohort(cohort(), layout(2, "B", "ct", "pet"), out=tmp_path, overwrite=True)
    assert bytes_under(first) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([layout().place, layout(2, "B").place])
    export_cohort(cohort(), layout(), out=tmp_path)
    assert bytes_under(first) == before


@pytest.mark.parametrize("layout", [nnunet, nndetection])
def test_a_number_that_is_taken_is_refused(layout, tmp_path):
    export_cohort(cohort(), layout(), out=tmp_path)
    before = bytes_under(tmp_path)
    with pytest.raises(OutputError, match="choose another number") as caught:
        export_cohort(cohort(), layout(1, "B"), out=tmp_path, overwrite=True)
    assert caught.value.found == layout().place
    assert bytes_under(tmp_path) == before


def test_a_file_is_no_folder_of_data_sets(tmp_path):
    (tmp_path / "Dataset001_notes.txt").touch()
    export_cohort(cohort(), nnunet(), out=tmp_path)
    with pytest.raises(OutputError, match="a new folder or data sets of nnunet, found a file"):
        export_cohort(cohort(), nnunet(), out=tmp_path / "Dataset001_notes.txt", overwrite=True)


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_of_other_work_gets_no_data_set(tmp_path, overwrite):
    export_cohort(cohort(), MhaExport({"pet": "pet"}, Masks()), out=tmp_path)
    before = bytes_under(tmp_path)
    with pytest.raises(OutputError, match="export: mha there, nnunet asked"):
        export_cohort(cohort(), nnunet(), out=tmp_path, overwrite=overwrite)
    assert bytes_under(tmp_path) == before
    (tmp_path / "raw" / "Dataset001_A").mkdir(parents=True)
    (tmp_path / "raw" / "Dataset001_A" / "dataset.json").write_text("of others")
    with pytest.raises(OutputError, match="did not write"):
        export_cohort(cohort(), nnunet(), out=tmp_path / "raw", overwrite=overwrite)


@pytest.mark.parametrize("fingerprint", [True, False])
def test_an_export_marked_in_the_folder_above_is_continued(tmp_path, fingerprint):
    """As exports were marked when a folder held one data set."""
    layout = nnunet(fingerprint=fingerprint)
    place = tmp_path / layout.place
    export_cohort(cohort(), layout, out=tmp_path)
    shutil.move(place / ".oncohort", tmp_path / ".oncohort")
    times = {path: path.stat().st_mtime_ns for path in place.rglob("*.nii.gz")}
    with pytest.raises(OutputError, match="other work"):
        export_cohort(cohort(), nnunet(1, "A", "ct"), out=tmp_path)
    export_cohort(cohort(), layout, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [layout.place]
    assert fingerprint or {path: path.stat().st_mtime_ns for path in place.rglob("*.nii.gz")} == times
    assert (place / "dataset_fingerprint.json").is_file() == fingerprint


def test_an_export_marked_in_the_folder_above_stays_when_another_comes(tmp_path):
    export_cohort(cohort(), nnunet(), out=tmp_path)
    shutil.move(tmp_path / "Dataset001_A" / ".oncohort", tmp_path / ".oncohort")
    before = bytes_under(tmp_path)
    export_cohort(cohort(), nnunet(2, "B"), out=tmp_path, overwrite=True)
    assert {path: data for path, data in bytes_under(tmp_path).items() if path.parts[0] != "Dataset002_B"} == before
    assert read_work(tmp_path)["title"] == "A"


def test_an_export_whose_images_are_read_is_not_overwritten(tmp_path):
    write_small_cohort(tmp_path / "cohort", cases=("A",))
    layout = nnunet(7, "Own", label_role="lesions")
    export_cohort(open_cohort(tmp_path / "cohort"), layout, out=tmp_path / "raw")
    again = ingest("nnunet", tmp_path / "raw" / "Dataset007_Own", out=tmp_path / "again")
    assert again.tables.refused.height == 0
    with pytest.raises(OutputError, match="apart from what is read"):
        export_cohort(again, layout, out=tmp_path / "raw", overwrite=True)
    export_cohort(again, nnunet(8, "Other"), out=tmp_path / "raw")


def test_a_folder_of_notes_that_is_not_ours_is_listed(tmp_path):
    write_small_cohort(tmp_path / "cohort", cases=("A",))
    export_cohort(open_cohort(tmp_path / "cohort"), nnunet(7, "Own"), out=tmp_path / "raw")
    folder = tmp_path / "raw" / "Dataset007_Own"
    (folder / "labelsTr" / ".oncohort").mkdir()
    write_json(folder / "labelsTr" / ".oncohort" / "precious.json", {})
    assert (folder / WORK_FILE).is_file()
    refused = ingest("nnunet", folder, out=tmp_path / "again").tables.refused
    assert refused["path"].to_list() == ["labelsTr/.oncohort/precious.json"]
    assert json.loads((folder / "dataset.json").read_text())["numTraining"] == 1
