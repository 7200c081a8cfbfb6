"""The area under the ROC curve with its standard error, also for several cases per patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import expit, logit, ndtri

from oncohort.statistics.checks import classes, numbers, owners
from oncohort.statistics.log_p import log10_of, log10_p_normal


@dataclass(frozen=True)
class AucEstimate:
    """An area under the ROC curve and its intervals.

    Attributes:
        auc: The area; NaN without both classes.
        se: Its standard error; NaN where a class has fewer than two patients.
        low: Lower end of the normal interval, not below 0; NaN where there is no spread to measure.
        high: Upper end, not above 1.
        logit_low: Lower end of the interval on the logit scale, the better one near 1.
        logit_high: Its upper end.
        n_positive: Positive cases.
        n_negative: Negative cases.
        reason: Why the interval is NaN; else empty.
    """

    auc: float
    se: float
    low: float
    high: float
    logit_low: float
    logit_high: float
    n_positive: int
    n_negative: int
    reason: str = ""


@dataclass(frozen=True)
class PairedTest:
    """A difference of two models on the same cases, and its normal test.

    Attributes:
        difference: The value of a less the value of b.
        se: Its standard error.
        low: Lower end of the interval of the difference.
        high: Upper end.
        z: The normal deviate; 0 where the two never differ.
        p: Two-sided; 1 where the two never differ, NaN where the test cannot be made.
        log10_p: Its decimal logarithm.
        reason: Why p is NaN, or 1 without a test; else empty.
    """

    difference: float
    se: float
    low: float
    high: float
    z: float
    p: float
    log10_p: float
    reason: str = ""


def delong(
    truth: ArrayLike, scores: ArrayLike, *, patients: ArrayLike | None = None, confidence: float = 0.95
) -> AucEstimate:
    """The area under the ROC curve by DeLong's method, ties counted half.

    With `patients` the variance is Obuchowski's for clustered data: cases of
    one patient need not be independent, and a patient may have both classes.

    Args:
        truth: (cases,) bool or 0 and 1.
        scores: (cases,) higher means positive; no NaN, infinite ones are allowed.
        patients: (cases,) index of the patient of each case; None: each case is a patient.
        confidence: Of both intervals.

    Raises:
        ValueError: The lengths differ, or a score is NaN.

    Source: DeLong et al., Biometrics 44 (1988) 837-845; Sun and Xu, IEEE Signal Process Lett 21 (2014)
        1389-1393 (midranks); Obuchowski, Biometrics 53 (1997) 567-578 (clusters).

    Examples:
        >>> found = delong([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.4, 0.4, 0.8, 0.9])
        >>> round(found.auc, 4), round(found.se, 4), round(found.logit_low, 4)
        (0.8889, 0.1242, 0.4047)
    """
    areas = _Placements.of(truth, [scores], patients)
    auc, se = areas.area(0), areas.error(0)
    reason = areas.reason(se)
    ends = (float("nan"),) * 4 if reason else _ends(auc, se, confidence)
    return AucEstimate(auc, se, *ends, *areas.sizes, reason)


def _ends(auc: float, se: float, confidence: float) -> tuple[float, float, float, float]:
    """Both intervals; se > 0 only if some pair is in the right order and some is not, so the logit exists."""
    reach = float(ndtri((1.0 + confidence) / 2.0)) * se
    centre, stretch = float(logit(auc)), reach / (auc * (1.0 - auc))
    low, high = max(0.0, auc - reach), min(1.0, auc + reach)
    return low, high, float(expit(centre - stretch)), float(expit(centre + stretch))


def delong_paired(
    truth: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    *,
    patients: ArrayLike | None = None,
    confidence: float = 0.95,
) -> PairedTest:
    """The difference of two areas on the same cases, area of a less area of b, and DeLong's test of it.

    Args:
        truth: (cases,) bool or 0 and 1.
        a: (cases,) scores of the first model.
        b: (cases,) scores of the second model.
        patients: (cases,) index of the patient of each case (Obuchowski's variance); None: each case is a patient.
        confidence: Of the interval of the difference.

    Raises:
        ValueError: The lengths differ, or a score is NaN.

    Source: DeLong et al., Biometrics 44 (1988) 837-845; Obuchowski, Biometrics 53 (1997) 567-578.

    Examples:
        >>> truth = [0, 0, 0, 0, 1, 1, 1, 1]
        >>> found = delong_paired(truth, [1, 2, 3, 5, 4, 6, 7, 8], [1, 5, 6, 2, 3, 4, 7, 8])
        >>> round(found.difference, 4), round(found.p, 4)
        (0.1875, 0.3993)
        >>> delong_paired(truth, truth, truth).p
        1.0
    """
    areas = _Placements.of(truth, [a, b], patients)
    difference, se = areas.area(0) - areas.area(1), areas.error(0, 1)
    if areas.are_equal():
        return PairedTest(0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, "the two never differ")
    if reason := areas.reason(se):
        nan = float("nan")
        return PairedTest(difference, se, nan, nan, nan, nan, nan, reason)
    z, reach = difference / se, float(ndtri((1.0 + confidence) / 2.0)) * se
    p, far = 2.0 * float(stats.norm.sf(abs(z))), log10_p_normal(z)
    return PairedTest(difference, se, difference - reach, difference + reach, z, p, log10_of(p, far))


@dataclass(frozen=True, eq=False)
class _Placements:
    """For each model and case, the share of the other class that it is on the right side of.

    Attributes:
        positives: (models, n_positive); its mean is the area.
        negatives: (models, n_negative); so is its mean.
        owners: Patient of each positive and of each negative case.
    """

    positives: NDArray[np.float64]
    negatives: NDArray[np.float64]
    owners: tuple[NDArray[np.intp], NDArray[np.intp]]

    @classmethod
    def of(cls, truth: ArrayLike, models: list[ArrayLike], patients: ArrayLike | None) -> _Placements:
        scores = [numbers(model, "scores") for model in models]
        is_positive = classes(truth, scores[0].size)
        if any(score.shape != is_positive.shape for score in scores):
            raise ValueError(f"expected scores of one length, got {[score.size for score in scores]}")
        owner = np.unique(owners(patients, is_positive.size), return_inverse=True)[1]
        pairs = [_place(score[is_positive], score[~is_positive]) for score in scores]
        return cls(
            np.array([pair[0] for pair in pairs]),
            np.array([pair[1] for pair in pairs]),
            (owner[is_positive], owner[~is_positive]),
        )

    @property
    def sizes(self) -> tuple[int, int]:
        return self.positives.shape[1], self.negatives.shape[1]

    def area(self, model: int) -> float:
        return float(self.positives[model].mean()) if 0 not in self.sizes else float("nan")

    def are_equal(self) -> bool:
        is_equal = (self.positives[0] == self.positives[1]).all() and (self.negatives[0] == self.negatives[1]).all()
        return bool(is_equal) and 0 not in self.sizes

    def error(self, model: int, less: int | None = None) -> float:
        """Standard error of an area, or of its difference to another; NaN with fewer than two patients of a class."""
        placed = [self.positives[model], self.negatives[model]]
        if less is not None:
            placed = [placed[0] - self.positives[less], placed[1] - self.negatives[less]]
        m, n = self.sizes
        clusters = [np.unique(owner).size for owner in self.owners]
        if min(clusters) < 2:
            return float("nan")
        total = np.unique(np.concatenate(self.owners)).size
        above, below = (
            np.bincount(owner, weights=values - values.mean(), minlength=total)
            for owner, values in zip(self.owners, placed, strict=True)
        )
        variance = (
            (above * above).sum() * clusters[0] / ((clusters[0] - 1) * m * m)
            + (below * below).sum() * clusters[1] / ((clusters[1] - 1) * n * n)
            + 2.0 * (above * below).sum() * total / ((total - 1) * m * n)
        )
        return float(np.sqrt(max(0.0, float(variance))))

    @staticmethod
    def reason(se: float) -> str:
        """Why there is no interval; empty if there is one."""
        if np.isnan(se):
            return "fewer than two patients of a class"
        return "" if se > 0.0 else "no spread"


def _place(positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """By midranks: share of negatives below each positive, and of positives above each negative; ties half."""
    m, n = positives.size, negatives.size
    if m == 0 or n == 0:
        return np.full(m, np.nan), np.full(n, np.nan)
    ranks = stats.rankdata(np.concatenate([positives, negatives]))
    return (ranks[:m] - stats.rankdata(positives)) / n, 1.0 - (ranks[m:] - stats.rankdata(negatives)) / m
