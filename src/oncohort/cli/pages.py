"""Pages: report."""

from __future__ import annotations

from pathlib import Path

from oncohort.cli.output import ExitCode, say, shown_progress
from oncohort.study import rebuild_report


def report(study: Path, *, jobs: int = 1) -> int:
    """Write the page of a study anew from its finished results.

    Args:
        study: The study file (TOML).
        jobs: Number of processes.
    """
    with shown_progress() as progress:
        page = rebuild_report(study, jobs=jobs, progress=progress)
    say(f"report: {page}")
    return ExitCode.DONE
