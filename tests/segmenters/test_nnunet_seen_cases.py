"""Who has seen whom: by id, by patient, by bytes."""

from dataclasses import replace

import pytest
from tests.segmenters.nnunet_models import write_pet_cohort

from oncohort.cohort import Case
from oncohort.errors import FormatError
from oncohort.formats.training_run import LockedCase, TrainedFold, TrainingRun
from oncohort.segmenters.nnunet.seen_cases import HeldFile, SeenCases
from oncohort.storage import sha256_bytes

FOLDS = (
    TrainedFold("0", ("B1", "C"), ("A1", "A2"), 1, "m/fold_0/c.pth", "0" * 64, 1.0, None),
    TrainedFold("1", ("A1", "A2"), ("B1", "C"), 1, "m/fold_1/c.pth", "0" * 64, 1.0, None),
)
LOCK = {
    "A1": LockedCase("a", {"pet": sha256_bytes(b"A1")}),
    "A2": LockedCase("a", {"pet": sha256_bytes(b"A2")}),
    "B1": LockedCase("b", {"pet": sha256_bytes(b"B1")}),
    "C": LockedCase("c", {"pet": sha256_bytes(b"C")}),
    "T": LockedCase("t", {"pet": sha256_bytes(b"T")}),
}
RUN = TrainingRun(
    model="nnunet",
    settings={},
    cohort="sarcoma",
    lock=LOCK,
    split=None,
    test=("T",),
    channels=("pet",),
    units={"pet": "SUVbw"},
    label_scheme={},
    labels={},
    folder="m",
    files={},
    folds=FOLDS,
    versions={},
    created_at="2026-01-01T00:00:00+00:00",
)


@pytest.fixture
def look(tmp_path):
    """What the run knows of a case whose image has these bytes."""

    def asked(case, patient, data, cohort="sarcoma", *, run=RUN, recorded=None):
        file = tmp_path / f"{case}.nii.gz"
        file.write_bytes(data)
        return SeenCases(run, cohort, {case: (HeldFile(recorded, (file,)),)}).look(Case(case, patient, {}, {}))

    return asked


@pytest.fixture
def seen(look):
    return lambda *case, **more: sorted(look(*case, **more).folds)


@pytest.mark.parametrize(
    ("case", "patient", "folds"),
    [
        ("A1", "a", ["1"]),
        ("B1", "b", ["0"]),
        ("T", "t", []),
        ("A3", "a", ["1"]),  # a new study of a patient
        ("A1", "renamed", ["1"]),
        ("new", "n", []),
    ],
)
def test_in_the_same_cohort_case_and_patient_tell(seen, case, patient, folds):
    assert seen(case, patient, b"other bytes") == folds


@pytest.mark.parametrize(
    ("case", "patient", "folds"),
    [("A1", "a", ["1"]), ("A1", "other", []), ("other", "a", []), ("C", "c", ["0"]), ("A2", "b", [])],
)
def test_in_another_cohort_case_and_patient_together_tell(seen, case, patient, folds):
    assert seen(case, patient, b"other bytes", cohort="harmonised") == folds


@pytest.mark.parametrize(
    ("case", "patient", "cohort", "patients"),
    [
        ("other", "a", "another", ["1"]),
        ("A2", "b", "another", ["0"]),
        ("A1", "a", "another", []),  # seen, not only a patient's id
        ("other", "t", "another", []),  # only tested
        ("other", "a", "sarcoma", []),  # seen
    ],
)
def test_the_id_of_a_patient_alone_is_told_apart_in_another_cohort(look, case, patient, cohort, patients):
    assert sorted(look(case, patient, b"other bytes", cohort).patient) == patients


def test_the_same_bytes_tell_under_any_name(seen):
    assert seen("x", "y", b"A2", "another") == ["1"]
    assert seen("x", "y", b"C") == ["0"]
    assert seen("x", "y", b"T") == []
    assert seen("B1", "b", b"A1", "another") == ["0", "1"]
    all_of_it = replace(RUN, folds=(TrainedFold("all", tuple(LOCK), (), 1, "m", "0" * 64, 1.0, None),))
    assert seen("x", "y", b"T", "another", run=all_of_it) == ["all"]


def test_the_same_bytes_tell_of_a_case_that_the_run_knows_by_id_and_patient(look):
    swapped = look("A1", "a", b"B1")
    assert (swapped.folds, swapped.same_bytes) == ({"0", "1"}, ("B1",))
    assert look("T", "t", b"A1").folds == {"1"}
    assert look("T", "t", b"T").same_bytes == ()


def test_bytes_that_the_cohort_has_recorded_tell_as_well_as_those_on_disk(seen):
    assert seen("x", "y", b"C", recorded=sha256_bytes(b"A1")) == ["0", "1"]
    assert seen("x", "y", b"new", recorded=sha256_bytes(b"A1")) == ["1"]


def test_the_same_mask_does_not_make_two_cases_one(seen):
    empty = {case: LockedCase(held.patient, {**held.files, "lesions": "e" * 64}) for case, held in LOCK.items()}
    assert seen("T", "t", b"T", run=replace(RUN, lock=empty)) == []
    assert seen("T", "t", b"T", run=replace(RUN, lock=empty), recorded="e" * 64) == []


def test_a_file_that_is_gone_is_told(tmp_path):
    held = HeldFile(None, (tmp_path / "image.nii.gz",))
    for case, patient in (("A1", "a"), ("x", "y")):
        with pytest.raises(FormatError, match=r"image\.nii\.gz: .*bring the file back"):
            SeenCases(RUN, "sarcoma", {case: (held,)}).look(Case(case, patient, {}, {}))


def test_images_of_a_cohort_are_those_of_the_channels(tmp_path):
    cohort = write_pet_cohort(tmp_path, cases=("A",))
    row = next(row for row in cohort.volume_rows("A") if row["role"] == "pet")
    held = HeldFile(row["sha256"], (tmp_path / row["path"],))
    assert SeenCases.of(RUN, cohort, ("pet",)).files == {"A": (held,)}
    assert held.digests() == {row["sha256"]}
