"""What all exports of the command line share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from oncohort.cli.output import Common, ExitCode, print_json, say, shown_progress
from oncohort.errors import SettingsError
from oncohort.exporting import Exported, export_cohort
from oncohort.exports import Export
from oncohort.formats import open_cohort
from oncohort.formats.split_file import read_split
from oncohort.splits import Split
from oncohort.storage import require_apart


def write_export(cohort: Path, layout: Export, out: Path, common: Common, split: Path | None = None) -> int:
    """Write a cohort in a layout, by the split of a file, and say what became of it; gives the exit code."""
    if split is not None:
        require_apart(out / layout.place, [split])
    with shown_progress() as progress:
        done = export_cohort(
            open_cohort(cohort), layout, out=out, overwrite=common.overwrite, jobs=common.jobs, progress=progress
        )
    if common.json:
        print_json({"out": str(out), "format": layout.name, "cases": list(done.cases), "failed": dict(done.failed)})
    return _told(done, out)


def _told(done: Exported, out: Path) -> int:
    for case, reason in done.failed.items():
        say(f"not exported: {case}: {reason}")
    say(f"{len(done.cases)} cases: {out}")
    return ExitCode.REFUSED if done.failed else ExitCode.DONE


def given_split(file: Path | None) -> Split | None:
    """The split of a file, if there is one.

    Raises:
        FormatError: The file is no split.
    """
    return None if file is None else read_split(file)


def listed(text: str) -> tuple[str, ...]:
    """The parts of a text with commas between."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def pairs(texts: Sequence[str], flag: str, value: str) -> dict[str, str]:
    """NAME=VALUE texts as a table.

    Raises:
        SettingsError: A text of another form, or a name given twice.
    """
    found = [text.partition("=") for text in texts]
    wrong = [text for text, (name, _, right) in zip(texts, found, strict=True) if not name or not right]
    names = [name for name, _, _ in found]
    wrong += [name for name in names if names.count(name) > 1]
    if wrong:
        remedy = f"give {flag} NAME={value}, every name once"
        raise SettingsError(expected=f"NAME={value}", found=repr(wrong[0]), where=flag, remedy=remedy)
    return {name: right for name, _, right in found}
