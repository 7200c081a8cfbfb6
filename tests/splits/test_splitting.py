"""Strata that are read from masks: presence of lesions, class of their volume, and columns beside them."""

from collections import Counter

import numpy as np
import pytest

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.errors import LeakageError, OutputError, SettingsError
from oncohort.formats import open_cohort, write_cohort, write_label_map
from oncohort.formats.nifti import header_facts
from oncohort.formats.split_file import read_split
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.splitting import SplitSettings, split_cohort
from oncohort.volume import LabelMap

GRID = Geometry((10, 10, 10), np.diag([10.0, 10.0, 10.0, 1.0]))  # a voxel is 1 ml
SCHEME = LabelScheme("lesion", {"lesion": 1})
VOLUMES = (0, 4, 9, 10, 40, 99, 100, 500)
CLASSES = ("none", "class 0", "class 0", "class 1", "class 1", "class 1", "class 2", "class 2")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Eight patients of two cases each, which share a volume; the last case has no mask."""
    folder = tmp_path_factory.mktemp("strata")
    cases, rows = [], []
    for patient, volume in enumerate(VOLUMES):
        for study in "ab":
            case = f"p{patient}{study}"
            cases.append({"case": case, "patient": f"p{patient}", "tracer": "FDG" if patient % 2 else "PSMA"})
            mask = np.zeros(GRID.shape, bool)
            mask.ravel()[:volume] = True
            if case != "p7b":
                found = LabelMap.from_masks({"lesion": mask}, GRID, SCHEME)
                facts = write_label_map(folder / f"{case}.nii.gz", found)
                own = {"case": case, "role": "lesions", "path": f"{case}.nii.gz", "unit": "label"}
                rows.append({**own, **header_facts(found), **facts})
    tables = Tables.from_rows({"cases": cases, "volumes": rows})
    write_cohort(folder, Cohort(CohortFacts("strata", "python"), SCHEME, tables))
    return open_cohort(folder)


def test_classes_are_those_of_the_volumes(cohort):
    parted = split_cohort(cohort, SplitSettings(folds=2, strata=("lesions", "volume", "tracer")))
    found = dict(zip(parted.cases["case"], parted.cases["volume"], strict=True))
    assert [found[f"p{patient}a"] for patient in range(8)] == list(CLASSES)
    assert found["p7b"] == "unknown"
    presence = dict(zip(parted.cases["case"], parted.cases["lesions"], strict=True))
    assert Counter(presence.values()) == {"none": 2, "class 0": 13, "unknown": 1}
    other = split_cohort(cohort, SplitSettings(folds=2, strata=("volume",), volume_edges_ml=(50.0,)))
    assert Counter(other.cases["volume"]) == {"none": 2, "class 0": 8, "class 1": 5, "unknown": 1}


@pytest.mark.parametrize("seed", range(5))
def test_parts_hold_equally_many_of_each_class(cohort, tmp_path, seed):
    settings = SplitSettings(folds=2, strata=("volume",), seed=seed, volume_edges_ml=(10.0,))
    parted = split_cohort(cohort, settings, out=tmp_path / "split.json")
    classes = dict(zip(parted.cases["case"], parted.cases["volume"], strict=True))
    counts = [Counter(classes[case] for case in fold) for fold in parted.split.folds]
    assert [sum(count.values()) for count in counts] == [8, 8]
    # 2 patients below 10 ml, 5 from there on, 1 without lesions: as equal as whole patients can be
    assert [count["class 0"] for count in counts] == [2, 2]
    assert {count["none"] for count in counts} == {0, 2}
    written = read_split(tmp_path / "split.json")
    assert (written.seed, written.strata, written.content_hash) == (seed, ("volume",), parted.split.content_hash)
    assert all(written.patients[case] == case[:2] for case in cohort.case_ids)


def test_an_official_split_of_cases_that_tears_a_patient_is_refused(cohort, tmp_path):
    cases = cohort.tables.cases.with_columns(
        split=cohort.tables.cases["case"].str.slice(2).replace({"a": "train", "b": "test"})
    )
    with pytest.raises(LeakageError, match="patient p0"):
        split_cohort(cohort.with_cases(cases), SplitSettings(official=True), out=tmp_path / "split.json")
    assert not (tmp_path / "split.json").exists()
    with pytest.raises(SettingsError, match="for every case"):
        split_cohort(cohort, SplitSettings(official=True))


def test_the_same_parts_in_the_file_keep_the_seed_that_it_tells(cohort, tmp_path):
    out = tmp_path / "split.json"
    first = split_cohort(cohort, SplitSettings(folds=1, seed=1), out=out)
    again = split_cohort(cohort, SplitSettings(folds=1, seed=2), out=out)
    assert (first.notes, read_split(out).seed) == ((), 1)
    assert again.notes == ("The file has held this split before: drawn, seed 1, strata none. It stays as it is.",)
    assert split_cohort(cohort, SplitSettings(folds=1, seed=2), out=out, overwrite=True).notes == ()
    assert read_split(out).seed == 2


def test_another_file_is_refused_before_masks_are_read(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr("oncohort.splitting.reference_volumes", lambda *_, **__: pytest.fail("masks were read"))
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(OutputError, match="no split"):
        split_cohort(cohort, SplitSettings(folds=2, strata=("volume",)), out=notes, overwrite=True)
    assert notes.read_text() == "mine"
