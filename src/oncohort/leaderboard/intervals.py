"""Draws of patients, and the intervals that they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from oncohort.leaderboard.cohort_quantities import PresenceShare
from oncohort.leaderboard.quantities import Quantity
from oncohort.leaderboard.samples import Array, Sample
from oncohort.statistics.bootstrap import draw_patients
from oncohort.statistics.interval import bca_interval, percentile_interval
from oncohort.statistics.jackknife import jackknife_patients
from oncohort.statistics.proportion import clopper_pearson_interval, wilson_interval

CONFIDENCE = 0.95
"""Share of the bootstrap draws inside an interval."""

IntervalKind = Literal["percentile", "bca"]
"""Plain percentiles, or bias-corrected and accelerated."""


@dataclass(frozen=True, eq=False)
class Resampling:
    """The draws that all models, metrics and subsets share.

    Args:
        weights: (1 + draws, patients): row 0 holds ones, the data as they are.
        seed: Of the draws.
        kind: Of the intervals.
        is_stratified: Whether patients with the structure and others are drawn each by themselves.
    """

    weights: NDArray[np.int32]
    seed: int
    kind: IntervalKind
    is_stratified: bool = False

    @staticmethod
    def of(patients: int, *, draws: int, seed: int, kind: IntervalKind) -> Resampling:
        """The draws of a seed.

        Examples:
            >>> Resampling.of(3, draws=2, seed=1, kind="percentile").weights.sum(axis=1).tolist()
            [3, 3, 3]
        """
        ones = np.ones((1, patients), np.int32)
        return Resampling(np.vstack([ones, draw_patients(patients, draws=draws, seed=seed)]), seed, kind)

    def for_presence(self, quantities: Sequence[Quantity], samples: Sequence[Sample]) -> Resampling:
        """Draws in which patients with the structure and others keep their number, if any quantity is about that.

        A patient has the structure if any of its cases in the sample has. All quantities share the draws, and
        every sample keeps the number of its patients.

        Source: J. Carpenter and J. Bithell, Statistics in Medicine 19 (2000) 1141 (draw as the data were drawn).
        """
        strata = presence_strata(quantities, samples)
        if strata is None:
            return self
        drawn = draw_patients(strata.size, draws=self.draws, seed=self.seed, strata=strata)
        return replace(self, weights=np.vstack([self.weights[:1], drawn]), is_stratified=True)

    @property
    def draws(self) -> int:
        """How many."""
        return int(self.weights.shape[0]) - 1

    @property
    def percentile_words(self) -> str:
        """How an interval of plain percentiles came about."""
        return self._words("percentile")

    def values_of(self, quantity: Quantity, sample: Sample) -> Array:
        """The quantity on the data and in every draw; (1 + draws, models)."""
        return quantity.estimate(sample, self.weights)

    def percentiles(self, values: Array) -> dict[str, Any]:
        """Estimate and percentile interval of one model's `values`, the first of which is the data's."""
        found = percentile_interval(values[1:], confidence=CONFIDENCE)
        low, high = found if found is not None else (None, None)
        return {"estimate": None if np.isnan(values[0]) else float(values[0]), "low": low, "high": high}

    def estimates(self, quantity: Quantity, sample: Sample, values: Array) -> list[tuple[dict[str, Any], str]]:
        """Estimate and interval of every model, and how the interval came about.

        A share of cases or patients has Wilson's interval, or where none or all count Clopper and Pearson's, if
        each patient counts once: the bootstrap gives no width there.

        Args:
            quantity: What is estimated.
            sample: On which cases.
            values: (1 + draws, models) from `values_of`.
        """
        plain = [self.percentiles(column) for column in values.T]
        if isinstance(quantity, PresenceShare) and sample.is_one_unit_each:
            return [_share(quantity, sample, model, row) for model, row in enumerate(plain)]
        lost = np.isnan(values[1:]).sum(axis=0).tolist()
        found = self._found(quantity, sample, values, plain)
        return [
            (row, words if row["estimate"] is None or not number else f"{words}, {number} draws without value left out")
            for (row, words), number in zip(found, lost, strict=True)
        ]

    def _found(
        self, quantity: Quantity, sample: Sample, values: Array, plain: Sequence[dict[str, Any]]
    ) -> list[tuple[dict[str, Any], str]]:
        """The interval of the kind that is asked for."""
        if self.kind == "percentile" or not self.draws:
            return [(row, self.percentile_words) for row in plain]
        without = jackknife_patients(
            lambda draws: quantity.estimate(sample, draws),
            patients=self.weights.shape[1],
            members=np.unique(sample.patients[sample.members]),
        )
        return [self._bca(row, values[1:, model], without[:, model]) for model, row in enumerate(plain)]

    def _bca(self, plain: dict[str, Any], draws: Array, without: Array) -> tuple[dict[str, Any], str]:
        if plain["estimate"] is None:
            return plain, self.percentile_words
        found = bca_interval(draws, plain["estimate"], without, confidence=CONFIDENCE)
        if found is None:
            return plain, self.percentile_words
        words = self._words("BCa") if found.method == "bca" else f"{self.percentile_words}, not BCa: {found.reason}"
        return {**plain, "low": found.low, "high": found.high}, words

    def _words(self, kind: str) -> str:
        if not self.draws:
            return "no interval"
        strata = ", stratified by presence of the structure" if self.is_stratified else ""
        return f"{CONFIDENCE:.0%} {kind} bootstrap of patients ({self.draws} draws, seed {self.seed}{strata})"


def presence_strata(quantities: Sequence[Quantity], samples: Sequence[Sample]) -> NDArray[np.intp] | None:
    """(patients,): the class that each patient is drawn in; None where no quantity is about presence.

    Examples:
        >>> from oncohort.leaderboard.cohort_quantities import CurveArea, Sureness
        >>> sureness = Sureness(np.array([True, False, False]), np.zeros((3, 1)))
        >>> area = CurveArea("lesion", "auc", "", sureness, lambda *_: np.zeros(1), is_roc=True)
        >>> presence_strata([area], [Sample(np.ones(3, bool), np.array([0, 0, 1]))]).tolist()
        [1, 0]
    """
    known = [quantity.presence for quantity in quantities if quantity.presence is not None]
    if not known:
        return None
    facts = [
        np.bincount(sample.patients, weights=cases) > 0
        for sample in samples
        for cases in (sample.members, *(sample.members & presence for presence in known))
    ]
    return np.unique(np.stack(facts, axis=1), axis=0, return_inverse=True)[1].reshape(-1)


def _share(quantity: PresenceShare, sample: Sample, model: int, plain: dict[str, Any]) -> tuple[dict[str, Any], str]:
    above, below = (int(part[:, model].sum()) for part in quantity.sums(sample))
    is_extreme = above in (0, below)
    found = (clopper_pearson_interval if is_extreme else wilson_interval)(above, below, confidence=CONFIDENCE)
    if found is None:
        return plain, "no interval"
    words = f"{CONFIDENCE:.0%} interval of {'Clopper and Pearson' if is_extreme else 'Wilson'}"
    return {**plain, "low": found.low, "high": found.high}, words
