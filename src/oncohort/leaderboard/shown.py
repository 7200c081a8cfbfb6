"""Which structures a reader is shown: few enough to read, unless more are asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from oncohort.errors import SettingsError
from oncohort.leaderboard.grid import MACRO
from oncohort.results import Scores

EVERY = "all"
"""Asks for every structure."""

MOST_STRUCTURES = 5
"""With more structures, or groups of them, the mean over structures stands for them unless they are asked for."""


@dataclass(frozen=True)
class Shown:
    """What is left out of the tables that people read; `aggregates.parquet` holds everything.

    Args:
        hidden: Structures, and groups of them, that the mean over structures stands for.
    """

    hidden: frozenset[str]

    @property
    def words(self) -> str:
        """What is left out and how to see it; empty where nothing is."""
        if not self.hidden:
            return ""
        return (
            f"{len(self.hidden)} structures are not shown by themselves; --structures all shows them, "
            "--structures NAME,... some of them"
        )

    def of(self, table: pl.DataFrame) -> pl.DataFrame:
        """The rows that are shown, of any table with `structure` and `metric`.

        A metric without a mean over structures, such as one that a single structure has, keeps its rows.

        Examples:
            >>> rows = pl.DataFrame({"metric": ["dice", "dice", "rank"], "structure": ["liver", "macro mean", None]})
            >>> Shown(frozenset({"liver"})).of(rows)["structure"].to_list()
            ['macro mean', None]
        """
        averaged = table.filter(pl.col("structure") == MACRO)["metric"].unique().to_list()
        is_hidden = pl.col("structure").is_in(list(self.hidden)).fill_null(value=False)
        return table.filter(~(is_hidden & pl.col("metric").is_in(averaged)))


def choose_structures(scores: Scores, wanted: str | None = None) -> Shown:
    """What is shown of the structures of the scores.

    Args:
        scores: From `evaluate`.
        wanted: `all`, or names with commas between them; None for all if there are at most `MOST_STRUCTURES`.

    Raises:
        SettingsError: A name is no structure of the scores.

    Examples:
        >>> from oncohort.results import Score
        >>> rows = [Score("m", "A", "A", str(number), "dice", 0.5, "1", "organs", "1") for number in range(9)]
        >>> scores = Scores.from_scores(rows, {})
        >>> sorted(choose_structures(scores).hidden) == [str(number) for number in range(9)]
        True
        >>> "3" in choose_structures(scores, "3,4").hidden
        False
    """
    structures = scores.table["structure"].unique(maintain_order=True).to_list()
    groups = [name for name in scores.run.get("groups", {}) if name not in structures]
    if wanted is None:
        return Shown(frozenset(name for kind in (structures, groups) if len(kind) > MOST_STRUCTURES for name in kind))
    if wanted == EVERY:
        return Shown(frozenset())
    names = _names(wanted, [*structures, *groups])
    return Shown(frozenset({*structures, *groups} - names))


def _names(wanted: str, known: Collection[str]) -> set[str]:
    names = {name.strip() for name in wanted.split(",") if name.strip()}
    unknown = sorted(names - {*known, MACRO})
    if unknown or not names:
        raise SettingsError(
            expected=f"all, or structures of the scores: {', '.join(known)}",
            found=", ".join(unknown) or "no name",
            where="--structures",
            remedy="name them as the scores do, with commas between them",
        )
    return names
