"""CPM of masks: the largest predicted lesions come first, and each lesion is found once."""

import numpy as np
import polars as pl
import pytest

from oncohort import rank
from oncohort.errors import InputError
from oncohort.leaderboard import arrange_scores
from oncohort.leaderboard.box_metrics import lesion_cpm
from oncohort.leaderboard.candidates import candidates_of
from oncohort.leaderboard.samples import Sample
from oncohort.metrics import froc_cpm, froc_curve
from oncohort.profiles import CohortMetric, load_profile, parse_profile
from oncohort.results import Score, Scores

TEXT = load_profile("lesions").text + '\n[[cohort_metric]]\nname = "froc_cpm"\n'
CASES = ("A", "B", "C", "D")
LESIONS = {"A": 2, "B": 1, "C": 0, "D": 1}
# case, volume, lesion that it meets; C holds none
CANDIDATES = [("A", 9.0, 1), ("A", 8.0, 1), ("A", 3.0, None), ("B", 7.0, None), ("B", 2.0, 1), ("C", 5.0, None)]


def scores_of(candidates, *, missing=(), patients=None):
    profile = parse_profile(TEXT, where="test")
    table = [
        Score("m", case, (patients or {}).get(case, case), "lesion", rule.column, 1.0, rule.unit, "lesions", "1")
        for case in CASES
        for rule in profile.metric
    ]
    lesions = [
        {"model": "m", "case": case, "structure": "lesion", "side": "reference", "lesion": number + 1}
        for case, count in LESIONS.items()
        for number in range(count)
    ]
    rows = [
        {
            "model": "m",
            "case": case,
            "structure": "lesion",
            "candidate": number,
            "score": score,
            "matched_lesion": lesion,
        }
        for number, (case, score, lesion) in enumerate(candidates)
    ]
    schema = {"model": pl.String, "case": pl.String, "structure": pl.String, "candidate": pl.Int64}
    found = pl.DataFrame(rows, schema=schema | {"score": pl.Float64, "matched_lesion": pl.Int64})
    run = {"missing": {"m": list(missing)}, "profile_text": TEXT}
    return Scores(Scores.from_scores(table, run).table, run, pl.DataFrame(lesions), found)


def cpm_row(scores, **settings):
    return rank(scores, **{"bootstrap": 0, **settings}).filter(metric="froc_cpm").row(0, named=True)


def test_it_is_the_mean_sensitivity_of_the_curve():
    columns = tuple(zip(*((case, score, lesion or 0) for case, score, lesion in CANDIDATES), strict=True))
    expected = froc_cpm(froc_curve(columns, lesions=4, cases=4, repeated_hits="ignored"))
    assert 0.1 < expected < 0.5
    row = cpm_row(scores_of(CANDIDATES))
    assert row["estimate"] == pytest.approx(expected, abs=1e-12)
    assert (row["structure"], row["n"]) == ("all structures", 3)
    assert row["method"].startswith("mean sensitivity to lesions at 1/8 to 8 false ones per case")


def test_by_hand():
    """False ones per case 0, 0.25, 0.5 and 0.75; found 1/4 from the start, 2/4 at the last candidate."""
    at_rates = [0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 0.5]  # 1/8 1/4 1/2 1 2 4 8
    assert cpm_row(scores_of(CANDIDATES))["estimate"] == pytest.approx(sum(at_rates) / 7)


def test_a_second_candidate_on_a_lesion_counts_neither_way():
    without = [one for one in CANDIDATES if one != ("A", 8.0, 1)]
    assert cpm_row(scores_of(without))["estimate"] == cpm_row(scores_of(CANDIDATES))["estimate"]


def test_nothing_predicted_is_0_and_nothing_to_find_no_value():
    assert cpm_row(scores_of([]))["estimate"] == 0.0
    scores = scores_of(CANDIDATES)
    nothing = Scores(scores.table, scores.run, scores.lesions.clear(), scores.candidates.filter(matched_lesion=99))
    assert cpm_row(nothing)["estimate"] is None


def test_draws_take_the_cases_of_a_patient_together():
    row = cpm_row(scores_of(CANDIDATES), bootstrap=200)
    assert row["low"] < row["estimate"] < row["high"]
    one = cpm_row(scores_of(CANDIDATES, patients=dict.fromkeys(CASES, "P")), bootstrap=50)
    assert one["low"] == one["high"] == one["estimate"]


def test_a_draw_is_a_cohort_with_copies():
    grid = arrange_scores(scores_of(CANDIDATES))
    quantity = lesion_cpm(grid, CohortMetric(name="froc_cpm"))
    everyone = Sample(np.ones(4, bool), grid.patients)
    drawn = quantity.estimate(everyone, np.array([[2, 1, 0, 1]], np.int32))
    copies = (
        [("A", *row[1:]) for row in CANDIDATES if row[0] == "A"],
        [("E", *row[1:]) for row in CANDIDATES if row[0] == "A"],
    )
    rows = [*copies[0], *copies[1], *(row for row in CANDIDATES if row[0] == "B")]
    columns = tuple(zip(*((case, score, lesion or 0) for case, score, lesion in rows), strict=True))
    curve = froc_curve(columns, lesions=2 * 2 + 1 + 1, cases=4, repeated_hits="ignored")
    assert drawn[0, 0] == pytest.approx(froc_cpm(curve), abs=1e-12)


def test_a_missing_prediction_puts_a_model_behind():
    grid = arrange_scores(scores_of(CANDIDATES, missing=["C"]))
    quantity = lesion_cpm(grid, CohortMetric(name="froc_cpm"))
    assert quantity.failed.tolist() == [[False], [False], [True], [False]]


def test_scores_without_candidates_cannot_be_ranked():
    scores = scores_of(CANDIDATES)
    assert candidates_of(Scores(scores.table, scores.run), CASES) is None
    with pytest.raises(InputError, match="candidates"):
        rank(Scores(scores.table, scores.run), bootstrap=0)
