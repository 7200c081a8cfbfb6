"""What every source of cases offers: a plan made from headers, and the conversion of one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from oncohort.compute import ProgressCallback
from oncohort.errors import SettingsError
from oncohort.formats.dicom.series import SuvRecipe
from oncohort.labels import LabelScheme


@dataclass(frozen=True, slots=True)
class FileStamp:
    """One input file as it was when it was planned: absolute path, size in bytes, modification time in ns."""

    path: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class CasePlan:
    """Everything that the conversion of one case needs; picklable, and JSON-able through `key_parts`.

    Attributes:
        case: the case id.
        patient: the patient id.
        row: the row of `cases.parquet` (JSON-able values, columns of the cohort format and the source's own facts).
        files: every file that this case uses, in a fixed order.
        work: what `Source.convert` does, in the source's own JSON-able words.
        findings: rows of `findings.parquet` that were clear from the headers.
    """

    case: str
    patient: str
    row: Mapping[str, Any]
    files: tuple[FileStamp, ...]
    work: Mapping[str, Any]
    findings: tuple[Mapping[str, Any], ...] = ()

    def key_parts(self) -> tuple[Any, ...]:
        """Values whose content key changes exactly when the converted case must be made again.

        Examples:
            >>> plan = CasePlan("A", "A", {"case": "A"}, (FileStamp("/x.dcm", 12, 34),), {"roi": 1})
            >>> plan.key_parts()
            ('A', {'case': 'A'}, [['/x.dcm', 12, 34]], {'roi': 1})
        """
        stamps = [[stamp.path, stamp.bytes, stamp.mtime_ns] for stamp in self.files]
        return (self.case, dict(self.row), stamps, dict(self.work))


@dataclass(frozen=True)
class SourcePlan:
    """What a source found: cases to convert, files refused, and the labels of the cohort.

    Every file met stands in the `files` of at least one case or in `refused`; paths in `refused` are
    relative to the folder that was planned (POSIX form).

    Attributes:
        cases: in the order of the cohort.
        refused: rows of `refused.parquet` (`path`, `reason`, `detail`), sorted by path.
        scheme: names and integers of all masks of the cohort.
        version: of the published data set, where its files say it.
        meta: what else the source wants to remember (JSON values).
    """

    cases: tuple[CasePlan, ...]
    refused: tuple[Mapping[str, str], ...]
    scheme: LabelScheme
    version: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    """Reads one layout into cases and accounts for every file: used, or refused with a reason.

    It never repairs. `plan` reads headers only and writes nothing; `convert` makes the files of one case under
    `folder / "volumes"` (or references them where they lie) and gives the rows of the tables.
    """

    @property
    def name(self) -> str:
        """Word by which the command line and the study file name this source."""
        ...

    @property
    def description(self) -> str:
        """One line that says which folders it reads."""
        ...

    def detect(self, path: Path) -> bool:
        """Whether the folder `path` has this layout, by its names alone; quick, whatever the size of the folder."""
        ...

    def plan(
        self,
        path: Path,
        *,
        roi: Sequence[str] | None = None,
        known: Mapping[str, str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> SourcePlan:
        """The cases found under `path`.

        Args:
            path: an existing folder.
            roi: names of the regions to keep; `None` keeps all.
            known: study -> case id of an earlier ingestion of the same data, so that ids never change.
            progress: called now and then while headers are read.

        Raises:
            InputError: `path` is no folder that can be read.
        """
        ...

    def convert(self, case_plan: CasePlan, folder: Path) -> dict[str, Any]:
        """Rows of one case after its files were written under `folder`; JSON-able.

        Keys: `case` (a row), `volumes`, `refused`, `findings` (lists of rows) and, where there are any, `boxes`,
        `prompts`, `structures`. `case` is `None` when nothing of the case could be converted.
        """
        ...


@runtime_checkable
class RememberingSource(Source, Protocol):
    """A source whose plan reads so much that it keeps it, so that a killed call continues."""

    def remembering(self, journal: Path) -> Source:
        """The same source, which keeps what its plan reads in the file `journal`, and reads it from there."""
        ...


@runtime_checkable
class SuvSource(Source, Protocol):
    """A source that turns PET headers into SUV, by rules that can be chosen."""

    def with_recipe(self, recipe: SuvRecipe) -> Source:
        """The same source, which makes SUV by the rules named `recipe`."""
        ...


def refuse_regions(roi: Sequence[str] | None, source: str, path: Path, *, why: str) -> None:
    """Raise if regions were asked for by name of a source whose labels have names already.

    Raises:
        SettingsError: `roi` names any.

    Examples:
        >>> refuse_regions(None, "nnunet", Path("data"), why="the labels of dataset.json are all kept")
    """
    if roi is not None:
        raise SettingsError(
            expected=f"no regions by name for source {source!r}",
            found=", ".join(roi),
            where=str(path),
            remedy=f"leave out --roi; {why}",
        )
