"""Profiles whose unit is a patient or a pair, against loops over patients."""

import numpy as np
import pytest
from board_rows import MISSING, profile_of, scores_of

from oncohort.leaderboard import compare_models, rank
from oncohort.leaderboard.drawing import draw_leaderboard
from oncohort.outputs import pants_rows
from oncohort.profiles import parse_profile
from oncohort.reporting.leaderboard_tables import counted_text

COHORT = ("auc", "ap", "patient_sensitivity", "specificity", "lesion_f1", "tumour_sensitivity")
METRICS = ("dice", "reference_volume_ml", "prediction_volume_ml", "lesion_tp", "lesion_fp", "lesion_fn")
PATIENTS = {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "c1": "c", "c2": "c", "d1": "d", "d2": "d"}
TRUTH = {"a1": 5.0, "a2": 0.0, "b1": 1.0, "b2": 2.0, "c1": 0.0, "c2": 0.0, "d1": 0.0, "d2": 0.0}
VOLUMES = {
    "m": {"a1": 0.0, "a2": 3.0, "b1": 0.0, "b2": 0.0, "c1": 0.0, "c2": 1.0, "d1": 0.0, "d2": 0.0},
    "k": {"a1": 4.0, "a2": 0.0, "b1": 1.0, "b2": MISSING, "c1": MISSING, "c2": 0.0, "d1": 0.0, "d2": 0.0},
}
COUNTS = {"a1": (1, 0, 1), "b1": (0, 0, 1), "b2": (2, 0, 0), "c2": (0, 1, 0)}


def profile_by(unit, *, structures=False):
    cohort = [f'[[cohort_metric]]\nname = "{name}"\n' for name in COHORT]
    text = profile_of(*METRICS, cohort=cohort, structures=structures).text
    return parse_profile(text.replace('unit = "case"', f'unit = "{unit}"'), where="test")


def scores_by(unit, patients=PATIENTS):
    values = {}
    for model, volumes in VOLUMES.items():
        values[model, "dice"] = {case: number / 10 for number, case in enumerate(TRUTH)}
        values[model, "dice"]["d1"] = values[model, "dice"]["d2"] = "reference_empty"
        values[model, "reference_volume_ml"] = TRUTH
        values[model, "prediction_volume_ml"] = volumes
        for column, name in enumerate(("lesion_tp", "lesion_fp", "lesion_fn")):
            values[model, name] = {case: COUNTS.get(case, (0, 0, 0))[column] for case in TRUTH}
    run = {"missing": {"m": [], "k": ["b2", "c1"]}}
    return scores_of(values, profile=profile_by(unit), patients=patients, run=run)


def found(table, metric, column="estimate"):
    return dict(table.filter(metric=metric, subset="all").select("model", column).rows())


def joined(model):
    """Truth and sureness of every patient, by a loop."""
    rows = {}
    for patient in "abcd":
        cases = [case for case in TRUTH if PATIENTS[case] == patient]
        truth = any(TRUTH[case] > 0 for case in cases)
        known = [VOLUMES[model][case] for case in cases if VOLUMES[model][case] != MISSING]
        lost = len(known) < len(cases)
        rows[patient] = truth, np.inf if lost and not truth else max(known, default=-np.inf)
    return rows


def test_presence_is_that_of_the_patient():
    table = rank(scores_by("patient"), bootstrap=0)
    for model in VOLUMES:
        rows = joined(model).values()
        with_it, without = ([score for truth, score in rows if truth is kind] for kind in (True, False))
        assert found(table, "patient_sensitivity")[model] == np.mean([score > 0 for score in with_it])
        assert found(table, "specificity")[model] == np.mean([score <= 0 for score in without])
        pairs = [(one > other) + (one == other) / 2 for one in with_it for other in without]
        assert found(table, "auc")[model] == pytest.approx(np.mean(pairs))
    assert found(table, "patient_sensitivity") == {"m": 0.5, "k": 1.0}
    assert found(table, "specificity") == {"m": 0.5, "k": 0.5}


def test_of_cases_the_same_numbers_are_others():
    table = rank(scores_by("case"), bootstrap=0)
    assert found(table, "patient_sensitivity") == pytest.approx({"m": 0.0, "k": 2 / 3})
    assert found(table, "specificity") == pytest.approx({"m": 3 / 5, "k": 4 / 5})


def test_pooled_ratios_are_sums_over_lesions_whatever_the_unit():
    of_cases, of_patients = (rank(scores_by(unit), bootstrap=0) for unit in ("case", "patient"))
    for metric in ("lesion_f1", "tumour_sensitivity"):
        assert found(of_patients, metric) == found(of_cases, metric)
    assert found(of_patients, "tumour_sensitivity") == {"m": 3 / 5, "k": 3 / 5}
    assert found(of_cases, "tumour_sensitivity", "n") == {"m": 3, "k": 3}
    assert found(of_patients, "tumour_sensitivity", "n") == {"m": 2, "k": 2}


@pytest.mark.parametrize(("unit", "word"), [("patient", "patients"), ("pair", "pairs")])
def test_n_counts_units_and_says_so(unit, word):
    table = rank(scores_by(unit), bootstrap=0)
    columns = [found(table, "dice", name)["m"] for name in ("n", "n_undefined", "n_missing")]
    assert columns == [3, 1, 0]
    assert found(table, "dice", "n_missing")["k"] == 2
    assert found(table, "patient_sensitivity", "n") == {"m": 2, "k": 2}
    assert {counted_text(row).split()[-1] for row in table.iter_rows(named=True)} == {word}
    assert found(table, "rank", "n") == {"m": 4, "k": 4}
    assert counted_text(rank(scores_by("case"), bootstrap=0).row(0, named=True)) == "6"


def test_a_patient_with_one_case_makes_no_pair():
    table = rank(scores_by("pair", patients={**PATIENTS, "d2": "e"}), bootstrap=0)
    assert counted_text(table.row(0, named=True)) == "3 patients"


def test_shares_of_patients_have_wilsons_interval():
    of_patients = rank(scores_by("patient"), bootstrap=50).filter(metric="specificity", model="m").row(0, named=True)
    assert (round(of_patients["low"], 4), round(of_patients["high"], 4)) == (0.0945, 0.9055)  # 1 of 2, statsmodels
    of_cases = rank(scores_by("case"), bootstrap=50).filter(metric="specificity", model="m").row(0, named=True)
    assert "Wilson" not in of_cases["method"]


def test_areas_of_patients_are_compared_on_patients():
    rows = compare_models(scores_by("patient"), bootstrap=0).filter(metric="auc")
    assert rows["n"].to_list() in ([], [4])
    roc = next(one for one in draw_leaderboard(scores_by("patient"), rank(scores_by("patient"), bootstrap=0)).drawn
               if one.name == "roc")  # fmt: skip
    assert "Patients ordered by" in roc.caption
    assert "n = 2 patients with it, 2 without" in roc.caption


def test_a_row_of_pants_counts_units():
    (row, _) = pants_rows(scores_by("patient"))
    assert (row.patient_sensitivity.successes, row.patient_sensitivity.total) == (1, 2)
    assert (row.tumour_sensitivity.successes, row.tumour_sensitivity.total) == (3, 5)


def test_groups_of_structures_average_the_cases_of_a_patient_first():
    text = profile_by("patient", structures=True).text.replace(
        'structures = "each"', 'structures = "each"\ngroup_means = true'
    )
    profile = parse_profile(text.split("[[cohort_metric]]")[0], where="test")
    left, right = {"a1": 0.2, "a2": 0.6, "b1": 1.0}, {"a1": 0.5, "a2": "reference_empty", "b1": 0.0}
    values = {("m", metric, name): dict(part) for metric in METRICS for name, part in (("l", left), ("r", right))}
    run = {"groups": {"both": ["l", "r"]}}
    table = rank(scores_of(values, profile=profile, patients=PATIENTS, run=run), bootstrap=0)
    row = table.filter(metric="dice", structure="both").row(0, named=True)
    assert row["estimate"] == pytest.approx(np.mean([0.4, 0.5, 1.0, 0.0]))
    assert counted_text(row) == "2 patients"
