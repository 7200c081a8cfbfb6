"""What people and machines see: messages and progress on stderr, one JSON document on stdout."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from oncohort.compute import Progress, ProgressCallback
from oncohort.errors import OncohortError

_QUIET_S = 2.0
_LINE_EVERY_S = 10.0
_SHORT = 30  # letters of a cell that is not folded


class ExitCode(IntEnum):
    """What the exit code of the program says."""

    DONE = 0
    REFUSED = 1
    NOTHING = 2
    USAGE = 64
    INTERRUPTED = 130


Jobs = Annotated[int, Parameter(name="--jobs", validator=Number(gte=1))]
"""Number of processes."""

Json = Annotated[bool, Parameter(name="--json", negative="")]
"""Whether to print one machine-readable document."""

Overwrite = Annotated[bool, Parameter(name="--overwrite", negative="")]
"""Whether to replace earlier work of Oncohort."""

NotNegative = Annotated[int, Parameter(validator=Number(gte=0))]
"""A count that may be 0."""


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Flags of every command that does work.

    Args:
        jobs: Number of processes.
        overwrite: Replace other work of Oncohort that stands in the output folder.
        json: Print one machine-readable document on stdout.
    """

    jobs: Jobs = 1
    overwrite: Overwrite = False
    json: Json = False


def console() -> Console:
    """The console that people read, on stderr."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def say(text: str) -> None:
    """Print one message to people; what comes from files is shown literally."""
    console().print(literal(text))


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document to machines, in ASCII; a number that is not finite becomes null."""
    sys.stdout.write(json.dumps(_finite(document), indent=2, default=str) + "\n")


def print_text(text: str) -> None:
    """Print a text on stdout, as it is."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def show_error(error: OncohortError, *, as_json: bool) -> None:
    """Show what was expected, what was found, where, and what to do."""
    if as_json:
        parts = {name: getattr(error, name) for name in ("expected", "found", "where", "remedy")}
        print_json({"error": {"kind": type(error).__name__, **parts}})
    out = console()
    out.print(f"[bold red]error[/] {literal(error.where)}")
    out.print(f"  expected  {literal(error.expected)}")
    out.print(f"  found     {literal(error.found)}")
    out.print(f"  remedy    {literal(error.remedy)}")


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show a small table to people; numbers are right-aligned."""
    table = Table(title=literal(title), title_justify="left", title_style="bold")
    for position, column in enumerate(columns):
        numeric = all(isinstance(row[position], int | float | None) for row in rows)
        table.add_column(literal(column), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console().print(table)


def show_plain_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show a table without lines, for long text; numbers are right-aligned, and names over the columns may be empty."""
    table = Table(
        title=literal(title), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0), pad_edge=False
    )
    table.show_header = any(columns)
    for position, column in enumerate(columns):
        numeric = all(isinstance(row[position], int | float | None) for row in rows)
        style = "dim" if position == 0 and not table.show_header else None
        justify: Literal["right", "left"] = "right" if numeric else "left"
        table.add_column(
            literal(column),
            justify=justify,
            overflow="fold",
            no_wrap=_is_short(column, [row[position] for row in rows]),
            style=style,
            header_style="dim",
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console().print(table)
    console().print()


def _is_short(column: str, values: Sequence[object]) -> bool:
    """Whether a column keeps its width, and those with long text are folded instead."""
    return max(len(_cell(value)) for value in (column, *values)) <= _SHORT


@contextmanager
def shown_progress() -> Iterator[ProgressCallback]:
    """A callback that shows progress with the time left once a stage takes over two seconds."""
    out = console()
    shown = _Bars(out) if out.is_terminal else _Lines()
    try:
        yield shown
    finally:
        shown.close()


class _Bars:
    """A bar per stage, for terminals."""

    def __init__(self, out: Console) -> None:
        columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=out, transient=False)
        self._tasks: dict[str, Any] = {}
        self._since: dict[str, float] = {}

    def __call__(self, progress: Progress) -> None:
        since = self._since.setdefault(progress.label, time.monotonic())
        if progress.label not in self._tasks:
            if time.monotonic() - since < _QUIET_S:
                return
            self._bar.start()
            self._tasks[progress.label] = self._bar.add_task(progress.label, total=progress.total)
        self._bar.update(self._tasks[progress.label], completed=progress.done, total=progress.total)

    def close(self) -> None:
        self._bar.stop()


class _Lines:
    """A line now and then, for logs."""

    def __init__(self) -> None:
        self._last = time.monotonic() - _LINE_EVERY_S + _QUIET_S

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last < _LINE_EVERY_S or progress.done == 0:
            return
        self._last = now
        left = progress.remaining_s
        text = f", about {left:.0f} s left" if left is not None else ""
        say(f"{progress.label}: {progress.done} of {progress.total}{text}")

    def close(self) -> None:
        return


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.4g}"
    return literal(str(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def literal(text: str) -> str:
    """`text` for the console: no markup, and bytes of file names that are no text as escapes."""
    return escape(text.encode(errors="backslashreplace").decode())
