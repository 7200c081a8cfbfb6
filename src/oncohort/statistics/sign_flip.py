"""A permutation test of two models that swaps them within patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.statistics.checks import numbers, owners
from oncohort.statistics.log_p import Alternative

_BLOCK = 2**22
_NOISE = 1e-12


@dataclass(frozen=True)
class SignFlipTest:
    """A sign-flip permutation test of a mean difference.

    Attributes:
        n: Patients.
        mean_difference: Mean over cases.
        permutations: How many sign patterns were compared with the one observed.
        p: (b + 1) / (permutations + 1) for drawn ones, b / permutations for all of them; NaN without cases.
        log10_p: Its decimal logarithm.
        test: "all sign patterns" or "drawn sign patterns".
    """

    n: int
    mean_difference: float
    permutations: int
    p: float
    log10_p: float
    test: str


def sign_flip_test(
    differences: ArrayLike,
    patients: ArrayLike | None = None,
    *,
    permutations: int,
    seed: int,
    alternative: Alternative = "two-sided",
) -> SignFlipTest:
    """Whether a mean difference over cases could come from models that are the same, by swapping them.

    A swap flips the signs of all cases of a patient at once. Where there are
    no more sign patterns than permutations asked for, all are taken and p is
    exact; else they are drawn, and the observed one counts as one of them.

    Args:
        differences: (cases,) value of a less value of b; no NaN.
        patients: (cases,) index of the patient of each case; None: each case is a patient.
        permutations: Number of sign patterns to draw.
        seed: Of the random generator (PCG64).
        alternative: "greater" asks whether a is greater than b.

    Raises:
        ValueError: NaN or inf among the differences, or no permutations.

    Source: Phipson and Smyth, Stat Appl Genet Mol Biol 9 (2010) 39 (why p is never 0).

    Examples:
        >>> sign_flip_test([1.0, 2.0, 3.0, 4.0], permutations=10_000, seed=1).p
        0.125
        >>> sign_flip_test([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1], permutations=10_000, seed=1).p
        0.5
    """
    values = numbers(differences, "differences")
    if not np.isfinite(values).all() or permutations < 1:
        raise ValueError(f"expected finite differences and at least 1 permutation, got {permutations} permutations")
    ids, index = np.unique(owners(patients, values.size), return_inverse=True)
    if values.size == 0:
        return SignFlipTest(0, float("nan"), 0, float("nan"), float("nan"), "no cases")
    sums = np.bincount(index, weights=values, minlength=ids.size).astype(np.float64)
    is_complete = ids.size < 63 and 2**ids.size <= permutations
    number = 2**ids.size if is_complete else permutations
    generator = np.random.Generator(np.random.PCG64(seed))
    step = max(1, _BLOCK // ids.size)
    as_extreme = 0
    for start in range(0, number, step):
        rows = np.arange(start, min(start + step, number))
        flips = _pattern(rows, ids.size) if is_complete else _coins(generator, rows.size, ids.size)
        as_extreme += _count_extreme(flips, sums, alternative)
    p = as_extreme / number if is_complete else (as_extreme + 1) / (number + 1)
    words = "all sign patterns" if is_complete else "drawn sign patterns"
    return SignFlipTest(ids.size, float(values.mean()), number, p, float(np.log10(p)), words)


def _pattern(rows: NDArray[np.int64], columns: int) -> NDArray[np.float64]:
    return ((rows[:, None] >> np.arange(columns)) & 1).astype(np.float64)


def _coins(generator: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
    return generator.integers(0, 2, (rows, columns), dtype=np.int8).astype(np.float64)


def _count_extreme(flips: NDArray[np.float64], sums: NDArray[np.float64], alternative: Alternative) -> int:
    """How many sign patterns (0 or 1 each) give a total at least as extreme as the observed one, rounding apart."""
    noise, observed = _NOISE * float(np.abs(sums).sum()), float(sums.sum())
    # einsum adds in a fixed order; a BLAS product may not
    totals = 2.0 * np.einsum("rp,p->r", flips, sums) - observed
    if alternative == "two-sided":
        totals, observed = np.abs(totals), abs(observed)
    elif alternative == "less":
        totals, observed = -totals, -observed
    return int(np.count_nonzero(totals >= observed - noise))
