"""A leaderboard in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import polars as pl
from rich import box
from rich.table import Table

from oncohort.cli.output import console, literal, say
from oncohort.leaderboard import COMPARISON_SCHEMA
from oncohort.leaderboard.formats import text_tables
from oncohort.reporting.leaderboard_tables import TextTable
from oncohort.results import Scores

_MOST_WIDTH = 16
_NO_PAIRS = pl.DataFrame(schema=COMPARISON_SCHEMA)


def show_leaderboard(scores: Scores, aggregates: pl.DataFrame) -> None:
    """Show the overall ranking and a table per metric; the models in pairs stand in the other formats."""
    for table in text_tables(scores, aggregates, _NO_PAIRS):
        if table.is_for_terminals:
            _show(table)


def _show(table: TextTable) -> None:
    """The title, a table per block under its heading, the note."""
    widths = [max(map(len, column)) for column in zip(*(row for _, rows in table.blocks for row in rows), strict=True)]
    out = console()
    out.print(f"[bold]{literal(table.title)}[/]")
    for heading, rows in table.blocks:
        if heading:
            out.print(f"[italic]{literal(heading)}[/]")
        out.print(_block(table, rows, widths))
    if table.note:
        say(f"{table.note}\n")


def _block(table: TextTable, rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    heads, numeric = table.heads[table.keys :], table.numeric[table.keys :]
    for head, is_number, width in zip(heads, numeric, widths, strict=True):
        justify: Literal["left", "right"] = "right" if is_number else "left"
        shown.add_column(literal(head), justify=justify, overflow="fold", min_width=min(width, _MOST_WIDTH))
    for row in rows:
        shown.add_row(*(literal(cell) for cell in row))
    return shown
