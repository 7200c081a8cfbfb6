"""CSV files that hold what the tables hold, and that no spreadsheet runs."""

import csv
import json

import polars as pl

from oncohort.cohort import TABLES, Cohort, CohortFacts, Tables
from oncohort.exporting import export_cohort
from oncohort.exports import CsvExport
from oncohort.labels import LabelScheme
from small_cohorts import write_small_cohort

HOSTILE = ["=1+1", "+2", "-thorax", "@sum", "\tx", "\rx", 'a,b\n"c"', "", "plain"]


def test_tables_come_back_with_their_types(tmp_path):
    cohort = write_small_cohort(tmp_path / "cohort")
    folder = export_cohort(cohort, CsvExport(), out=tmp_path / "out").folder
    columns = json.loads((folder / "oncohort.json").read_text())["columns"]
    assert set(columns) == set(TABLES)
    for name, table in cohort.tables.named().items():
        assert columns[name] == {column: str(kind) for column, kind in table.schema.items()}
        flat = {c: pl.String if kind.is_nested() else kind for c, kind in table.schema.items()}
        found = pl.read_csv(folder / f"{name}.csv", schema=flat)
        for column, kind in table.schema.items():
            values = found[column].to_list()
            values = [None if v is None else json.loads(v) for v in values] if kind.is_nested() else values
            assert values == table[column].to_list(), (name, column)


def hostile(tmp_path, name, **choices):
    rows = [{"case": f"c{number}", "patient": "p", "centre": text} for number, text in enumerate(HOSTILE)]
    cohort = Cohort(CohortFacts("x", "python"), LabelScheme("l", {"l": 1}), Tables.from_rows({"cases": rows}))
    folder = export_cohort(cohort, CsvExport(**choices), out=tmp_path / name).folder
    with (folder / "cases.csv").open(newline="", encoding="utf-8") as stream:
        cells = [row["centre"] for row in csv.DictReader(stream)]
    return cells, json.loads((folder / "oncohort.json").read_text())["apostrophes"]


def test_what_a_spreadsheet_would_run_gets_an_apostrophe_and_is_counted(tmp_path):
    cells, counted = hostile(tmp_path, "guarded")
    assert cells == [f"'{text}" for text in HOSTILE[:6]] + HOSTILE[6:]
    assert counted == {"cases": {"centre": 6}}
    cells, counted = hostile(tmp_path, "raw", raw=True)
    assert cells == HOSTILE
    assert counted == {}


def test_missing_is_an_empty_cell_and_empty_text_is_quoted(tmp_path):
    rows = [{"case": "a", "patient": "p", "centre": ""}, {"case": "b", "patient": "p", "centre": None}]
    cohort = Cohort(CohortFacts("x", "python"), LabelScheme("l", {"l": 1}), Tables.from_rows({"cases": rows}))
    text = (export_cohort(cohort, CsvExport(), out=tmp_path / "out").folder / "cases.csv").read_text()
    assert 'a,p,,,,,""' in text
    assert "b,p,,,,,," in text
