"""Which DICOM slice each slice of the image holds, and which way round: found from a few hundred voxels of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oncohort.verification.original import Original, Plane, Quantity

TOLERANCE = 2.0**-20
"""Relative difference that float32 on the way from stored to real values explains."""

_EDGE = 24
_LINEAR = 0.9999
_ALIKE = 0.999
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
        is_exact: Whether a slice with that quantity is equal to a DICOM slice.
        informative: Whether a slice is more than one constant.
    """

    turn: str
    is_reversed: bool
    nominal: tuple[int, ...]
    held: tuple[int | None, ...]
    quantity: Quantity
    is_exact: bool
    informative: tuple[bool, ...]

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
    best = max(range(len(turns)), key=lambda index: (float(alike[index].max(axis=1).mean()) > _top(alike) - _MARGIN, -index))
    forward, backward = list(nominal), list(nominal)[::-1]
    ours, likeness = samples[best], alike[best]
    quantity, exact = _quantity(ours, theirs, original.quantities, likeness, forward)
    target = theirs * np.array(quantity.factors)[:, None]
    is_reversed = _fits(ours, target, likeness, backward) > _fits(ours, target, likeness, forward)
    places = backward if is_reversed else forward
    held = [_held(ours[n], target, likeness[n], k) for n, k in enumerate(places)]
    informative = tuple(bool(np.ptp(one) > 0) for one in ours)
    return Arrangement(turns[best][0], is_reversed, tuple(places), tuple(held), quantity, exact, informative)


def _top(alike: Sequence[NDArray[np.float64]]) -> float:
    return max(float(one.max(axis=1).mean()) for one in alike)


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
) -> tuple[Quantity, bool]:
    """The quantity under which most slices are exactly one of the series; without any, the one nearest in size."""
    counts = [_exact_count(ours, theirs * np.array(one.factors)[:, None], nominal) for one in quantities]
    best = max(range(len(quantities)), key=lambda index: (counts[index], -index))
    if counts[best]:
        return quantities[best], True
    matched = np.where(likeness.max(axis=1) > 0, likeness.argmax(axis=1), np.array(nominal))
    sizes = np.linalg.norm(ours, axis=1), np.linalg.norm(theirs[matched], axis=1)
    known = (sizes[0] > 0) & (sizes[1] > 0)
    if not known.any():
        return quantities[0], False
    ratio = float(np.median(sizes[0][known] / sizes[1][known]))
    away = [abs(np.log(ratio / float(np.median(one.factors)))) for one in quantities]
    right = [index for index, one in enumerate(quantities) if one.is_right and away[index] < _RIGHT]
    return quantities[right[0] if right else int(np.argmin(away))], False


def _exact_count(ours: NDArray[np.float64], target: NDArray[np.float64], nominal: Sequence[int]) -> int:
    squares = (target**2).sum(axis=1)
    nearest = (squares[None] - 2 * ours @ target.T).argmin(axis=1)
    informative = np.ptp(ours, axis=1) > 0
    return sum(
        bool(_is_exact(ours[n], target[nominal[n]]) or _is_exact(ours[n], target[nearest[n]]))
        for n in np.flatnonzero(informative)
    )


def _is_exact(ours: NDArray[np.float64], target: NDArray[np.float64]) -> bool:
    return bool((np.abs(ours - target) <= TOLERANCE * max(float(np.abs(target).max()), 1e-300)).all())


def _fits(
    ours: NDArray[np.float64], target: NDArray[np.float64], likeness: NDArray[np.float64], places: Sequence[int]
) -> float:
    """How many slices are the one at their place, by their pattern and, where patterns repeat, by their values."""
    return sum(
        float(likeness[n, k] > _ALIKE) + float(_is_exact(ours[n], target[k])) + 1e-3 * float(likeness[n, k])
        for n, k in enumerate(places)
        if np.ptp(ours[n]) > 0
    )


def _held(ours: NDArray[np.float64], target: NDArray[np.float64], likeness: NDArray[np.float64], place: int) -> int | None:
    if _is_exact(ours, target[place]):
        return place
    by_distance = sorted(range(len(target)), key=lambda k: abs(k - place))
    exact = next((k for k in by_distance if _is_exact(ours, target[k])), None)
    if exact is not None:
        return exact
    if np.ptp(ours) == 0 or likeness[place] >= _LINEAR:
        return place
    best = int(likeness.argmax())
    if likeness[best] > max(_ALIKE, likeness[place] + _MARGIN):
        return best
    return place if likeness[place] > 0.9 else None
