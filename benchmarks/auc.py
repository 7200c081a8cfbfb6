"""Area under the ROC curve with 1,000 bootstrap resamples of patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.contest import Contestant, Values, Work
from oncohort.statistics import auc_draws, draw_patients

KINDS = ("continuous scores", "108 distinct scores", "two studies of every third patient")
PATIENTS, DRAWS, POSITIVE_SHARE = 26_489, 1000, 0.107


@dataclass(frozen=True)
class ScoredCases:
    """One score per study; `patient` is the index of its patient."""

    truth: NDArray[np.bool_]
    scores: NDArray[np.float64]
    patient: NDArray[np.intp]
    patients: int


def make_cases(kind: str, *, tiny: bool, seed: int = 2026) -> ScoredCases:
    random = np.random.default_rng(seed)
    patients = 300 if tiny else PATIENTS
    patient = np.arange(patients)
    if kind == KINDS[2]:
        patient = np.concatenate([patient, patient[::3]])
    truth = (random.random(patients) < POSITIVE_SHARE)[patient]
    scores = stats.norm.cdf(random.normal(1.5 * truth, 1.0))
    return ScoredCases(truth, scores if kind != KINDS[1] else np.round(scores * 107) / 107, patient, patients)


def ours(cases: ScoredCases, draws: Sequence[int]) -> Values:
    drawn = draw_patients(cases.patients, draws=len(draws), seed=2026)
    return _interval(auc_draws(cases.scores, cases.truth, cases.patient, drawn))


def scikit_learn(cases: ScoredCases, draws: Sequence[int]) -> Values:
    """The usual loop: draw patients, take all their studies, call roc_auc_score."""
    from sklearn.metrics import roc_auc_score

    return _interval([roc_auc_score(cases.truth[drawn], cases.scores[drawn]) for drawn in _resamples(cases, draws)])


def rank_loop(cases: ScoredCases, draws: Sequence[int]) -> Values:
    """The formula (midranks of the positives) in a loop."""
    return _interval([float(_auc(cases.truth[drawn], cases.scores[drawn])) for drawn in _resamples(cases, draws)])


def scipy_bootstrap(cases: ScoredCases, draws: Sequence[int]) -> Values:
    result = stats.bootstrap(
        (cases.truth, cases.scores), _auc, n_resamples=len(draws), batch=50, paired=True, vectorized=True,
        method="percentile", rng=np.random.default_rng(2026),
    )  # fmt: skip
    return _interval(result.bootstrap_distribution)


def _auc(truth: Any, scores: Any, axis: int = -1) -> Any:
    positive = truth.sum(axis=axis)
    ranks = (stats.rankdata(scores, axis=axis) * truth).sum(axis=axis)
    return (ranks - positive * (positive + 1) / 2) / (positive * (truth.shape[axis] - positive))


def _resamples(cases: ScoredCases, draws: Sequence[int]) -> Any:
    random = np.random.default_rng(2026)
    order = np.argsort(cases.patient, kind="stable")
    counts = np.bincount(cases.patient, minlength=cases.patients)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    for _ in draws:
        drawn = random.integers(0, cases.patients, cases.patients)
        lengths = counts[drawn]
        offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        yield order[np.repeat(starts[drawn], lengths) + offsets]


def _interval(values: Any) -> Values:
    low, high = np.percentile(values, [2.5, 97.5])
    return {draw: {"mean": float(np.mean(values)), "low": float(low), "high": float(high)} for draw in range(1)}


_MEAN = frozenset({"mean"})
_ROWS = "resamples rows, not patients: another quantity"
PEERS = (
    Contestant(
        "scikit-learn roc_auc_score in a loop",
        scikit_learn,
        "sklearn",
        "scikit-learn",
        compares=_MEAN,
        tolerance=0.02,
    ),
    Contestant(
        "scipy.stats.bootstrap (percentile)",
        scipy_bootstrap,
        "scipy",
        "scipy",
        linear=False,
        compares=_MEAN,
        tolerance=0.02,
        skips=((KINDS[2], _ROWS),),
    ),
    Contestant("naive: midranks in a loop", rank_loop, "scipy", "scipy", compares=_MEAN, tolerance=0.02),
)
AUC = Work(
    name="auc",
    title=f"ROC AUC with {DRAWS:,} bootstrap resamples of {PATIENTS:,} patients",
    kinds=KINDS,
    make=lambda kind, tiny: make_cases(kind, tiny=tiny),
    items=lambda _: range(DRAWS),
    items_name="draws",
    ours=Contestant("oncohort", ours, "oncohort", "oncohort"),
    peers=PEERS,
    target_s=dict.fromkeys(KINDS, 0.5),
)
