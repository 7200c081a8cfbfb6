"""Numbers about the presence of a structure are drawn by presence; no draw is lost without a word."""

import numpy as np
import pytest
from board_rows import NO_REFERENCE, profile_of, scores_of

from oncohort.leaderboard import RANK, rank
from oncohort.statistics import auc_draws, draw_patients, percentile_interval

METRICS = ("dice", "reference_volume_ml", "prediction_volume_ml")
CASES = [f"c{case:02}" for case in range(12)]
HAS = np.array([case in (3, 7) for case in range(12)])
PREDICTED = {"a": np.linspace(1.0, 3.2, 12) * np.where(HAS, 1.3, 1.0), "b": np.linspace(3.0, 1.0, 12)}


def entry(name, weight=0.0, **settings):
    lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
    return f'[[cohort_metric]]\nname = "{name}"\nweight = {weight}\n{lines}'


def board(entries, *, weights=(1.0, 0.0, 0.0), run=None, **options):
    values = {}
    for model, predicted in PREDICTED.items():
        values[model, "dice"] = {case: 0.5 if has else NO_REFERENCE for case, has in zip(CASES, HAS, strict=True)}
        values[model, "reference_volume_ml"] = dict(zip(CASES, 5.0 * HAS, strict=True))
        values[model, "prediction_volume_ml"] = dict(zip(CASES, predicted, strict=True))
    profile = profile_of(*METRICS, weights=list(weights), cohort=entries)
    return rank(scores_of(values, profile=profile, run=run), **{"bootstrap": 300, "seed": 5, **options})


def test_the_area_is_drawn_within_each_kind_of_patient():
    table = board([entry("auc")])
    draws = draw_patients(12, draws=300, seed=5, strata=HAS)
    for model, predicted in PREDICTED.items():
        row = table.filter(metric="auc", model=model).to_dicts()[0]
        areas = auc_draws(predicted, HAS, None, draws)
        assert not np.isnan(areas).any()  # two patients with the structure are missed by one draw in nine else
        assert (row["low"], row["high"]) == pytest.approx(percentile_interval(areas, confidence=0.95))
        assert "stratified by presence of the structure" in row["method"]
        assert "left out" not in row["method"]


def test_other_metrics_are_drawn_from_all_patients_and_count_the_draws_they_lose():
    table = board([entry("auc")])
    row = table.filter(metric="dice", model="a").to_dicts()[0]
    draws = draw_patients(12, draws=300, seed=5)
    lost = int((draws[:, HAS].sum(axis=1) == 0).sum())
    assert lost > 10
    assert "stratified" not in row["method"]
    assert f"{lost} draws without value left out" in row["method"]


def test_rates_of_patients_with_several_cases_are_stratified_too():
    values, patients = {}, {case: f"p{number // 2}" for number, case in enumerate(CASES)}
    for model, predicted in PREDICTED.items():
        values[model, "dice"] = dict.fromkeys(CASES, 0.5)
        values[model, "reference_volume_ml"] = dict(zip(CASES, 5.0 * HAS, strict=True))
        values[model, "prediction_volume_ml"] = dict(zip(CASES, predicted, strict=True))
    entries = [entry("specificity", positive_ml=2.0), entry("patient_sensitivity", positive_ml=2.0), entry("ap")]
    scores = scores_of(values, profile=profile_of(*METRICS, cohort=entries), patients=patients)
    table = rank(scores, bootstrap=50)
    for metric in ("specificity", "patient_sensitivity", "ap"):
        for row in table.filter(metric=metric).iter_rows(named=True):
            assert "stratified by presence" in row["method"], metric
            assert "left out" not in row["method"], metric


def test_every_subset_keeps_its_patients_of_each_kind():
    subsets = {"columns": ["tracer"], "cases": {case: "x" if number < 6 else "y" for number, case in enumerate(CASES)}}
    table = board([entry("auc")], run={"subsets": subsets})
    for subset, members in (("x", np.arange(12) < 6), ("y", np.arange(12) >= 6)):
        row = table.filter(metric="auc", model="a", subset=subset).to_dicts()[0]
        assert row["low"] is not None
        assert "left out" not in row["method"]
        draws = draw_patients(12, draws=300, seed=5, strata=members * 2 + (members & HAS))
        areas = auc_draws(PREDICTED["a"][members], HAS[members], np.flatnonzero(members), draws)
        assert (row["low"], row["high"]) == pytest.approx(percentile_interval(areas, confidence=0.95))


def test_the_overall_ranking_is_stratified_if_it_weighs_presence():
    plain = board([entry("auc")]).filter(metric=RANK)["method"][0]
    weighed = board([entry("auc", 0.5)], weights=(0.5, 0.0, 0.0)).filter(metric=RANK)["method"][0]
    assert "stratified" not in plain
    assert "stratified by presence" in weighed
