import errno
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oncohort.cohort import TABLES, Cohort, CohortFacts, Tables
from oncohort.errors import FormatError, GeometryError, LabelError, OutputError
from oncohort.formats import fingerprint_volume, open_cohort, volume_path, write_cohort, write_nifti, write_volume
from oncohort.formats.parquet import write_table
from oncohort.geometry import Geometry
from oncohort.storage import read_json, write_json
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume
from small_cohorts import CT_GRID, PET_GRID, SCHEME, write_small_cohort


def rewrite(folder, name, table, version="1.0"):
    write_table(folder / f"{name}.parquet", table, kind=f"oncohort.cohort.{name}", version=version)


def changed_row(folder, **values):
    """The small cohort with these values in its first volume row."""
    cohort = write_small_cohort(folder)
    table = cohort.tables.volumes.with_row_index().with_columns(
        **{
            name: pl.when(pl.col("index") == 0)
            .then(pl.lit(value, dtype=TABLES["volumes"][name]))
            .otherwise(pl.col(name))
            for name, value in values.items()
        }
    )
    rewrite(folder, "volumes", table.drop("index"))
    return open_cohort(folder)


def test_a_cohort_comes_back_as_it_was_written(tmp_path):
    written = write_small_cohort(tmp_path)
    found = open_cohort(tmp_path)
    assert found.facts == CohortFacts("small", "dicom", licences=("CC0-1.0",))
    assert found.scheme == SCHEME
    assert found.root == tmp_path
    for name in TABLES:
        assert getattr(found.tables, name).equals(getattr(written.tables, name))
    assert found["A"].facts["own_fact"] == 0
    assert found["B/1"].roles == ("ct", "pet", "lesions")


def test_volumes_have_unit_record_and_the_grid_of_the_table(tmp_path):
    case = write_small_cohort(tmp_path)["A"]
    assert case["pet"].unit is Unit.SUVBW
    assert case["pet"].record == {"rule": "START"}
    assert case["ct"].geometry == CT_GRID
    assert case["ct"].array.dtype == np.int16
    assert isinstance(case["lesions"], LabelMap)
    assert np.array_equal(case["lesions"].mask("lesion"), case["pet"].array > 0.8)
    assert case["lesions"].geometry == PET_GRID


def test_cohort_json_says_type_and_version_and_provenance(tmp_path):
    facts = CohortFacts("x", "dicom", "1", ("CC0",), ("p",), "oncohort 0", "2026")
    write_cohort(tmp_path, Cohort(facts, SCHEME, Tables.empty()))
    values = read_json(tmp_path / "cohort.json")
    order = ["type", "format_version", "name", "source", "source_version", "licences", "parents", "label_scheme"]
    assert list(values) == [*order, "created_by", "created_at"]
    assert (values["type"], values["format_version"]) == ("oncohort.cohort", "1.0")
    assert open_cohort(tmp_path).facts == facts


def test_a_mask_may_be_a_metaimage(tmp_path):
    mask = Volume.from_array(np.ones(PET_GRID.shape, np.float32), PET_GRID, Unit.NONE)
    write_volume(tmp_path / "m.mha", mask)
    cohort = changed_row(
        tmp_path,
        path="m.mha",
        unit="label",
        shape=list(PET_GRID.shape),
        affine=PET_GRID.affine.ravel().tolist(),
    )
    found = cohort["A"]["ct"]
    assert found.mask("lesion").all()
    assert found.layers[0].array.dtype == np.uint8


@pytest.mark.parametrize("name", ["cohort.json", *(f"{name}.parquet" for name in TABLES)])
def test_a_cohort_without_one_of_its_files_is_refused(tmp_path, name):
    write_small_cohort(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FormatError):
        open_cohort(tmp_path)


def test_what_is_no_cohort_says_so(tmp_path):
    with pytest.raises(FormatError, match=r"found no folder.*oncohort ingest"):
        open_cohort(tmp_path / "none")
    with pytest.raises(FormatError, match="ingest was not finished"):
        open_cohort(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "other"}, "another type"),
        ({"format_version": "2.0"}, "format version 2.0"),
        ({"format_version": "10.0"}, "format version 10.0"),
        ({"name": None, "source": None, "label_scheme": None}, "label scheme"),
    ],
)
def test_other_cohort_files_are_refused(tmp_path, change, message):
    write_small_cohort(tmp_path)
    write_json(tmp_path / "cohort.json", {**read_json(tmp_path / "cohort.json"), **change})
    with pytest.raises((FormatError, LabelError), match=message):
        open_cohort(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{", '{"type": "oncohort.cohort", "format_version": "1.0", "name": "x"}'])
def test_a_damaged_cohort_json_is_refused(tmp_path, content):
    write_small_cohort(tmp_path)
    (tmp_path / "cohort.json").write_text(content)
    with pytest.raises(FormatError):
        open_cohort(tmp_path)


def test_a_later_minor_version_with_nulls_is_read(tmp_path):
    write_small_cohort(tmp_path)
    change = {"format_version": "1.7", "licences": None, "parents": None, "new": 1}
    write_json(tmp_path / "cohort.json", {**read_json(tmp_path / "cohort.json"), **change})
    assert open_cohort(tmp_path).facts.licences == ()


def test_a_table_without_a_column_is_refused(tmp_path):
    cohort = write_small_cohort(tmp_path)
    rewrite(tmp_path, "cases", cohort.tables.cases.drop("tracer", "sex"))
    with pytest.raises(FormatError, match=r"cases\.parquet without columns tracer, sex"):
        open_cohort(tmp_path)


def test_a_missing_volume_is_named(tmp_path):
    cohort = write_small_cohort(tmp_path)
    path = volume_path(cohort, cohort.volume_rows("A")[0])
    assert path == tmp_path / "volumes/0/ct.nii.gz"
    path.unlink()
    with pytest.raises(FormatError, match=r"ct\.nii\.gz: expected the file that volumes\.parquet names"):
        cohort["A"]["ct"]


@pytest.mark.parametrize("role", ["ct", "lesions"])
def test_a_file_on_another_grid_than_the_table_says_is_refused(tmp_path, role):
    cohort = write_small_cohort(tmp_path)
    grid = CT_GRID if role == "ct" else PET_GRID
    moved = grid.affine.copy()
    moved[0, 3] += 0.5
    volume = Volume.from_array(np.zeros(grid.shape, np.uint8), Geometry(grid.shape, moved), Unit.NONE)
    write_nifti(tmp_path / f"volumes/0/{role}.nii.gz", volume)
    with pytest.raises(GeometryError, match=r"0\.5 mm away"):
        cohort["A"][role]


@pytest.mark.parametrize("values", [{"unit": "Hounsfield"}, {"scale": "{"}, {"affine": [1.0, 2.0]}, {"shape": None}])
def test_a_row_that_makes_no_sense_is_refused_with_the_file(tmp_path, values):
    cohort = changed_row(tmp_path, **values)
    with pytest.raises(FormatError, match=r"ct\.nii\.gz: expected shape, affine, unit and scale"):
        cohort["A"]["ct"]


def test_paths_may_be_absolute(tmp_path):
    cohort = changed_row(tmp_path, path=str(tmp_path / "volumes/0/ct.nii.gz"))
    assert cohort["A"]["ct"].geometry == CT_GRID
    assert volume_path(cohort, cohort.volume_rows("A")[0]) == tmp_path / "volumes/0/ct.nii.gz"


def test_a_fingerprint_changes_with_the_file(tmp_path):
    cohort = write_small_cohort(tmp_path)
    row = cohort.volume_rows("A")[1]
    path = volume_path(cohort, row)
    first = fingerprint_volume(cohort, row)
    assert json.loads(json.dumps(first)) == first
    assert first == fingerprint_volume(cohort, row)
    os.utime(path, ns=(1, 1))
    second = fingerprint_volume(cohort, row)
    path.unlink()
    third = fingerprint_volume(cohort, row)
    assert first != second != third
    assert third[-1] == {}
    assert fingerprint_volume(cohort, {**row, "scale": "{}"}) != third


def everything(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}


def test_equal_cohorts_give_equal_bytes(tmp_path):
    write_small_cohort(tmp_path / "a")
    write_small_cohort(tmp_path / "b")
    assert everything(tmp_path / "a") == everything(tmp_path / "b")


@pytest.mark.parametrize("failing", range(7))
def test_a_disk_that_fills_while_tables_are_written_leaves_the_old_cohort(tmp_path, monkeypatch, failing):
    old = write_small_cohort(tmp_path)
    before = everything(tmp_path)
    count = iter(range(100))
    write = Path.write_bytes

    def full(path, data):
        if next(count) == failing:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    newer = Cohort(CohortFacts("newer", "dicom"), SCHEME, Tables.empty())
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OutputError, match="No space left"):
            write_cohort(tmp_path, newer)
    assert everything(tmp_path) == before
    assert open_cohort(tmp_path).case_ids == old.case_ids


@pytest.mark.parametrize("survivors", range(9))
def test_a_killed_run_never_leaves_half_a_cohort(tmp_path, monkeypatch, survivors):
    write_small_cohort(tmp_path)
    newer = Cohort(CohortFacts("newer", "dicom"), SCHEME, Tables.empty())
    count = iter(range(100))
    replace = Path.replace

    def killed(path, target):
        if next(count) >= survivors:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        if survivors < 8:
            with pytest.raises(KeyboardInterrupt):
                write_cohort(tmp_path, newer)
        else:
            write_cohort(tmp_path, newer)
    if survivors < 8:
        with pytest.raises(FormatError, match="not finished"):
            open_cohort(tmp_path)
    write_cohort(tmp_path, newer)
    assert len(open_cohort(tmp_path)) == 0


def test_a_cohort_json_that_cannot_be_removed_is_an_output_error(tmp_path):
    (tmp_path / "cohort.json").mkdir()
    with pytest.raises(OutputError):
        write_cohort(tmp_path, Cohort(CohortFacts("x", "dicom"), SCHEME, Tables.empty()))
    assert [path.name for path in tmp_path.iterdir()] == ["cohort.json"]
