"""The folder of scores: `scores.parquet`, `run.json`, and the tables of lesions where a profile asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from oncohort.errors import FormatError
from oncohort.formats.parquet import read_table, write_table
from oncohort.results import SCORE_SCHEMA, Scores
from oncohort.storage import read_json, write_json

SCORES_TYPE = "oncohort.scores"
FORMAT_VERSION = "1.0"
_FURTHER = ("lesions", "candidates", "boxes")


def write_scores(folder: str | Path, scores: Scores) -> None:
    """Write the tables, then the record of the run; a folder with `run.json` is complete.

    Raises:
        OutputError: A file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     write_scores(there, Scores.from_scores([], {"profile": "autopet-iii"}))
        ...     read_scores(there).run["profile"]
        'autopet-iii'
    """
    root = Path(folder)
    (root / "aggregates.parquet").unlink(missing_ok=True)  # a leaderboard of earlier scores
    write_table(root / "scores.parquet", scores.table, kind=SCORES_TYPE, version=FORMAT_VERSION)
    for name in _FURTHER:
        _write_further(root, name, getattr(scores, name))
    write_json(root / "run.json", {"type": SCORES_TYPE, "format_version": FORMAT_VERSION, **scores.run})


def read_scores(folder: str | Path) -> Scores:
    """The scores that `write_scores` wrote.

    Raises:
        FormatError: The folder holds no scores, or files of another type or a newer format.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     write_scores(there, Scores.from_scores([], {}))
        ...     read_scores(there).table.height
        0
    """
    root = Path(folder)
    if not (root / "run.json").is_file():
        raise _no_scores(root, "no run.json in it" if root.is_dir() else "no such folder")
    run = read_json(root / "run.json")
    if not isinstance(run, dict) or run.get("type") != SCORES_TYPE:
        raise _no_scores(root, "a run.json of another type")
    table = read_table(root / "scores.parquet", kind=SCORES_TYPE, version=FORMAT_VERSION)
    missing = [column for column in SCORE_SCHEMA if column not in table.columns]
    if missing:
        raise _no_scores(root, f"scores.parquet without columns {', '.join(missing)}")
    return Scores(table, _without_header(run), *(_read_further(root, name) for name in _FURTHER))


def _write_further(root: Path, name: str, table: pl.DataFrame | None) -> None:
    path = root / f"{name}.parquet"
    if table is None:
        path.unlink(missing_ok=True)  # of earlier scores, under another profile
    else:
        write_table(path, table, kind=f"oncohort.{name}", version=FORMAT_VERSION)


def _read_further(root: Path, name: str) -> pl.DataFrame | None:
    path = root / f"{name}.parquet"
    return read_table(path, kind=f"oncohort.{name}", version=FORMAT_VERSION) if path.is_file() else None


def _without_header(run: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in run.items() if key not in ("type", "format_version")}


def _no_scores(root: Path, found: str) -> FormatError:
    return FormatError(
        expected="a folder of scores",
        found=found,
        where=str(root),
        remedy="make one with `oncohort evaluate COHORT MODEL=FOLDER --profile NAME --out SCORES`",
    )
