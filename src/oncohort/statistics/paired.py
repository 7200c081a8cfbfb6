"""Two models on the same patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from oncohort.statistics.checks import owners
from oncohort.statistics.hodges_lehmann import hodges_lehmann
from oncohort.statistics.log_p import Alternative, log10_of, log10_p_normal

Zero = Literal["wilcox", "pratt"]
"""What becomes of zero differences: "wilcox" drops them, "pratt" ranks them first and then drops them."""

_EXACT = 50


@dataclass(frozen=True)
class PairedComparison:
    """Values of a less values of b, per patient, and the signed-rank test.

    Attributes:
        n: Patients compared.
        n_zero: Those of them without a difference.
        n_left_out: Patients with no case that has both values.
        mean_difference: NaN where a difference is infinite.
        median_difference: Robust against some infinite differences.
        hodges_lehmann: Median of the means of all pairs of differences; NaN where one is infinite.
        rank_biserial: (W+ - W-) / (W+ + W-), from -1 to 1; 0 without any difference.
        statistic: W+, the sum of ranks of the patients in which a is greater.
        p: 1 without any difference; NaN without patients.
        log10_p: Its decimal logarithm.
        test: Name of the test with its options.
    """

    n: int
    n_zero: int
    n_left_out: int
    mean_difference: float
    median_difference: float
    hodges_lehmann: float
    rank_biserial: float
    statistic: float
    p: float
    log10_p: float
    test: str


def compare_paired(
    a: ArrayLike,
    b: ArrayLike,
    *,
    patients: ArrayLike | None = None,
    zero: Zero = "wilcox",
    alternative: Alternative = "two-sided",
) -> PairedComparison:
    """Differences of two models on the same cases, and Wilcoxon's signed-rank test of them.

    The unit is the patient: the differences of a patient's cases are
    averaged first. A case that is undefined for both models (NaN in both) is
    left out; NaN in one only is refused, because leaving it out would reward
    it: give it the worst value first (-inf or inf will do, the ranks are
    right). Exact up to 50 patients, also with ties and zeros; scipy's exact
    distribution knows no ties. Equal differences are equal to the last bit
    (0.9 - 0.8 is not 0.8 - 0.7): round the values first where that matters.

    Args:
        a: (cases,) values of the first model.
        b: (cases,) values of the second model.
        patients: (cases,) index of the patient of each case; None: each case is a patient.
        zero: The rule for zero differences.
        alternative: "greater" asks whether a is greater than b.

    Raises:
        ValueError: The lengths differ, or a value is NaN for one model only.

    Source: Wilcoxon, Biometrics 1 (1945) 80-83; Pratt, J Am Stat Assoc 54 (1959) 655-667; Kerby, Compr
        Psychol 3 (2014) 11.IT.3.1 (the rank-biserial correlation); scipy.stats.wilcoxon.

    Examples:
        >>> found = compare_paired([0.9, 0.8, 0.7, 0.6], [0.5, 0.6, 0.4, 0.7])
        >>> found.n, found.statistic, found.rank_biserial, found.p
        (4, 9.0, 0.8, 0.25)
        >>> compare_paired([0.9, 0.8], [0.9, 0.8]).p
        1.0
    """
    differences, left_out = patient_differences(a, b, patients)
    n_zero = int((differences == 0.0).sum())
    ranks = _signed_ranks(differences, zero)
    positive, total = float(ranks[ranks > 0].sum()), float(np.abs(ranks).sum())
    p, log10_p = _p(differences, zero, alternative)
    is_finite = bool(np.isfinite(differences).all()) and differences.size > 0
    return PairedComparison(
        n=differences.size,
        n_zero=n_zero,
        n_left_out=left_out,
        mean_difference=float(differences.mean()) if is_finite else float("nan"),
        median_difference=_median(differences),
        hodges_lehmann=hodges_lehmann(differences) if is_finite else float("nan"),
        rank_biserial=(2.0 * positive - total) / total if total else 0.0,
        statistic=positive,
        p=p,
        log10_p=log10_p,
        test=f"Wilcoxon signed-rank ({zero}, {alternative}, {'exact' if differences.size <= _EXACT else 'normal'})",
    )


def patient_differences(a: ArrayLike, b: ArrayLike, patients: ArrayLike | None) -> tuple[NDArray[np.float64], int]:
    """The mean difference of each patient, in ascending order of the index, and how many patients have none.

    Two equal infinite values differ by 0.

    Raises:
        ValueError: The lengths differ, or a value is NaN for one model only.

    Examples:
        >>> patient_differences([1.0, 2.0, float("nan")], [0.0, 0.0, float("nan")], [7, 7, 9])
        (array([1.5]), 1)
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"expected two lists of one length, got {first.shape} and {second.shape}")
    is_known = ~np.isnan(first)
    if (is_known != ~np.isnan(second)).any():
        number = int((is_known != ~np.isnan(second)).sum())
        raise ValueError(f"expected values of both models, got {number} cases with one; give a missing one the worst")
    owner = owners(patients, first.size)
    differences = np.zeros(first.shape)
    np.subtract(first, second, out=differences, where=is_known & (first != second))
    ids, index = np.unique(owner[is_known], return_inverse=True)
    sums = np.bincount(index, weights=differences[is_known], minlength=ids.size)
    means = sums / np.maximum(np.bincount(index, minlength=ids.size), 1)
    if np.isnan(means).any():
        raise ValueError("expected differences that can be averaged, got inf and -inf within one patient")
    return means, int(np.unique(owner).size - ids.size)


def _median(differences: NDArray[np.float64]) -> float:
    ordered = np.sort(differences)
    if ordered.size == 0:
        return float("nan")
    low, high = float(ordered[(ordered.size - 1) // 2]), float(ordered[ordered.size // 2])
    return low if low == high else (low + high) / 2.0  # NaN between -inf and inf


def _signed_ranks(differences: NDArray[np.float64], zero: Zero) -> NDArray[np.float64]:
    """The rank of each difference other than 0 by size, with its sign."""
    kept = differences[differences != 0.0] if zero == "wilcox" else differences
    if kept.size == 0:
        return kept
    ranks = np.copysign(stats.rankdata(np.abs(kept)), kept)
    return np.asarray(ranks[kept != 0.0])


def _p(differences: NDArray[np.float64], zero: Zero, alternative: Alternative) -> tuple[float, float]:
    """The p-value and its decimal logarithm."""
    if differences.size == 0:
        return float("nan"), float("nan")
    if not differences.any():
        return 1.0, 0.0
    if differences.size <= _EXACT:
        p = _exact_p(_signed_ranks(differences, zero), alternative)
        return p, float(np.log10(p))
    found = stats.wilcoxon(differences, zero_method=zero, alternative=alternative, method="asymptotic")
    p = float(found.pvalue)
    return p, log10_of(p, log10_p_normal(float(found.zstatistic), alternative=alternative))


def _exact_p(signed_ranks: NDArray[np.float64], alternative: Alternative) -> float:
    """By the distribution of W+ over all signs of these ranks, ties and all; the ranks are halves of whole numbers."""
    doubled = np.rint(2.0 * np.abs(signed_ranks)).astype(np.int64)
    ways = np.zeros(int(doubled.sum()) + 1, np.int64)
    ways[0] = 1
    for rank in doubled.tolist():
        ways[rank:] += ways[: ways.size - rank].copy()
    observed = int(doubled[signed_ranks > 0].sum())
    above, below = int(ways[observed:].sum()), int(ways[: observed + 1].sum())
    extreme = {"greater": above, "less": below, "two-sided": 2 * min(above, below)}[alternative]
    return float(min(1.0, extreme / 2**doubled.size))
