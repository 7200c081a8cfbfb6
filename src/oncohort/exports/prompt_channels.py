"""Channels that are drawn from the prompts of a cohort."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oncohort.cohort import Cohort
from oncohort.errors import MissingNeedError, SettingsError
from oncohort.exports.case_files import require_one_geometry, volume_row
from oncohort.geometry import Geometry
from oncohort.prompts import HeatMapEncoding, Prompt, draw_heat_map
from oncohort.units import Unit
from oncohort.volume import Volume


@dataclass(frozen=True)
class PromptDrawing:
    """Which prompts become channels, and how they are drawn.

    Args:
        encoding: The same for both polarities.
        step: State of the interaction: prompts up to this step are drawn; None for all. State 0 has none.
        origin: Reader or policy; None where there is one.

    Examples:
        >>> PromptDrawing(HeatMapEncoding("gaussian", 2.0), step=5).settings()["step"]
        5
    """

    encoding: HeatMapEncoding
    step: int | None = None
    origin: str | None = None

    def __post_init__(self) -> None:
        if self.step is not None and self.step < 0:
            raise _wrong("a step of 0 or more", str(self.step), "name a state of the interaction")

    def settings(self) -> dict[str, Any]:
        """The choice as JSON values: `encoding`, `size`, `unit`, `scale`, `step`, `origin`."""
        return {**self.encoding.to_record(), "step": self.step, "origin": self.origin}

    def check(self, cohort: Cohort) -> None:
        """Raise unless there are clicks or scribbles, all of one origin; state 0 needs none.

        Raises:
            SettingsError: There are none, or of several readers or policies.
        """
        table = cohort.tables.prompts
        drawn = table.filter(table["kind"] != "box")
        origins = sorted({str(name) for name in drawn["origin"].drop_nulls()})
        if self.step == 0:
            return
        if not drawn.height:
            raise _wrong("a cohort with clicks or scribbles", "none in prompts.parquet", "ingest a set with prompts")
        if self.origin is None and drawn["origin"].n_unique() > 1:
            found = ", ".join(origins) + (", and some without" if drawn["origin"].null_count() else "")
            raise _wrong("prompts of one origin", found, "name one with --prompt-origin")
        if self.origin is not None and self.origin not in origins:
            raise _wrong(f"an origin: {', '.join(origins) or 'none is named'}", repr(self.origin), "name one of them")

    def rows(self, cohort: Cohort, case: str) -> list[dict[str, Any]]:
        """The rows of the clicks and scribbles of the origin, of every step."""
        table = cohort.tables.prompts
        rows = table.filter((table["case"] == case) & (table["kind"] != "box")).to_dicts()
        return [row for row in rows if self.origin in (None, row["origin"])]

    def facts(self, cohort: Cohort, case: str) -> list[Any]:
        """JSON values that change when the prompts of a case or the grid that they index change."""
        grids = [[row["role"], list(row["shape"]), list(row["affine"])] for row in cohort.volume_rows(case)]
        return [[[str(value) for value in row.values()] for row in self.rows(cohort, case)], grids]

    def draw(self, cohort: Cohort, case: str, polarity: str, grid: Geometry) -> Volume:
        """The heat map of one polarity; its record says how it was drawn.

        A case with prompts of the origin, but none of this polarity up to the step, has an empty map.

        Args:
            cohort: With prompts.
            case: Of it.
            polarity: Of the prompts that are drawn.
            grid: Of the masks, which the points must index.

        Raises:
            MissingNeedError: The case has no prompts of the origin although the step is not 0.
            GeometryError: The points index another grid.
            InputError: A row of `prompts.parquet` is impossible.
        """
        rows = [] if self.step == 0 else self.rows(cohort, case)
        if not rows and self.step != 0:
            raise MissingNeedError(
                expected=f"clicks or scribbles{f' of {self.origin!r}' if self.origin else ''}",
                found="none",
                where=f"case {case}",
                remedy="leave the case out, choose another origin, or export step 0, which has empty channels",
            )
        for role in dict.fromkeys(row["volume"] for row in rows):
            held = volume_row(cohort, case, role)
            own = Geometry(tuple(held["shape"]), np.array(held["affine"], np.float64).reshape(4, 4))
            require_one_geometry(own, grid, what=f"the {role} that its prompts index", of="the masks", case=case)
        shown = [Prompt.from_row(row) for row in rows if self.step is None or row["step"] <= self.step]
        found = draw_heat_map(shown, grid, self.encoding, polarity=polarity)
        return Volume.from_array(found.array, grid, Unit.NONE, dict(found.record))


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="prompt channels", remedy=remedy)
