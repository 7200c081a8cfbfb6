"""Which DICOM slice each slice of the image holds, and which way round: found from a few hundred voxels of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from oncohort.verification.original import Original, Plane, Quantity

TOLERANCE = 2.0**-20
"""Relative difference that float32 on the way from stored to real values explains."""

_EDGE = 24
_ALIKE = 0.999
_KNOWN = 0.9
_MARGIN = 1e-6
_RIGHT = 0.02

TURNS: tuple[tuple[str, Callable[[Plane], Plane]], ...] = (
    ("", lambda plane: plane),
    ("i", lambda plane: plane[::-1]),
    ("j", lambda plane: plane[:, ::-1]),
    ("ij", lambda plane: plane[::-1, ::-1]),
    ("t", lambda plane: plane.T),
    ("ti", lambda plane: plane.T[::-1]),
    ("tj", lambda plane: plane.T[:, ::-1]),
    ("tij", lambda plane: plane.T[::-1, ::-1]),
)
"""Ways to lay a plane (i, j): axes that run backwards; `t` exchanges both axes first (square planes only)."""


@dataclass(frozen=True)
class Arrangement:
    """What the voxels of an image say about its order.

    Attributes:
        turn: Name in `TURNS` of what has to be done to each plane.
        is_reversed: Whether the slices run the other way than the affine says.
        nominal: DICOM slice of each slice, if none is out of place.
        held: DICOM slice that each slice really holds; None if it holds none of them.
        quantity: What the values were multiplied by, as far as the samples say.
        informative: Whether a slice is more than one constant.
    """

    turn: str
    is_reversed: bool
    nominal: tuple[int, ...]
    held: tuple[int | None, ...]
    quantity: Quantity
    informative: tuple[bool, ...]

    def filled(self) -> Arrangement:
        """The same, each unknown slice taken for the one at its place, if no other slice claims that."""
        held = tuple(place if one is None else one for one, place in zip(self.held, self.nominal, strict=True))
        return self if None not in self.held or len(set(held)) < len(held) else replace(self, held=held)

    def apply(self, plane: Plane) -> Plane:
        """The plane the right way round."""
        return dict(TURNS)[self.turn](plane)


def sample(plane: Plane) -> NDArray[np.float64]:
    """A few hundred voxels of a plane, the same for planes of one size."""
    rows, columns = (np.linspace(0, edge - 1, min(edge, _EDGE)).round().astype(int) for edge in plane.shape)
    return np.asarray(plane[np.ix_(rows, columns)], dtype=np.float64).ravel()


def arrange(planes: Iterable[Plane], original: Original, nominal: Sequence[int]) -> Arrangement:
    """What the voxels of an image say about its order.

    Args:
        planes: Slices (i, j) of the aligned image, in order.
        original: The series.
        nominal: DICOM slice of each by the affine.
    """
    theirs = np.array([sample(original.rescaled(k)) for k in range(len(original.slices))])
    turns = TURNS if original.geometry.shape[0] == original.geometry.shape[1] else TURNS[:4]
    samples = np.array([[sample(turn(plane)) for _, turn in turns] for plane in planes]).transpose(1, 0, 2)
    samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    alike = [_correlations(ours, theirs) for ours in samples]
    best = _turn(alike)
    forward, backward = list(nominal), list(nominal)[::-1]
    ours, likeness = samples[best], alike[best]
    quantity = _quantity(ours, theirs, original.quantities, likeness, forward)
    target = theirs * np.array(quantity.factors)[:, None]
    equal, known = _exact_pairs(ours, target), np.ptp(ours, axis=1) > 0
    held, told = (_all_held(equal, likeness, known, places) for places in (forward, backward))
    is_reversed = _in_order(told, -1) > _in_order(held, 1)
    places = backward if is_reversed else forward
    settled = _settled(told if is_reversed else held, places)
    return Arrangement(turns[best][0], is_reversed, tuple(places), settled, quantity, tuple(known.tolist()))


def _turn(alike: Sequence[NDArray[np.float64]]) -> int:
    """The turn under which slices are most like some of the series; the first, unless another is clearly better."""
    likeness = [float(one.max(axis=1).sum() / max(1, (one != 0).any(axis=1).sum())) for one in alike]
    best = int(np.argmax(likeness))
    return best if likeness[best] > max(_KNOWN, likeness[0] + _MARGIN) else 0


def _in_order(held: Sequence[int | None], step: int) -> int:
    """How many slices follow their neighbour in this direction."""
    return sum(one is not None and other is not None and other - one == step for one, other in pairwise(held))


def _settled(held: Sequence[int | None], places: Sequence[int]) -> tuple[int | None, ...]:
    """Slices that are none of the series count as such where most others are known; else their places stand."""
    if sum(one is None for one in held) <= len(held) / 2 or len(set(places)) < len(places):
        return tuple(held)
    return tuple(place if one is None else one for one, place in zip(held, places, strict=True))


def _correlations(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson correlation of every slice with every slice; 0 where one is constant."""
    return np.asarray(_standard(ours) @ _standard(theirs).T, dtype=np.float64)


def _standard(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = lines - lines.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    tiny = lengths <= 1e-12 * np.abs(lines).max(axis=1, keepdims=True)
    return np.asarray(np.divide(centred, lengths, out=np.zeros_like(centred), where=~tiny & (lengths > 0)))


def _quantity(
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    quantities: Sequence[Quantity],
    likeness: NDArray[np.float64],
    nominal: Sequence[int],
) -> Quantity:
    """The quantity under which most slices are exactly one of the series; without any, the one nearest in size."""
    counts = [_exact_count(ours, theirs * np.array(one.factors)[:, None], nominal) for one in quantities]
    best = max(range(len(quantities)), key=lambda index: (counts[index], -index))
    if counts[best]:
        return quantities[best]
    matched = np.where(likeness.max(axis=1) > 0, likeness.argmax(axis=1), np.array(nominal))
    sizes = np.linalg.norm(ours, axis=1), np.linalg.norm(theirs[matched], axis=1)
    known = (sizes[0] > 0) & (sizes[1] > 0)
    if not known.any():
        return quantities[0]
    ratio = float(np.median(sizes[0][known] / sizes[1][known]))
    away = [abs(np.log(ratio / float(np.median(one.factors)))) for one in quantities]
    right = [index for index, one in enumerate(quantities) if one.is_right and away[index] < _RIGHT]
    return quantities[right[0] if right else int(np.argmin(away))]


def _exact_count(ours: NDArray[np.float64], target: NDArray[np.float64], nominal: Sequence[int]) -> int:
    """How many telling slices are equal to the one at their place or to the nearest of all."""
    squares = (target**2).sum(axis=1)
    nearest = (squares[None] - 2 * ours @ target.T).argmin(axis=1)
    known = np.ptp(ours, axis=1) > 0
    found = _is_exact(ours, target[list(nominal)]) | _is_exact(ours, target[nearest])
    return int((found & known).sum())


def _is_exact(ours: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether lines of samples are equal but for the rounding of float32."""
    largest = np.maximum(np.abs(target).max(axis=-1), 1e-300)
    return np.asarray(np.abs(ours - target).max(axis=-1) <= TOLERANCE * largest)


def _exact_pairs(ours: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which slice is equal to which; every slice is first looked at in a few samples only."""
    few = slice(None, None, max(1, ours.shape[1] // 16))
    largest = TOLERANCE * np.maximum(np.abs(target).max(axis=1), 1e-300)
    found = np.zeros((len(ours), len(target)), dtype=np.bool_)
    for n, line in enumerate(ours):
        some = np.flatnonzero(np.abs(line[few] - target[:, few]).max(axis=1) <= largest)
        found[n, some] = np.abs(line - target[some]).max(axis=1) <= largest[some]
    return found


def _all_held(
    exact: NDArray[np.bool_], likeness: NDArray[np.float64], known: NDArray[np.bool_], places: Sequence[int]
) -> list[int | None]:
    step = 1 if places[-1] >= places[0] else -1
    held: list[int | None] = []
    follows = places[0]
    for n, place in enumerate(places):
        choices = [k for k in (follows, place) if 0 <= k < exact.shape[1]]
        found = _held(exact[n], likeness[n], choices) if known[n] or exact[n].any() else place
        held.append(found)
        follows = (place if found is None else found) + step
    return held


def _held(exact: NDArray[np.bool_], likeness: NDArray[np.float64], places: Sequence[int]) -> int | None:
    """The slice that these samples are; of several equal ones the first of `places`, then the nearest to the last."""
    place = places[-1]
    if exact.any():
        equal = np.flatnonzero(exact)
        nearest = int(equal[np.abs(equal - place).argmin()])
        return next((k for k in places if exact[k]), nearest)
    best = int(likeness.argmax())
    alike = next((k for k in places if likeness[k] >= likeness[best] - _MARGIN), None)
    if alike is not None or likeness[best] < _ALIKE:
        return place if alike is None and likeness[place] > _KNOWN else alike
    return best
