import json
import os

import numpy as np
import pytest

from oncohort.errors import OutputError, SettingsError
from oncohort.formats import open_cohort
from oncohort.recipes import harmonise, make_recipe
from oncohort.volume import resample
from small_cohorts import PET_GRID, write_small_cohort

CT_ON_PET = make_recipe([{"resample": {"role": "ct", "onto": "pet", "interpolation": "linear", "fill": -1024}}])
TO_CT = {"onto": "ct", "interpolation": "nearest", "fill": 0}
LESIONS_ON_CT = make_recipe([{"resample": {"role": "lesions", **TO_CT}}])


def tables(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_changed_roles_are_written_and_the_rest_is_referenced(tmp_path):
    cohort = write_small_cohort(tmp_path / "raw")
    found = harmonise(cohort, CT_ON_PET, out=tmp_path / "out")
    assert found.case_ids == cohort.case_ids
    for case in found:
        expected = resample(cohort[case.id]["ct"], PET_GRID, interpolation="linear", fill=-1024)
        assert np.array_equal(case["ct"].array, expected.array)
        assert case["ct"].record["resampled"]["onto"] == "pet"
        assert np.array_equal(case["pet"].array, cohort[case.id]["pet"].array)
        assert case["pet"].record == {"rule": "START"}
        assert np.array_equal(case["lesions"].foreground(), cohort[case.id]["lesions"].foreground())
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out/volumes").rglob("*.gz"))
    assert written == ["volumes/A/ct.nii.gz", "volumes/B%2F1/ct.nii.gz"]
    rows = {row["role"]: row["path"] for row in found.volume_rows("A")}
    assert rows == {
        "ct": "volumes/A/ct.nii.gz",
        "pet": "../raw/volumes/0/pet.nii.gz",
        "lesions": "../raw/volumes/0/lesions.nii.gz",
    }
    assert found.facts.parents == ("../raw",)
    assert found.tables.refused.equals(cohort.tables.refused)
    assert found.tables.cases.equals(cohort.tables.cases)
    assert found.tables.findings.height == 0


def test_label_maps_move_too(tmp_path):
    cohort = write_small_cohort(tmp_path / "raw")
    found = harmonise(cohort, LESIONS_ON_CT, out=tmp_path / "out")
    assert found["A"]["lesions"].geometry == cohort["A"]["ct"].geometry
    assert found["A"]["lesions"].foreground().any()
    row = next(row for row in found.volume_rows("A") if row["role"] == "lesions")
    assert (row["unit"], row["state"], row["version"]) == ("label", "original", 1)
    assert json.loads(row["scale"])["recipe"][0]["resample"]["onto"] == "ct"


def test_a_case_without_a_needed_role_is_kept_and_found(tmp_path):
    cohort = write_small_cohort(tmp_path / "raw", without=[("A", "pet")])
    found = harmonise(cohort, CT_ON_PET, out=tmp_path / "out")
    assert found["A"]["ct"].geometry == cohort["A"]["ct"].geometry
    assert found["B/1"]["ct"].geometry == PET_GRID
    finding = found.tables.findings.row(0, named=True)
    assert (finding["rule"], finding["severity"], finding["case"]) == ("harmonise", "error", "A")
    assert "'pet'" in finding["evidence"]
    assert finding["remedy"]


def test_a_damaged_file_is_a_finding_and_the_other_cases_go_on(tmp_path):
    cohort = write_small_cohort(tmp_path / "raw")
    path = tmp_path / "raw/volumes/0/ct.nii.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    found = harmonise(cohort, CT_ON_PET, out=tmp_path / "out")
    assert found.tables.findings["case"].to_list() == ["A"]
    assert "ct.nii.gz" in found.tables.findings["evidence"][0]
    assert found["B/1"]["ct"].geometry == PET_GRID
    path.write_bytes(whole)
    healed = harmonise(cohort, CT_ON_PET, out=tmp_path / "out")
    assert healed.tables.findings.height == 0
    assert healed["A"]["ct"].geometry == PET_GRID


def test_settings_that_no_case_can_fulfil_stop_the_work(tmp_path):
    cohort = write_small_cohort(tmp_path / "raw")
    recipe = make_recipe([{"resample": {"role": "lesions", "onto": "ct", "interpolation": "linear", "fill": 0}}])
    with pytest.raises(SettingsError, match="nearest"):
        harmonise(cohort, recipe, out=tmp_path / "out")


def test_finished_cases_are_not_done_again_and_changed_ones_are(tmp_path):
    cohort = write_small_cohort(tmp_path / "raw")
    calls = []
    harmonise(cohort, CT_ON_PET, out=tmp_path / "out", progress=calls.append)
    before = tables(tmp_path / "out")
    assert (calls[-1].done, calls[-1].total, calls[-1].label) == (2, 2, "harmonise")
    calls.clear()
    harmonise(cohort, CT_ON_PET, out=tmp_path / "out", progress=calls.append)
    assert calls == []
    assert tables(tmp_path / "out") == before
    os.utime(tmp_path / "raw/volumes/0/lesions.nii.gz", ns=(1, 1))  # not needed by the recipe
    harmonise(cohort, CT_ON_PET, out=tmp_path / "out", progress=calls.append)
    assert calls == []
    os.utime(tmp_path / "raw/volumes/0/ct.nii.gz", ns=(1, 1))
    harmonise(cohort, CT_ON_PET, out=tmp_path / "out", progress=calls.append)
    assert calls[-1].total == 1
    (tmp_path / "out/volumes/A/ct.nii.gz").unlink()
    calls.clear()
    harmonise(cohort, CT_ON_PET, out=tmp_path / "out", progress=calls.append)
    assert calls[-1].total == 1
    assert tables(tmp_path / "out") == before


def test_another_recipe_replaces_the_files_of_the_first(tmp_path):
    cohort = write_small_cohort(tmp_path / "raw")
    harmonise(cohort, CT_ON_PET, out=tmp_path / "out")
    found = harmonise(cohort, LESIONS_ON_CT, out=tmp_path / "out")
    assert found["A"]["ct"].geometry == cohort["A"]["ct"].geometry
    assert not (tmp_path / "out/volumes/A/ct.nii.gz").exists()
    assert (tmp_path / "out/volumes/A/lesions.nii.gz").exists()
    assert len(list((tmp_path / "out/.oncohort/results").rglob("*.json"))) == 2


def test_spawned_processes_write_the_same_cohort(tmp_path):
    cohort = write_small_cohort(tmp_path / "raw")
    harmonise(cohort, CT_ON_PET, out=tmp_path / "one")
    harmonise(cohort, CT_ON_PET, out=tmp_path / "two", jobs=2)
    assert tables(tmp_path / "one") == tables(tmp_path / "two")


def test_other_work_is_refused(tmp_path):
    first, second = write_small_cohort(tmp_path / "raw"), write_small_cohort(tmp_path / "raw2")
    harmonise(first, CT_ON_PET, out=tmp_path / "out")
    with pytest.raises(OutputError, match="--overwrite"):
        harmonise(second, CT_ON_PET, out=tmp_path / "out")
    assert harmonise(second, CT_ON_PET, out=tmp_path / "out", overwrite=True).facts.parents == ("../raw2",)
    assert json.loads(open_cohort(tmp_path / "out").volume_rows("A")[0]["scale"])["resampled"]["fill"] == -1024
