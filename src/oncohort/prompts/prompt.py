"""One click, scribble or box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncohort.errors import InputError
from oncohort.geometry import Geometry

KINDS = ("click", "scribble", "box")
POLARITIES = ("foreground", "background")


@dataclass(frozen=True, eq=False)
class Prompt:
    """What a reader, or a policy in a reader's place, showed a model at one step.

    Two prompts are equal when their rows are; the grid does not count.

    Args:
        kind: `click` (one point), `scribble` (one or more) or `box` (first voxel, and the voxel after the last).
        polarity: `foreground` if it shows what belongs to the target, else `background`.
        points: (n, 3) voxel indices i, j, k of the volume it was drawn on; decimals are allowed.
        step: First state of the interaction that shows it. State 0 comes before any correction.
        origin: Reader or policy.
        geometry: The grid that the points index, if known.
        seconds: How long it took.
        lesion: The lesion that is meant, where its id is known.

    Raises:
        InputError: No such kind or polarity, a step below 0, or points that are not (n, 3) finite numbers of the kind.

    Examples:
        >>> Prompt("click", "foreground", [[10, 20, 30]], step=1).to_row("A", "pet")["points"]
        [[10.0, 20.0, 30.0]]
    """

    kind: str
    polarity: str
    points: NDArray[np.float64]
    step: int = 0
    origin: str | None = None
    geometry: Geometry | None = None
    seconds: float | None = None
    lesion: str | None = None

    def __init__(  # noqa: PLR0913 - the columns of prompts.parquet
        self,
        kind: str,
        polarity: str,
        points: ArrayLike,
        *,
        step: int = 0,
        origin: str | None = None,
        geometry: Geometry | None = None,
        seconds: float | None = None,
        lesion: str | None = None,
    ) -> None:
        held = _as_points(points)
        _check(kind, polarity, held, step)
        held.setflags(write=False)
        self.__dict__.update(
            kind=kind, polarity=polarity, points=held, step=int(step), origin=origin, geometry=geometry,
            seconds=seconds, lesion=lesion,
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Prompt):
            return NotImplemented
        return self.to_row("", "") == other.to_row("", "")

    def __hash__(self) -> int:
        return hash((self.kind, self.polarity, self.step, self.points.tobytes()))

    def to_row(self, case: str, volume: str) -> dict[str, Any]:
        """The row of `prompts.parquet` (JSON values) that says this of role `volume` of a case.

        The column `lesion` is there only if the prompt has one.
        """
        row = {
            "case": case,
            "volume": volume,
            "step": self.step,
            "kind": self.kind,
            "polarity": self.polarity,
            "points": self.points.tolist(),
            "origin": self.origin,
            "seconds": self.seconds,
        }
        return row if self.lesion is None else {**row, "lesion": self.lesion}

    @staticmethod
    def from_row(row: Mapping[str, Any], geometry: Geometry | None = None) -> Prompt:
        """The prompt that one row of `prompts.parquet` holds.

        Raises:
            InputError: A column is missing, or a value is impossible.

        Examples:
            >>> click = Prompt("click", "background", [[1, 2, 3]], seconds=4.2)
            >>> Prompt.from_row(click.to_row("A", "pet")) == click
            True
        """
        try:
            return Prompt(
                row["kind"],
                row["polarity"],
                row["points"],
                step=row["step"],
                origin=row.get("origin"),
                geometry=geometry,
                seconds=row.get("seconds"),
                lesion=row.get("lesion"),
            )
        except (KeyError, TypeError) as error:
            raise _wrong("a row of prompts.parquet", repr(error)) from error

    def on(self, geometry: Geometry) -> Prompt:
        """The same prompt with the grid that its points index.

        Examples:
            >>> grid = Geometry((10, 10, 5), np.eye(4))
            >>> Prompt("click", "foreground", [[1, 2, 3]]).on(grid).geometry == grid
            True
        """
        return replace(self, geometry=geometry)

    def outside(self, geometry: Geometry | None = None) -> NDArray[np.float64]:
        """The points (n, 3) whose nearest voxel is not in the grid; of a box, corners beyond the grid.

        Args:
            geometry: The grid; None takes the prompt's own.

        Raises:
            InputError: There is no grid.

        Examples:
            >>> grid = Geometry((10, 10, 5), np.eye(4))
            >>> Prompt("scribble", "foreground", [[1, 2, 3], [1, 2, 5]]).outside(grid).tolist()
            [[1.0, 2.0, 5.0]]
        """
        grid = geometry or self.geometry
        if grid is None:
            raise _wrong("a grid to compare the points with", "none")
        edges = np.asarray(grid.shape) - (0 if self.kind == "box" else 1)
        nearest = np.rint(self.points)
        found: NDArray[np.float64] = self.points[((nearest < 0) | (nearest > edges)).any(axis=1)]
        return found


def _as_points(points: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.array(points, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong("points as (n, 3) numbers", str(error)) from error


def _check(kind: str, polarity: str, points: NDArray[np.float64], step: int) -> None:
    if kind not in KINDS or polarity not in POLARITIES:
        raise _wrong(f"a kind of {', '.join(KINDS)} and a polarity of {', '.join(POLARITIES)}", f"{kind}, {polarity}")
    if points.ndim != 2 or points.shape[1] != 3 or not len(points) or not np.isfinite(points).all():
        raise _wrong("points as (n, 3) finite numbers, n at least 1", f"shape {points.shape}")
    needed = {"click": 1, "box": 2}.get(kind, len(points))
    if len(points) != needed:
        raise _wrong(f"{needed} point(s) for a {kind}", str(len(points)))
    if isinstance(step, bool) or not isinstance(step, int | np.integer) or step < 0:
        raise _wrong("a step of 0 or more", repr(step))


def _wrong(expected: str, found: str) -> InputError:
    return InputError(expected=expected, found=found, where="prompt", remedy="see docs/prompts.md")
