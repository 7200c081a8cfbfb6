"""A leaderboard as plain tables of text, from which every format is written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from oncohort.reporting.data import Column, Row
from oncohort.reporting.numbers import DASH, format_number, format_p

RANK = "rank"
MACRO = "macro mean"
"""The mean over structures, which is always named."""

COUNTED = "n counts {}"
"""Words of a method by which n is a number of something else than cases: lesions, patients, pairs."""

MOST_PAIRS = 45
"""Pairs of models of one metric that are listed; with more, their p-values are left to the letters."""

_COUNTED = re.compile(COUNTED.format(r"(\w+)"))
_ARROWS = {"higher": " ↑", "lower": " ↓", "zero": " →0", "": ""}


@dataclass(frozen=True)
class TextTable:
    """A table of text.

    Args:
        title: One line.
        heads: Of the columns.
        numeric: Whether each column is right-aligned.
        rows: As many cells as heads.
        note: What a reader must know beside it.
        is_for_terminals: Whether a terminal shows it; others are too wide or too many.
        keys: How many of the first columns part the rows into blocks; a narrow page makes headings of them.
    """

    title: str
    heads: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    is_for_terminals: bool = True
    keys: int = 0

    @property
    def blocks(self) -> tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]:
        """Heading and rows of each block, without the columns that the heading stands for.

        Examples:
            >>> table = TextTable("Dice", ("Subset", "Model"), (False, False), (("all", "a"), ("sex F", "a")), keys=1)
            >>> table.blocks
            (('all', (('a',),)), ('sex F', (('a',),)))
        """
        found: dict[str, list[tuple[str, ...]]] = {}
        for row in self.rows:
            found.setdefault(", ".join(row[: self.keys]), []).append(row[self.keys :])
        return tuple((heading, tuple(rows)) for heading, rows in found.items())


def leaderboard_tables(
    leaderboard: Sequence[Row],
    columns: Sequence[Column],
    comparisons: Sequence[Row] = (),
    *,
    main: Collection[str] | None = None,
) -> tuple[TextTable, ...]:
    """The overall ranking, a table per metric, and the comparisons of models in pairs.

    Facts that are neither good nor bad, such as a volume, have no table.

    Args:
        leaderboard: Rows of the aggregates.
        columns: Of the metrics, in their order.
        comparisons: Rows of paired comparisons.
        main: Names of the columns of the table of estimates; None for all.

    Examples:
        >>> row = {"model": "a", "subset": "all", "metric": "dice", "structure": "lesion", "estimate": 0.5, "low": 0.4,
        ...        "high": 0.6, "n": 3, "n_undefined": 0, "n_missing": 0, "rank": 1.0, "rank_low": 1.0,
        ...        "rank_high": 2.0, "first_share": 0.8, "tau": 0.6, "letters": "a", "method": "mean over cases"}
        >>> leaderboard_tables([row], [Column("dice", "Dice", "1", "higher")])[0].rows
        (('1', 'a', '0.500', '0.400 to 0.600', 'a', '1–2', '3', '0', '0'),)
    """
    overall = [row for row in leaderboard if row["metric"] == RANK]
    summed = [column for column in columns if main is None or column.name in main]
    tables = [_overall(overall), _summary(overall, leaderboard, summed)] if overall else []
    judged = [column for column in columns if column.better]
    tables += [_metric(column, [row for row in leaderboard if row["metric"] == column.name]) for column in judged]
    tables += list(comparison_tables(comparisons, columns))
    return tuple(table for table in tables if table.rows)


def interval_text(row: Row, digits: int) -> str:
    """The interval of a row, or a dash.

    Examples:
        >>> interval_text({"low": 0.25, "high": 1.0}, 2)
        '0.25 to 1.00'
    """
    low, high = row.get("low"), row.get("high")
    return DASH if low is None or high is None else f"{format_number(low, digits)} to {format_number(high, digits)}"


def places_text(row: Row) -> str:
    """The interval of a place, or a dash.

    Examples:
        >>> places_text({"rank_low": 1.0, "rank_high": 3.0}), places_text({"rank_low": 2.0, "rank_high": 2.0})
        ('1–3', '2')
    """
    low, high = row.get("rank_low"), row.get("rank_high")
    if low is None or high is None:
        return DASH
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def heading_text(column: Column) -> str:
    """Label, unit and direction of a column.

    Examples:
        >>> heading_text(Column("fpv_ml", "False positive volume", "ml", "lower"))
        'False positive volume, ml ↓'
    """
    unit = f", {column.printed_unit}" if column.printed_unit else ""
    return f"{column.label}{unit}{_ARROWS[column.better]}"


def _overall(overall: Sequence[Row]) -> TextTable:
    heads = ("Place", "Model", "Groups", "Places", "First", "Rank score", "95 % interval", "Missing")
    rows = tuple(
        (
            _place(row),
            row["model"],
            row.get("letters") or DASH,
            places_text(row),
            _percent(row.get("first_share")),
            _number(row["estimate"], 2),
            interval_text(row, 2),
            str(row["n_missing"]),
        )
        for row in _by_place(overall)
    )
    tau = overall[0].get("tau")
    firm = "" if tau is None else f" Mean Kendall tau between a draw and this ranking: {tau:.2f}."
    note = (
        "Models that share a letter cannot be told apart (paired Wilcoxon tests of each case's weighted mean "
        "rank, Holm, 5 %). Letters may join models whose places are stable: the places follow means, the letters "
        "single cases. Places: 95 % of the bootstrap draws of patients. First: share of the draws in place 1."
        f"{firm} Ranking: {overall[0]['method']}."
    )
    numeric = (True, False, False, False, True, True, False, True)
    return TextTable("Overall ranking", heads, numeric, rows, note)


def _summary(overall: Sequence[Row], leaderboard: Sequence[Row], columns: Sequence[Column]) -> TextTable:
    """Every model in every metric over all cases; with several structures, the mean over them."""
    found = {(row["model"], row["metric"]): row for row in leaderboard if row["subset"] == "all"}
    rows = tuple(
        (row["model"], *(_summary_cell(found.get((row["model"], one.name)), one) for one in columns))
        for row in _by_place(overall)
    )
    return TextTable(
        "Estimates",
        ("Model", *map(heading_text, columns)),
        (False, *(False for _ in columns)),
        rows,
        "Estimate over all cases, 95 % interval, and the letters of models that cannot be told apart in the metric.",
        is_for_terminals=False,
    )


def _summary_cell(row: Row | None, column: Column) -> str:
    if row is None or row["estimate"] is None:
        return DASH
    interval = "" if row.get("low") is None else f" ({interval_text(row, column.digits)})"
    letters = f" {row['letters']}" if row.get("letters") else ""
    return f"{_number(row['estimate'], column.digits)}{interval}{letters}"


def _metric(column: Column, rows: Sequence[Row]) -> TextTable:
    has_subsets = len({row["subset"] for row in rows}) > 1
    has_structures = names_structures(rows)
    heads = ("Rank", "Model", "Estimate", "95 % interval", "Groups", "Places", "n", "Undef.", "Missing")
    numeric = (True, False, True, False, False, False, True, True, True)
    extra = [name for name, is_there in (("subset", has_subsets), ("structure", has_structures)) if is_there]
    blocks: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        blocks.setdefault(tuple(str(row.get(name) or DASH) for name in extra), []).append(row)
    cells = tuple(
        (*block, *_metric_cells(row, column)) for block, members in blocks.items() for row in _by_place(members)
    )
    methods = "; ".join(dict.fromkeys(row["method"] for row in rows))
    return TextTable(
        heading_text(column),
        (*(name.capitalize() for name in extra), *heads),
        (*(False for _ in extra), *numeric),
        cells,
        f"{column.description} Method: {methods}.".strip(),
        keys=len(extra),
    )


def names_structures(rows: Sequence[Row]) -> bool:
    """Whether a reader must be told which structure a row is of: there are several, or it is the mean over them.

    Examples:
        >>> names_structures([{"structure": "lesion"}]), names_structures([{"structure": MACRO}])
        (False, True)
    """
    found = {row.get("structure") for row in rows}
    return len(found) > 1 or MACRO in found


def counted_text(row: Row) -> str:
    """How many cases are in an estimate, or how many of what the method counts instead.

    Examples:
        >>> counted_text({"n": 7, "method": "mean over cases"})
        '7'
        >>> counted_text({"n": 7, "method": "ratio of sums over lesions (n counts lesions)"})
        '7 lesions'
    """
    counted = _COUNTED.search(row["method"])
    return str(row["n"]) if counted is None else f"{row['n']} {counted[1]}"


def _metric_cells(row: Row, column: Column) -> tuple[str, ...]:
    return (
        _place(row),
        row["model"],
        _number(row["estimate"], column.digits),
        interval_text(row, column.digits),
        row.get("letters") or DASH,
        places_text(row),
        counted_text(row),
        str(row["n_undefined"]),
        str(row["n_missing"]),
    )


def comparison_tables(comparisons: Sequence[Row], columns: Sequence[Column]) -> Iterator[TextTable]:
    """The comparisons of models in pairs over all cases, a table per metric; none where pairs are too many."""
    heads = ("First", "Second", "n", "Difference", "95 % interval", "Median", "HL", "r", "p", "p (Holm)")
    numeric = (False, False, True, True, False, True, True, True, True, True)
    for column in columns:
        rows = [row for row in comparisons if row["metric"] == column.name and row["subset"] == "all"]
        rows = [row for row in rows if row["structure"] == rows[-1]["structure"]]  # the mean over structures is last
        if not rows or len(rows) > MOST_PAIRS:
            continue
        unit = f", {column.printed_unit}" if column.printed_unit else ""
        yield TextTable(
            f"{column.label}{unit}: models in pairs",
            heads,
            numeric,
            tuple(_comparison_cells(row, column) for row in rows),
            "First less second, on the same cases; a failed prediction counts as the worst value of any model. "
            "HL: Hodges-Lehmann shift. r: rank-biserial correlation. p: two-sided, also adjusted after Holm. "
            f"Test: {'; '.join(dict.fromkeys(row['test'] for row in rows))}.",
            is_for_terminals=False,
        )


def _comparison_cells(row: Row, column: Column) -> tuple[str, ...]:
    return (
        row["first"],
        row["second"],
        str(row["n"]),
        _number(row["mean_difference"], column.digits),
        interval_text(row, column.digits),
        _number(row["median_difference"], column.digits),
        _number(row["hodges_lehmann"], column.digits),
        _number(row["rank_biserial"], 2),
        format_p(row["log10_p"]),
        format_p(row["log10_p_holm"]),
    )


def _by_place(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: float("inf") if row.get("rank") is None else row["rank"])


def _place(row: Row) -> str:
    return DASH if row.get("rank") is None else f"{row['rank']:g}"


def _number(value: float | None, digits: int) -> str:
    return DASH if value is None or value != value else format_number(value, digits)  # noqa: PLR0124 - NaN


def _percent(share: float | None) -> str:
    return DASH if share is None else f"{100 * share:.0f} %"
