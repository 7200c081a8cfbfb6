"""A leaderboard on the terminal, as text, or in the form of another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import polars as pl

from oncohort.cli.output import print_text, say
from oncohort.cli.ranking_table import show_leaderboard
from oncohort.cohort import Cohort
from oncohort.errors import SettingsError
from oncohort.leaderboard.formats import TextForm, leaderboard_text
from oncohort.leaderboard.protocol import profile_of
from oncohort.outputs import FolderForm, pants_markdown, pants_rows, write_folder
from oncohort.results import Scores
from oncohort.storage import write_bytes

RankFormat = Literal["terminal", TextForm, "pants-row", FolderForm]
"""How a leaderboard is shown."""

_FOLDERS = get_args(FolderForm)


def is_for_readers(form: RankFormat) -> bool:
    """Whether the format is the leaderboard as people read it; forms of other tools hold every structure."""
    return form in ("terminal", *get_args(TextForm))


def check_format(form: RankFormat, out: Path | None, *, json: bool) -> None:
    """Raise where the format has no place to go: two documents on stdout, a terminal's table in a file, files nowhere.

    Raises:
        SettingsError: With the flag that would help.
    """
    if form == "terminal" and out is not None:
        raise _wrong("--format markdown, latex, csv or html with --out", "the format for terminals", "add --format")
    if form in _FOLDERS and out is None:
        raise _wrong(f"a folder for --format {form}, which is several files", "no --out", "name a folder with --out")
    if json and form != "terminal" and out is None:
        raise _wrong("one document on stdout", f"--json and --format {form}", "write the leaderboard into --out")


def give_leaderboard(
    form: RankFormat,
    out: Path | None,
    *,
    scores: Scores,
    aggregates: pl.DataFrame,
    comparisons: pl.DataFrame,
    cohort: Cohort | None,
) -> None:
    """Show the leaderboard, print it, or write it to `out`."""
    match form:
        case "terminal":
            show_leaderboard(scores, aggregates)
        case "pants-row":
            _give(pants_markdown(pants_rows(scores, aggregates=aggregates), profile=profile_of(scores, None)), out)
        case "nnunet" | "grand-challenge" | "challenger" | "coco":
            _write(form, out, scores, aggregates, cohort)
        case _:
            _give(leaderboard_text(scores, aggregates, comparisons, form=form), out)


def _give(text: str, out: Path | None) -> None:
    if out is None:
        print_text(text)
        return
    write_bytes(out, text.encode())
    say(f"written: {out}")


def _write(form: FolderForm, out: Path | None, scores: Scores, aggregates: pl.DataFrame, cohort: Cohort | None) -> None:
    for file in write_folder(form, out or Path(), scores, aggregates, cohort=cohort):
        say("; ".join([f"written: {file.path}", *file.notes]))


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="rank", remedy=remedy)
