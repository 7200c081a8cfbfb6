"""Pages: report."""

from __future__ import annotations

from pathlib import Path

from oncohort.cli.output import ExitCode, Jobs, Json, print_json, say, shown_progress
from oncohort.study import rebuild_report


def report(study: Path, *, jobs: Jobs = 1, json: Json = False) -> int:
    """Write the page of a study anew from its finished results.

    Args:
        study: The study file (TOML).
        jobs: Number of processes.
        json: Print one machine-readable document on stdout.
    """
    with shown_progress() as progress:
        page = rebuild_report(study, jobs=jobs, progress=progress)
    if json:
        print_json({"report": str(page)})
    say(f"report: {page}")
    return ExitCode.DONE
