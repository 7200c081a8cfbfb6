"""A segmenter over a cohort: one prediction per case, the failed ones listed, nothing done twice."""

import numpy as np
import pytest

from oncohort.errors import MissingNeedError, OutputError
from oncohort.formats import read_volume
from oncohort.formats.predictions import write_prediction
from oncohort.ingestion import ingest
from oncohort.segmentation import segment
from oncohort.segmenters import PercentOfMax, Threshold
from study_files import Watch, save_image, stamps, write_dataset, write_patient


@pytest.fixture
def cohort(tmp_path):
    write_dataset(tmp_path / "data", "A", "B b")
    return ingest("nnunet", tmp_path / "data", out=tmp_path / "cohort")


def test_a_prediction_per_case_on_the_grid_of_the_pet(cohort, tmp_path):
    done = segment(cohort, Threshold(2.5), out=tmp_path / "p")
    assert (done.folder, dict(done.failed)) == (tmp_path / "p", {})
    assert sorted(path.name for path in done.folder.glob("*.nii.gz")) == ["A.nii.gz", "B b.nii.gz"]
    mask = read_volume(done.folder / "B b.nii.gz")
    assert mask.geometry == cohort["B b"]["pet"].geometry
    assert int(mask.array.sum()) == 4 * 3 * 3


def test_the_threshold_itself_is_lesion(cohort, tmp_path):
    at = segment(cohort, Threshold(8.0), out=tmp_path / "at").folder
    above = segment(cohort, Threshold(8.01), out=tmp_path / "above").folder
    assert read_volume(at / "A.nii.gz").array.sum() == 36
    assert read_volume(above / "A.nii.gz").array.sum() == 0


def test_finished_cases_are_not_done_again(cohort, tmp_path):
    segment(cohort, Threshold(2.5), out=tmp_path / "p")
    before, watch = stamps(tmp_path / "p"), Watch()
    segment(cohort, Threshold(2.5), out=tmp_path / "p", progress=watch)
    assert watch.done == {}
    assert stamps(tmp_path / "p") == before


def test_two_processes_write_the_same_files(cohort, tmp_path):
    one = segment(cohort, Threshold(2.5), out=tmp_path / "one").folder
    two = segment(cohort, Threshold(2.5), out=tmp_path / "two", jobs=2).folder
    for path in one.glob("*.nii.gz"):
        assert (two / path.name).read_bytes() == path.read_bytes()


def test_another_segmenter_in_the_same_folder_needs_overwrite(cohort, tmp_path):
    segment(cohort, Threshold(2.5), out=tmp_path / "p")
    other = PercentOfMax(percent=41, seed_suv=4.0, connectivity=18)
    with pytest.raises(OutputError, match=r"Threshold\(suv=2.5\)"):
        segment(cohort, other, out=tmp_path / "p")
    assert not segment(cohort, other, out=tmp_path / "p", overwrite=True).failed


def test_under_a_given_work_the_changed_segmenter_does_all_cases_again(cohort, tmp_path):
    work, watch = {"model": "mine"}, Watch()
    segment(cohort, Threshold(2.5), out=tmp_path / "p", work=work)
    segment(cohort, Threshold(0.5), out=tmp_path / "p", work=work, progress=watch)
    assert watch.done == {"segment": 2}
    assert read_volume(tmp_path / "p" / "A.nii.gz").array.all()


def test_predictions_of_cases_that_are_gone_are_removed(cohort, tmp_path):
    folder = segment(cohort, Threshold(2.5), out=tmp_path / "p").folder
    write_prediction(folder, "gone", Threshold(2.5).segment(cohort["A"]))
    assert (folder / "gone.nii.gz").exists()
    segment(cohort, Threshold(2.5), out=tmp_path / "p")
    assert not (folder / "gone.nii.gz").exists()


def test_a_case_that_can_no_longer_be_read_is_listed_and_its_old_prediction_removed(cohort, tmp_path):
    folder = segment(cohort, Threshold(2.5), out=tmp_path / "p").folder
    (tmp_path / "data" / "imagesTr" / "A_0000.nii.gz").write_bytes(b"damaged")
    done = segment(cohort, Threshold(2.5), out=tmp_path / "p")
    assert set(done.failed) == {"A"}
    assert "A_0000.nii.gz" in done.failed["A"]
    assert [path.name for path in folder.glob("*.nii.gz")] == ["B b.nii.gz"]
    save_image(tmp_path / "data" / "imagesTr" / "A_0000.nii.gz", np.full((12, 10, 8), 9.0, np.float32))
    assert not segment(cohort, Threshold(2.5), out=tmp_path / "p").failed
    assert read_volume(folder / "A.nii.gz").array.all()


def test_cases_without_a_need_are_listed_and_none_with_it_is_an_error(tmp_path):
    write_patient(tmp_path / "data" / "one")
    write_patient(tmp_path / "data" / "two", "P2", prefix="1.3", study="1.3.7", pet_tags={"PatientWeight": None})
    cohort = ingest("dicom", tmp_path / "data", out=tmp_path / "cohort")
    done = segment(cohort, Threshold(2.5), out=tmp_path / "p")
    assert set(done.failed) == {"P2"}
    assert "pet" in done.failed["P2"]
    for path in (tmp_path / "data" / "one").rglob("*.dcm"):
        path.unlink()
    cohort = ingest("dicom", tmp_path / "data", out=tmp_path / "cohort")
    with pytest.raises(MissingNeedError) as caught:
        segment(cohort, Threshold(2.5), out=tmp_path / "p2")
    assert "pet" in caught.value.expected
    assert "P2" in caught.value.where
