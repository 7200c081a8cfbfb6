"""What people are told of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oncohort.cli.output import say
from oncohort.errors import shown
from oncohort.evaluation import has_errors

_MOST = 10  # lines of one kind; run.json lists all


def show_record(run: Mapping[str, Any]) -> None:
    """Say what is missing, what could not be used, and what was found odd."""
    for note in run["notes"]:
        say(note)
    for model, cases in run["missing"].items():
        if cases:
            number = "1 case" if len(cases) == 1 else f"{len(cases)} cases"
            say(f"{model}: no usable prediction for {number}: {shown(cases, _MOST)}")
    show_unscored(run)
    show_odd(run)


def show_unscored(run: Mapping[str, Any]) -> None:
    """Say which cases have no reference."""
    for row in run["unscored"][:_MOST]:
        say(f"not scored: {row['case']}, {row['reason']}")


def show_odd(run: Mapping[str, Any]) -> None:
    """Say what was found odd or wrong with predictions, references and images."""
    findings = [row for row in run["findings"] if row["severity"] != "info"]
    for row in findings[:_MOST]:
        say(_line(row))
    if len(findings) > _MOST:
        say(f"{len(findings) - _MOST} more findings: run.json lists all")


def is_whole(run: Mapping[str, Any]) -> bool:
    """Whether every case was scored, with a prediction, and nothing is wrong."""
    return not (any(run["missing"].values()) or run["unscored"] or has_errors(run["findings"]))


def _line(row: Mapping[str, Any]) -> str:
    file = Path(row["path"]).name if row["path"] else None
    whose = ", ".join(word for word in (row["model"], row["case"], file) if word)
    return f"{row['severity']}: {whose}: {row['evidence']}; {row['remedy']}"
