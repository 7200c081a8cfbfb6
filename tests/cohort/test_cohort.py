import polars as pl
import pytest

from oncohort.cohort import TABLES, Cohort, CohortFacts, Tables, as_table
from oncohort.errors import InputError
from oncohort.labels import LabelScheme

CONTRACT = {
    "cases": "case patient study study_date timepoint tracer centre group split licence sex age_years weight_kg",
    "volumes": "case role path unit shape spacing_mm orientation affine scale sha256 bytes reader state version parent",
    "boxes": "case volume lesion class i0 i1 j0 j1 k0 k1 slice_uid reader state version parent",
    "prompts": "case volume step kind polarity points origin seconds",
    "structures": "case volume structure lesion measure value unit",
    "findings": "rule severity case path evidence remedy",
    "refused": "path reason detail",
}
SCHEME = LabelScheme("lesion", {"lesion": 1})


def cohort(read=None):
    tables = Tables.from_rows(
        {
            "cases": [{"case": "B", "patient": "P", "tracer": "FDG"}, {"case": "A", "patient": "P"}],
            "volumes": [
                {"case": "A", "role": "ct", "path": "a"},
                {"case": "B", "role": "pet", "path": "b"},
                {"case": "A", "role": "pet", "path": "c"},
            ],
        }
    )
    reader = {} if read is None else {"read": read}
    return Cohort(CohortFacts("demo", "dicom"), SCHEME, tables, **reader)


def test_the_tables_have_the_columns_of_the_contract():
    assert {name: " ".join(columns) for name, columns in TABLES.items()} == CONTRACT
    assert list(Tables.empty().named()) == list(CONTRACT)
    for name, table in Tables.empty().named().items():
        assert table.columns == CONTRACT[name].split()
        assert table.height == 0


def test_rows_become_a_table_and_further_columns_are_kept():
    table = as_table("cases", [{"case": "A", "own": 1}, {"patient": "P", "other": "x", "age_years": 3}])
    assert table.columns == [*TABLES["cases"], "own", "other"]
    assert table["own"].to_list() == [1, None]
    assert table["other"].to_list() == [None, "x"]
    assert table.schema["age_years"] == pl.Float64
    assert table["case"].to_list() == ["A", None]


def test_nested_columns_keep_their_type_without_values():
    assert as_table("volumes", [{"case": "A"}]).schema["shape"] == pl.List(pl.Int64)
    assert as_table("prompts", [{"points": [[1.0, 2.5, 3.0]]}])["points"].to_list() == [[[1.0, 2.5, 3.0]]]


def test_cases_come_in_the_order_of_the_table_with_their_roles_and_facts():
    listed = list(cohort())
    assert [case.id for case in listed] == list(cohort().case_ids) == ["B", "A"]
    assert [case.roles for case in listed] == [("pet",), ("ct", "pet")]
    assert listed[0].facts["tracer"] == "FDG"
    assert "case" not in listed[0].facts
    assert "patient" not in listed[0].facts
    assert listed[0].patient == "P"
    assert (len(cohort()), cohort().name) == (2, "demo")


def test_a_case_is_found_by_its_id():
    assert cohort()["A"].id == "A"
    assert "A" in cohort()
    assert "C" not in cohort()
    with pytest.raises(InputError, match=r"cohort 'demo'.*found 'C'.*one of its 2 cases"):
        cohort()["C"]


def test_volumes_are_read_by_the_row_and_only_when_asked():
    rows = []
    found = cohort(read=lambda row: rows.append(row["path"]) or row["path"])
    case = found["A"]
    assert rows == []
    assert case["pet"] == "c"
    assert rows == ["c"]
    assert [row["path"] for row in found.volume_rows("A")] == ["a", "c"]
    assert found.volume_rows("Z") == []


def test_tables_alone_cannot_be_read():
    with pytest.raises(InputError, match="open_cohort"):
        cohort()["A"]["ct"]


def test_another_case_table_keeps_the_rest():
    part = cohort(read=lambda row: row["path"])
    part = part.with_cases(part.tables.cases.filter(pl.col("case") == "A"))
    assert part.case_ids == ("A",)
    assert part["A"]["ct"] == "a"
    assert (part.facts, part.scheme) == (CohortFacts("demo", "dicom"), SCHEME)
