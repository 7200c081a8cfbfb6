"""A leaderboard in the terminal."""

from __future__ import annotations

import polars as pl
from rich import box
from rich.table import Table

from oncohort.cli.output import console, literal, say
from oncohort.leaderboard import COMPARISON_SCHEMA
from oncohort.leaderboard.formats import text_tables
from oncohort.reporting.leaderboard_tables import TextTable
from oncohort.results import Scores

_NO_PAIRS = pl.DataFrame(schema=COMPARISON_SCHEMA)


def show_leaderboard(scores: Scores, aggregates: pl.DataFrame) -> None:
    """Show the overall ranking and a table per metric; the models in pairs stand in the other formats."""
    for table in text_tables(scores, aggregates, _NO_PAIRS):
        if table.is_for_terminals:
            _show(table)


def _show(table: TextTable) -> None:
    shown = Table(
        title=literal(table.title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for head, is_number in zip(table.heads, table.numeric, strict=True):
        shown.add_column(literal(head), justify="right" if is_number else "left", overflow="fold")
    for row in table.rows:
        shown.add_row(*(literal(cell) for cell in row))
    console().print(shown)
    if table.note:
        say(f"{table.note}\n")
