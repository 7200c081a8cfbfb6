"""Files that Oncohort writes say what they are, keep what they do not know, and refuse what is newer."""

import json

import polars as pl
import pytest

from oncohort.cohort import TABLES, Cohort, Tables
from oncohort.errors import FormatError
from oncohort.formats import open_cohort, write_cohort
from oncohort.formats.parquet import write_table
from oncohort.storage import read_json, write_json
from small_cohorts import write_small_cohort


def test_every_file_of_a_cohort_carries_type_and_version(tmp_path):
    write_small_cohort(tmp_path)
    for name in TABLES:
        metadata = pl.read_parquet_metadata(tmp_path / f"{name}.parquet")
        assert metadata["type"] == f"oncohort.cohort.{name}"
        assert metadata["format_version"] == "1.0"
    values = json.loads((tmp_path / "cohort.json").read_text())
    assert values["type"] == "oncohort.cohort"
    assert values["format_version"] == "1.0"


@pytest.mark.parametrize("name", TABLES)
def test_unknown_columns_are_kept(tmp_path, name):
    cohort = write_small_cohort(tmp_path / "a")
    wider = cohort.tables.named()[name].with_columns(future=pl.lit("x"), numbers=pl.lit(2.5))
    tables = Tables(**{**cohort.tables.named(), name: wider})
    write_cohort(tmp_path / "b", Cohort(cohort.facts, cohort.scheme, tables))
    assert getattr(open_cohort(tmp_path / "b").tables, name).equals(wider)


@pytest.mark.parametrize("name", TABLES)
def test_columns_may_stand_in_any_order(tmp_path, name):
    table = write_small_cohort(tmp_path).tables.named()[name]
    shuffled = table.select(reversed(table.columns))
    write_table(tmp_path / f"{name}.parquet", shuffled, kind=f"oncohort.cohort.{name}", version="1.0")
    assert open_cohort(tmp_path)["A"].roles == ("ct", "pet", "lesions")


@pytest.mark.parametrize("name", [*TABLES, "cohort.json"])
@pytest.mark.parametrize("version", ["1.3", "2.0"])
def test_a_newer_minor_version_is_read_and_a_newer_major_one_refused(tmp_path, name, version):
    cohort = write_small_cohort(tmp_path)
    if name == "cohort.json":
        write_json(tmp_path / name, {**read_json(tmp_path / name), "format_version": version})
    else:
        table = cohort.tables.named()[name]
        write_table(tmp_path / f"{name}.parquet", table, kind=f"oncohort.cohort.{name}", version=version)
    if version == "1.3":
        assert len(open_cohort(tmp_path)) == 2
    else:
        with pytest.raises(FormatError, match=r"2\.0"):
            open_cohort(tmp_path)


def test_the_specification_names_every_table_and_column(docs):
    text = (docs / "cohort-format.md").read_text(encoding="utf-8")
    missing = [
        f"{table}.{column}" for table, columns in TABLES.items() for column in columns if f"`{column}`" not in text
    ]
    assert missing == []
    assert all(f"{table}.parquet" in text for table in TABLES)


@pytest.fixture
def docs(request):
    return request.config.rootpath / "docs"
