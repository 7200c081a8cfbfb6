"""Groups of items into parts of given sizes, each with nearly the same mixture of strata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def assign_groups(
    groups: Sequence[str],
    strata: Sequence[Hashable],
    shares: Sequence[float],
    *,
    seed: int,
    least: Sequence[int] | None = None,
) -> dict[str, int]:
    """The part of every group, so that no group is torn and parts have equal mixtures.

    Groups are taken in random order, those with the rarest strata and the most items first. Each goes to the part
    where it leaves the smallest sum of squared shortfalls: wanted less held, for every stratum and for the items as a
    whole, each in units of what is wanted in all. Ties go to the part that lacks most, then to the first. The result
    does not depend on the order of the items.

    Args:
        groups: Group (patient) of each item (case).
        strata: Stratum of each item.
        shares: Wanted share of the items in each part, above 0, summing to 1.
        seed: Of the random order.
        least: Groups that each part gets at least; 1 each unless told.

    Returns:
        Part by group, from 0.

    Raises:
        ValueError: Lengths differ, shares are wrong, or there are fewer groups than the parts need.

    Examples:
        >>> assign_groups(["a", "a", "b", "c", "d"], ["x", "x", "x", "y", "y"], [0.5, 0.5], seed=1)["a"] in (0, 1)
        True
    """
    least = [1] * len(shares) if least is None else least
    _check(groups, strata, shares, least)
    counts = _counts(groups, strata)
    columns = sorted({name for found in counts.values() for name in found}, key=repr)
    names = sorted(counts)
    table = np.array([[*(counts[name][column] for column in columns), sum(counts[name].values())] for name in names])
    order = _order(table, seed)
    part = _spread(table.astype(np.float64), np.asarray(shares, np.float64), np.asarray(least), order)
    return dict(zip(names, part.tolist(), strict=True))


def _spread(
    table: NDArray[np.float64], shares: NDArray[np.float64], least: NDArray[np.int64], order: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Part of each row (group) of counts by stratum; the last column counts all items."""
    total = table.sum(axis=0)
    wanted = shares[:, None] * total
    held = np.zeros_like(wanted)
    part = np.full(len(table), -1)
    lacking = least.copy()
    for done, row in enumerate(order):
        after = ((wanted - held - table[row]) / total) ** 2
        before = ((wanted - held) / total) ** 2
        cost = (after - before).sum(axis=1)
        if len(table) - done <= lacking.sum():
            cost[lacking == 0] = np.inf
        lacks = (held[:, -1] - wanted[:, -1]) / total[-1]
        part[row] = np.lexsort((np.arange(len(shares)), np.round(lacks, 12), np.round(cost, 12)))[0]
        held[part[row]] += table[row]
        lacking[part[row]] = max(lacking[part[row]] - 1, 0)
    return part


def _order(table: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    shuffled = np.random.default_rng(seed).permutation(len(table))
    total = table.sum(axis=0)
    rarity = (table[:, :-1] / total[:-1]).max(axis=1)
    return shuffled[np.argsort(-np.round(rarity[shuffled], 12), kind="stable")]


def _counts(groups: Sequence[str], strata: Sequence[Hashable]) -> Mapping[str, Counter[Hashable]]:
    counts: dict[str, Counter[Hashable]] = {}
    for group, stratum in zip(groups, strata, strict=True):
        counts.setdefault(group, Counter())[stratum] += 1
    return counts


def _check(groups: Sequence[str], strata: Sequence[Hashable], shares: Sequence[float], least: Sequence[int]) -> None:
    if len(groups) != len(strata):
        raise ValueError(f"expected a stratum for each of {len(groups)} items, got {len(strata)}")
    if not shares or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"expected shares above 0 that sum to 1, got {list(shares)}")
    if len(least) != len(shares) or min(least) < 1:
        raise ValueError(f"expected a least number of groups, 1 or more, for each of {len(shares)} parts, got {least}")
    if len(set(groups)) < sum(least):
        raise ValueError(f"expected at least {sum(least)} groups for the parts, got {len(set(groups))}")
