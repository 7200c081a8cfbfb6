from pathlib import Path

import numpy as np
import pytest

from oncohort.compute import Progress
from oncohort.errors import InputError, OutputError
from oncohort.formats import read_label_map, read_nifti
from oncohort.formats.case_sheet import read_case_sheet
from oncohort.formats.dicom.contours import rasterise
from oncohort.formats.dicom.rtstruct import read_rtstruct
from oncohort.formats.dicom.series import read_pet, read_series
from oncohort.formats.nnunet_raw import read_dataset
from oncohort.phantoms import phantom_patient, write_phantom_cohort
from oncohort.phantoms.cohort import LESION_COUNTS, patient_seed
from oncohort.phantoms.patient import LESION_SCHEME
from oncohort.storage import read_json, sha256_file


def digests(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def dicom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantom_cohort(tmp_path_factory.mktemp("phantoms") / "out", cases=1, form="dicom").folder


@pytest.fixture(scope="module")
def nnunet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantom_cohort(tmp_path_factory.mktemp("phantoms") / "out", cases=2, form="nnunet").folder


def test_dicom_comes_back_as_it_was(dicom: Path):
    patient = phantom_patient(patient_seed(2026, 1), lesions=LESION_COUNTS[0])
    folder = dicom / "dicom" / "SYNTHETIC-001"
    ct, pet = read_series(folder / "CT"), read_pet(folder / "PET")
    assert np.array_equal(ct.array, patient.ct.array)
    assert ct.geometry.is_same_grid(patient.ct.geometry) and pet.geometry.is_same_grid(patient.pet.geometry)
    step = patient.pet.array.max(axis=(0, 1)) / 32767
    assert (np.abs(pet.array - patient.pet.array) <= 0.505 * step).all()
    region = read_rtstruct(folder / "RTSTRUCT" / "0001.dcm").contours("lesion")[0]
    assert np.array_equal(rasterise(region, pet.geometry).mask, patient.lesions.mask("lesion"))


def test_nnunet_comes_back_as_it_was(nnunet: Path):
    patient = phantom_patient(patient_seed(2026, 2), lesions=LESION_COUNTS[1])
    data = nnunet / "nnunet"
    assert np.array_equal(read_nifti(data / "imagesTr" / "SYNTHETIC-002_0000.nii.gz").array, patient.ct_on_pet.array)
    assert np.array_equal(read_nifti(data / "imagesTr" / "SYNTHETIC-002_0001.nii.gz").array, patient.pet.array)
    mask = read_label_map(data / "labelsTr" / "SYNTHETIC-002.nii.gz", LESION_SCHEME)
    assert np.array_equal(mask.foreground(), patient.lesions.foreground())
    assert read_dataset(data).channels == {0: "CT", 1: "PET"}
    sheet = read_case_sheet(data / "cases.csv")
    assert sheet["SYNTHETIC-002"]["weight_kg"] == patient.weight_kg
    assert sheet["SYNTHETIC-001"]["tracer"] == "FDG"


def test_the_truth_names_every_lesion_and_everything_says_synthetic(dicom: Path, nnunet: Path):
    truth = read_json(nnunet / "phantom.json")
    assert truth["synthetic"] is True and truth["type"] == "oncohort.phantom_cohort"
    assert [len(patient["lesions"]) for patient in truth["patients"]] == [5, 1]
    first = truth["patients"][0]["lesions"][0]
    assert {"centre_mm", "volume_ml", "mask_ml", "suv", "organ"} <= set(first)
    assert "SYNTHETIC" in read_dataset(nnunet / "nnunet").facts["name"]
    for path in (dicom / "dicom").rglob("*.dcm"):
        assert b"SYNTHETIC digital phantom, not a person" in path.read_bytes()


def test_a_larger_cohort_starts_with_the_smaller_one_whatever_the_number_of_jobs(nnunet: Path, tmp_path: Path):
    larger = write_phantom_cohort(tmp_path / "out", cases=3, form="nnunet", jobs=2)
    small, large = digests(nnunet / "nnunet"), digests(larger.data)
    assert larger.cases == ("SYNTHETIC-001", "SYNTHETIC-002", "SYNTHETIC-003")
    assert {name: large[name] for name in small if name.endswith(".nii.gz")} == {
        name: digest for name, digest in small.items() if name.endswith(".nii.gz")
    }


def test_dicom_bytes_are_the_same_every_time(dicom: Path, tmp_path: Path):
    again = write_phantom_cohort(tmp_path / "out", cases=1, form="dicom")
    assert digests(again.data) == digests(dicom / "dicom")
    assert not any((again.folder / ".oncohort" / "partial").iterdir())


def test_finished_patients_are_not_made_again_and_lost_files_are(tmp_path: Path):
    out = write_phantom_cohort(tmp_path / "out", cases=1, form="dicom").folder
    seen: list[Progress] = []
    write_phantom_cohort(out, cases=1, form="dicom", progress=seen.append)
    assert seen == []
    before = digests(out)
    next((out / "dicom").rglob("0100.dcm")).unlink()
    write_phantom_cohort(out, cases=1, form="dicom", progress=seen.append)
    assert seen[-1].done == 1
    assert digests(out) == before


def test_other_work_is_refused_and_replaced_only_when_asked(tmp_path: Path):
    write_phantom_cohort(tmp_path / "out", cases=1, form="nnunet")
    with pytest.raises(OutputError, match="other work"):
        write_phantom_cohort(tmp_path / "out", cases=1, seed=3, form="nnunet")
    again = write_phantom_cohort(tmp_path / "out", cases=1, seed=3, form="nnunet", overwrite=True)
    assert read_json(again.truth)["seed"] == 3


def test_a_place_that_cannot_take_the_patient_is_named(tmp_path: Path):
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="1 to 999"):
        write_phantom_cohort(tmp_path / "out", cases=0)
    with pytest.raises(InputError, match="dicom, nnunet"):
        write_phantom_cohort(tmp_path / "out", form="bids")  # type: ignore[arg-type]
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_in_the_way_of_a_patient_is_an_output_error(tmp_path: Path):
    out = write_phantom_cohort(tmp_path / "out", cases=1, form="dicom").folder
    folder = out / "dicom" / "SYNTHETIC-001"
    folder.rename(tmp_path / "elsewhere")
    folder.write_text("in the way")
    with pytest.raises(OutputError, match="SYNTHETIC-001"):
        write_phantom_cohort(out, cases=1, form="dicom")


def test_patients_of_a_cohort_have_their_own_seeds():
    assert patient_seed(1, 999) < patient_seed(2, 1)
    assert 0 in LESION_COUNTS and 20 in LESION_COUNTS and len(LESION_COUNTS) == 8
