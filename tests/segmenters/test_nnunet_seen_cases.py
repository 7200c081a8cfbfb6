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


def seen(case, patient, data, cohort="sarcoma"):
    files = {case: (HeldFile(sha256_bytes(data), ()),)}
    return sorted(SeenCases(RUN, cohort, files).folds(Case(case, patient, {}, {})))


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
def test_in_the_same_cohort_case_and_patient_tell(case, patient, folds):
    assert seen(case, patient, b"other bytes") == folds


@pytest.mark.parametrize(
    ("case", "patient", "folds"),
    [("A1", "a", ["1"]), ("A1", "other", []), ("other", "a", []), ("C", "c", ["0"]), ("A2", "b", [])],
)
def test_in_another_cohort_case_and_patient_together_tell(case, patient, folds):
    assert seen(case, patient, b"other bytes", cohort="harmonised") == folds


def test_the_same_bytes_tell_under_any_name():
    assert seen("x", "y", b"A2", cohort="another") == ["1"]
    assert seen("x", "y", b"C") == ["0"]
    assert seen("x", "y", b"T") == []
    assert seen("B1", "b", b"A1", cohort="another") == ["0", "1"]
    all_of_it = replace(RUN, folds=(TrainedFold("all", tuple(LOCK), (), 1, "m", "0" * 64, 1.0, None),))
    files = {"x": (HeldFile(sha256_bytes(b"T"), ()),)}
    assert SeenCases(all_of_it, "another", files).folds(Case("x", "y", {}, {})) == {"all"}


def test_the_same_bytes_tell_under_another_id_of_the_same_cohort():
    same = {"pet": LOCK["A1"].files["pet"], "lesions": "e" * 64}
    run = replace(RUN, lock={**LOCK, "C": LockedCase("c", same), "T": LockedCase("t", same)})
    unread = {case: (HeldFile(None, ()),) for case in LOCK}
    seen = {case: SeenCases(run, "sarcoma", unread).folds(Case(case, LOCK[case].patient, {}, {})) for case in LOCK}
    assert seen == {"A1": {"0", "1"}, "A2": {"1"}, "B1": {"0"}, "C": {"0", "1"}, "T": {"0", "1"}}


def test_the_same_mask_does_not_make_two_cases_one():
    empty = {case: LockedCase(held.patient, {**held.files, "lesions": "e" * 64}) for case, held in LOCK.items()}
    assert SeenCases(replace(RUN, lock=empty), "sarcoma", {}).folds(Case("T", "t", {}, {})) == frozenset()


def test_bytes_without_a_hash_are_read_when_ids_do_not_tell(tmp_path):
    file = tmp_path / "image.nii.gz"
    file.write_bytes(b"A1")
    held = HeldFile(None, (file,))
    assert SeenCases(RUN, "another", {"x": (held,)}).folds(Case("x", "y", {}, {})) == {"1"}
    file.unlink()
    known = {"A1": (held,), "x": (held,)}
    assert SeenCases(RUN, "sarcoma", known).folds(Case("A1", "a", {}, {})) == {"1"}
    with pytest.raises(FormatError, match="image"):
        SeenCases(RUN, "sarcoma", known).folds(Case("x", "y", {}, {}))


def test_images_of_a_cohort_are_those_of_the_channels(tmp_path):
    cohort = write_pet_cohort(tmp_path, cases=("A",))
    rows = {row["role"]: row["sha256"] for row in cohort.volume_rows("A")}
    assert SeenCases.of(RUN, cohort, ("pet",)).files == {"A": (HeldFile(rows["pet"], ()),)}
