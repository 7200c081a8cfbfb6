"""What every writer of another tool's layout offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from oncohort.cohort import Cohort


class Export(Protocol):
    """Writes a cohort in the layout of another tool, a case at a time; picklable."""

    @property
    def name(self) -> str:
        """Word by which the command line names it."""
        ...

    @property
    def description(self) -> str:
        """One line that says what reads the result."""
        ...

    @property
    def place(self) -> str:
        """The folder below the output folder that is filled, where several stand in it by number; empty for none."""
        ...

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles whose files decide what is written; a change of one of them writes the case again."""
        ...

    def settings(self) -> dict[str, Any]:
        """All choices as JSON values."""
        ...

    def facts(self, cohort: Cohort, case: str) -> Any:
        """JSON values of the tables that decide, beside the files, what is written for a case."""
        ...

    def check(self, cohort: Cohort) -> None:
        """Raise if no case of the cohort can be written.

        Raises:
            SettingsError: The choices do not fit the cohort.
        """
        ...

    def write_case(self, cohort: Cohort, case: str, folder: Path) -> dict[str, Any]:
        """Write the files of one case.

        Returns:
            JSON values: `files` (size in bytes by path relative to `folder`) and whatever `finish` needs.

        Raises:
            InputError: The case cannot be written; nothing of it stands.
        """
        ...

    def finish(self, cohort: Cohort, results: Sequence[Mapping[str, Any]], folder: Path) -> tuple[str, ...]:
        """Write what describes the whole, from the results of the cases that were written.

        Returns:
            Paths written, relative to `folder`.
        """
        ...
