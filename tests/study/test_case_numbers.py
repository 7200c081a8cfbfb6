"""The numbers of a case that need no prediction, each with the reason where there is none."""

import numpy as np
import pytest

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.compute import ResultStore
from oncohort.errors import FormatError
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.profiles import load_profile
from oncohort.study.case_numbers import COLUMNS, count_cases
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

SCHEME = LabelScheme("lesion", {"lesion": 1})
GRID = Geometry((10, 8, 6), np.diag([-4.0, -4.0, 5.0, 1.0]))


def numbers(tmp_path, profile="autopet-iii", **volumes):
    """The row of a case with these roles."""

    def read(row):
        found = volumes[row["role"]]
        if isinstance(found, Exception):
            raise found
        return found

    rows = [{"case": "A", "role": role, "path": f"{role}.nii.gz"} for role in volumes]
    tables = Tables.from_rows({"cases": [{"case": "A", "patient": "P"}], "volumes": rows})
    cohort = Cohort(CohortFacts("one", "test"), SCHEME, tables, read, tmp_path)
    store = ResultStore(tmp_path / "store")
    return count_cases(cohort, load_profile(profile), store=store, jobs=1, progress=None)[0]


def lesions(*blocks, grid=GRID):
    mask = np.zeros(grid.shape, bool)
    for block in blocks:
        mask[block] = True
    return LabelMap.from_masks({"lesion": mask}, grid, SCHEME)


def pet(hot=7.0):
    array = np.ones(GRID.shape, np.float32)
    array[1, 1, 1], array[9, 7, 5] = hot, 30.0
    return Volume.from_array(array, GRID, Unit.SUVBW)


TWO = (np.s_[0:2, 0:2, 0:2], np.s_[5:7, 5:6, 3:4])


def test_volume_count_and_uptake(tmp_path):
    row = numbers(tmp_path, pet=pet(), lesions=lesions(*TWO))
    assert (row["case"], row["patient"], row["lesions"]) == ("A", "P", 2)
    assert row["lesion_ml"] == pytest.approx(10 * 0.08)
    assert (row["suvmax"], row["image_suvmax"]) == (7.0, 30.0)
    assert row["undefined"] == {}


def test_blocks_that_share_an_edge_are_one_lesion_and_a_corner_two(tmp_path):
    edge = lesions(np.s_[0:2, 0:2, 0:2], np.s_[2:3, 2:3, 0:2])
    corner = lesions(np.s_[0:2, 0:2, 0:2], np.s_[2:3, 2:3, 2:3])
    assert numbers(tmp_path / "edge", lesions=edge)["lesions"] == 1
    assert numbers(tmp_path / "corner", lesions=corner)["lesions"] == 2


def test_no_lesion_is_a_number_and_its_uptake_is_undefined(tmp_path):
    row = numbers(tmp_path, pet=pet(), lesions=lesions())
    assert (row["lesion_ml"], row["lesions"]) == (0.0, 0)
    assert row["undefined"] == {"suvmax": "no lesion voxel on a PET"}


def test_what_is_missing_is_said(tmp_path):
    row = numbers(tmp_path / "a", pet=pet())
    assert set(row["undefined"]) == {"lesion_ml", "lesions", "suvmax"}
    row = numbers(tmp_path / "b", lesions=lesions(*TWO))
    assert set(row["undefined"]) == {"suvmax", "image_suvmax"}


def test_a_mask_on_another_grid_has_no_uptake(tmp_path):
    other = Geometry(GRID.shape, np.diag([-3.0, -4.0, 5.0, 1.0]))
    row = numbers(tmp_path, pet=pet(), lesions=lesions(*TWO, grid=other))
    assert row["undefined"] == {"suvmax": "the mask is not on the grid of the PET"}
    assert row["lesion_ml"] == pytest.approx(10 * 0.06)


def test_a_file_that_cannot_be_read_makes_all_undefined(tmp_path):
    broken = FormatError(expected="a mask", found="noise", where="lesions.nii.gz", remedy="write it again")
    row = numbers(tmp_path, pet=pet(), lesions=broken)
    assert set(row["undefined"]) == {column.name for column in COLUMNS}
    assert "lesions.nii.gz" in row["undefined"]["suvmax"]


def test_only_the_structures_of_the_profile_are_lesions(tmp_path):
    scheme = LabelScheme("organs", {"pancreas": 1, "pancreatic_lesion": 2})
    mask = np.zeros(GRID.shape, bool)
    mask[0:4, 0:4, 0:4] = True
    tumour = np.zeros_like(mask)
    tumour[1:3, 1:2, 1:2] = True
    organs = LabelMap.from_masks({"pancreas": mask, "pancreatic_lesion": tumour}, GRID, scheme)
    row = numbers(tmp_path / "pants", profile="pants", organs=organs)
    assert (row["lesion_ml"], row["lesions"]) == (pytest.approx(2 * 0.08), 1)
    row = numbers(tmp_path / "each", profile="organs", organs=organs)
    assert row["undefined"]["lesion_ml"] == row["undefined"]["lesions"] == "the profile scores every label by itself"
