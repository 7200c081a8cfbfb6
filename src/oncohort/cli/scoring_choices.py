"""Flags that choose what of a cohort is scored, and how it is taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from oncohort.errors import SettingsError
from oncohort.formats.split_file import read_split
from oncohort.storage import read_settings_text


@Parameter(name="*")
@dataclass(frozen=True)
class ScoringChoices:
    """Which cases are scored, and whether predictions may lie on another grid; all cases without flags.

    Args:
        split: File of oncohort split; only the cases of one of its parts are scored.
        part: Of the split: test, validation (of all folds), or the number of a fold for its validation cases.
        cases: Text file with the id of a case per line; only these are scored.
        resample_predictions: Take the nearest voxel where a prediction lies on another grid.
    """

    split: Path | None = None
    part: str | None = None
    cases: Path | None = None
    resample_predictions: Annotated[bool, Parameter(negative="")] = False

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read for them."""
        return tuple(file for file in (self.split, self.cases) if file is not None)

    @property
    def ids(self) -> tuple[str, ...] | None:
        """Ids of the cases; None for all.

        Raises:
            SettingsError: The flags do not go together, the file cannot be read, or the part is empty.
            FormatError: The file of the split is none.
        """
        if self.split is not None and self.cases is not None:
            raise _wrong("--split or --cases", "both", "leave one of them out")
        if self.part is not None and self.split is None:
            raise _wrong("--split FILE beside --part", "no --split", "name the file of the split")
        if self.split is not None:
            return read_split(self.split).part(self.part or "test")
        return None if self.cases is None else _listed(self.cases)


def profile_file(profile: str) -> tuple[Path, ...]:
    """The file of a profile, if it is not one that comes along."""
    return (Path(profile),) if Path(profile).is_file() else ()


def _listed(path: Path) -> tuple[str, ...]:
    try:
        lines = read_settings_text(path).splitlines()
    except (OSError, ValueError) as error:
        found = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _wrong(
            "a text file with the id of a case per line", found, "name such a file", where=str(path)
        ) from error
    return tuple(line.strip() for line in lines if line.strip())


def _wrong(expected: str, found: str, remedy: str, *, where: str = "chosen cases") -> SettingsError:
    return SettingsError(expected=expected, found=found, where=where, remedy=remedy)
