"""Reviews of tables and cohorts, and what makes a PET odd."""

import json

import pytest

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.errors import FormatError, InputError
from oncohort.formats.spreadsheet import write_sheet
from oncohort.labels import LabelScheme
from oncohort.suv_review import SeriesReview, find_odd, review_cohort_suv, review_suv, suv_page

ROW = {
    "Units": "BQML",
    "DecayCorrection": "START",
    "CorrectedImage": "DECY\\ATTN",
    "PatientWeight": 70,
    "SeriesDate": "20250101",
    "SeriesTime": "110000",
    "AcquisitionTime": "110000",
    "RadionuclideTotalDose": 368.08e6,
    "RadionuclideHalfLife": 6586.2,
    "RadiopharmaceuticalStartTime": "100000",
}


def record(**changes):
    numbers = {"weight_kg": 70.0, "dose_bq": 3.5e8, "seconds_since_injection": 3600.0, **changes}
    return {
        "recipe": "suv",
        "rule": "bqml-start",
        "factor": 2.0e-4,
        "reference_time": {"winner": "S", "spread_percent": 0.1},
        "warnings": [],
        **{name: {"value": value, "source": "tag"} for name, value in numbers.items()},
    }


def reviewed(records):
    rows = [
        {"case": f"P{n}", "role": "pet", "path": f"{n}.nii.gz", "scale": json.dumps(one)}
        for n, one in enumerate(records)
    ]
    tables = Tables.from_rows(
        {
            "cases": [{"case": row["case"], "patient": row["case"]} for row in rows],
            "volumes": rows,
            "refused": [
                {"path": "x/a.dcm", "reason": "no SUV", "detail": "weight_missing: expected weight, found none"},
                {"path": "x/b.dcm", "reason": "no SUV", "detail": "weight_missing: expected weight, found none"},
                {"path": "y.txt", "reason": "not DICOM", "detail": "text"},
            ],
        }
    )
    return review_cohort_suv(Cohort(CohortFacts("trial", "dicom"), LabelScheme("lesion", {"lesion": 1}), tables))


def test_the_unlike_one_of_a_cohort_is_found_and_the_refused_are_listed_once():
    usual = [
        record(weight_kg=60.0 + n, dose_bq=(60.0 + n) * 5e6, seconds_since_injection=3500.0 + 40 * n) for n in range(8)
    ]
    late = record(seconds_since_injection=9000.0, weight_kg=65.0, dose_bq=3.3e8)
    other = {**record(weight_kg=64.0, dose_bq=3.2e8), "rule": "cnts-start"}
    found = reviewed([*usual, late, other])
    odd = {one.name: one.doubts for one in found if one.doubts}
    assert set(odd) == {"P8 pet", "P9 pet"}
    assert odd["P8 pet"][0].startswith("minutes since injection 150")
    assert odd["P9 pet"] == ("rule cnts-start, most have bqml-start",)
    assert [one.refusal.split(":")[0] for one in found if one.factors is None] == ["weight_missing"]


def test_four_have_no_usual_value():
    assert not any(
        one.is_odd
        for one in find_odd(
            SeriesReview(str(n), "", "r", (1.0, 1.0), record=record(weight_kg=10.0**n)) for n in range(4)
        )
    )


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_rows_of_a_table_stand_in_for_headers(tmp_path, kind):
    rows = [{"name": "A", **ROW}, {"name": "B", **ROW, "PatientWeight": None}]
    path = tmp_path / f"rows.{kind}"
    if kind == "xlsx":
        write_sheet(path, rows, list(rows[0]))
    else:
        lines = [",".join("" if value is None else str(value) for value in row.values()) for row in rows]
        path.write_text("\n".join([",".join(rows[0]), *lines]))
    first, second = review_suv(path)
    assert first.factors == pytest.approx((2.777781e-4,) * 2, rel=1e-6)
    assert second.refusal.startswith("weight_missing")
    assert review_suv(path, recipe="autopet-compat")[0].rule == "autopet-compat"


def test_wrong_paths_and_tables_are_errors(tmp_path):
    with pytest.raises(InputError, match="nothing there"):
        review_suv(tmp_path / "gone.csv")
    with pytest.raises(InputError, match="at least one PET"):
        review_suv(tmp_path)
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="UTF-8"):
        review_suv(tmp_path / "a.csv")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match="another kind"):
        review_suv(tmp_path / "a.txt")


def test_the_page_escapes_and_names_the_odd(tmp_path):
    out = tmp_path / "suv.html"
    reviews = [SeriesReview("<b>P1</b>", "here", "bqml-start", (2e-4, 3e-4), record=record(), warnings=("look & see",))]
    suv_page(out, "trial", reviews, created_at="2026-01-01T00:00:00Z", oncohort="0")
    text = out.read_text()
    assert "&lt;b&gt;P1&lt;/b&gt;" in text
    assert "look &amp; see" in text
    assert "2.000000e-04 to 3.000000e-04" in text


@pytest.mark.real_data
def test_a_whole_body_scan_is_corrected_to_its_series_time(real_data):
    """STS_001 of the IBSI: the mean count time of each bed would give a staircase of x1.013 to x0.891."""
    (found,) = review_suv(real_data("sts001_wholebody_pet"))
    assert found.factors == pytest.approx((2.429030e-4,) * 2, rel=1e-6)
    assert (found.winner, found.record["reference_time"]["decay_factors"]) == ("S", "confirms S")
    stairs = next(one for one in found.alternatives if one["rule"].startswith("each frame's mean count time"))
    ends = [1 + stairs[end] / 100 for end in ("high_percent", "low_percent")]
    assert ends == pytest.approx([1.013, 0.891], abs=5e-4)
