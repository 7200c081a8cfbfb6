"""Which models cannot be told apart, as letters."""

from __future__ import annotations

import string
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def letter_display(significant: ArrayLike, order: Sequence[int]) -> list[str]:
    """Letters per model: two models share a letter exactly if their difference is not significant.

    Groups may overlap, as the relation is not transitive: "a", "ab", "b".
    The letter a belongs to the leader. Beyond z come A to Z, then a' and on.

    Args:
        significant: (models, models) bool, symmetric; the diagonal is not read.
        order: Indexes of the models, best first.

    Returns:
        For each model (not in the order, but as in `significant`) its letters.

    Raises:
        ValueError: Not a symmetric square, or the order is no permutation.

    Source: Piepho, J Comput Graph Stat 13 (2004) 456-466 (what a letter display is); Gramm et al., Comput
        Stat Data Anal 52 (2007) 725-736 (it is a cover of the edges of a graph by cliques). Greedy, best first.

    Examples:
        >>> letter_display([[False, False, True], [False, False, False], [True, False, False]], [0, 1, 2])
        ['a', 'ab', 'b']
    """
    table = np.array(significant, dtype=np.bool_)
    ranked = np.asarray(order, dtype=np.intp)
    if table.ndim != 2 or not np.array_equal(table, table.T) or sorted(ranked.tolist()) != list(range(len(table))):
        raise ValueError(f"expected a symmetric table and an order of its models, got {table.shape} and {order}")
    alike = ~table[np.ix_(ranked, ranked)]
    np.fill_diagonal(alike, val=True)
    groups = _needed(_cliques(alike), len(ranked))
    letters = [""] * len(ranked)
    for number, group in enumerate(groups):
        for place in group:
            letters[ranked[place]] += _letter(number)
    return letters


def _cliques(alike: NDArray[np.bool_]) -> list[list[int]]:
    """Groups of places that are all alike, which together hold every alike pair; by their first places."""
    covered = np.zeros_like(alike)
    groups = []
    for first, second in zip(*np.nonzero(np.triu(alike)), strict=True):
        if not covered[first, second]:
            group = _grow(alike, int(first), int(second))
            covered[np.ix_(group, group)] = True
            groups.append(group)
    return sorted(groups)


def _grow(alike: NDArray[np.bool_], first: int, second: int) -> list[int]:
    """The two, and every further place in order that is like all taken so far."""
    is_possible = alike[first] & alike[second]
    group = [first, second] if first != second else [first]
    for place in range(len(alike)):
        if is_possible[place] and place not in {first, second}:
            group.append(place)
            is_possible &= alike[place]
    return sorted(group)


def _needed(groups: list[list[int]], models: int) -> list[list[int]]:
    """The groups without those whose every pair other groups hold, small groups first to go."""
    holders = np.zeros((models, models), np.int64)
    for group in groups:
        holders[np.ix_(group, group)] += 1
    kept = list(groups)
    for group in sorted(groups, key=len):
        pairs = np.ix_(group, group)
        if (holders[pairs] > 1).all():
            holders[pairs] -= 1
            kept.remove(group)
    return kept


def _letter(number: int) -> str:
    letters = string.ascii_letters
    return letters[number % len(letters)] + "'" * (number // len(letters))
