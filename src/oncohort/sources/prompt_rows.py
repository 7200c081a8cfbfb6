"""Prompt files of a case as rows of `prompts.parquet`, with findings on what a reader should not trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oncohort.errors import InputError
from oncohort.formats.prompt_files import read_prompts
from oncohort.geometry import Geometry
from oncohort.prompts import Prompt
from oncohort.sources.referenced import finding
from oncohort.sources.walking import refused_row, relative

Row = dict[str, Any]


@dataclass(frozen=True)
class PromptFile:
    """A file of prompts and what is expected of it.

    Attributes:
        path: Where it lies.
        dialect: What its name promises.
        kind: `click` or `scribble`.
        origin: Reader or policy.
    """

    path: str
    dialect: str
    kind: str
    origin: str

    def to_dict(self) -> dict[str, str]:
        """The values as JSON; `PromptFile(**values)` takes them back."""
        return {"path": self.path, "dialect": self.dialect, "kind": self.kind, "origin": self.origin}


@dataclass
class PromptRows:
    """What became of the prompt files of one case: rows of three tables."""

    prompts: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class PromptReader:
    """Reads the prompt files of one case.

    Attributes:
        root: The folder that was ingested.
        case: The case id.
        volume: Role of the volume whose grid the points index.
        geometry: That grid.
    """

    root: Path
    case: str
    volume: str
    geometry: Geometry

    def read(self, files: Sequence[Mapping[str, str]]) -> PromptRows:
        """The rows of all files; one that cannot be read is refused, and the case stays."""
        rows = PromptRows()
        for one in (PromptFile(**values) for values in files):
            self.take(one, rows)
        return rows

    def take(self, file: PromptFile, rows: PromptRows) -> list[Prompt]:
        """The prompts of one file, put into `rows`; none if it is refused."""
        prompts = self.prompts_of(file, rows)
        rows.prompts += [prompt.to_row(self.case, self.volume) for prompt in prompts]
        return prompts

    def prompts_of(self, file: PromptFile, rows: PromptRows) -> list[Prompt]:
        """The prompts of one file; refusal and findings go to `rows`, prompts do not."""
        path = Path(file.path)
        try:
            prompts = self._in_any_dialect(path, file, rows)
        except InputError as error:
            rows.refused.append(refused_row(self.root, path, "unreadable prompts", str(error)))
            return []
        outside = sum(len(prompt.outside(self.geometry)) for prompt in prompts)
        if outside:
            rows.findings.append(
                finding(
                    "prompt_outside_grid",
                    evidence=f"{outside} of {sum(len(prompt.points) for prompt in prompts)} points are outside of the "
                    f"grid {self.geometry.shape} of {self.volume}",
                    remedy="check that points are voxel indices i, j, k of this case; they are not drawn",
                    path=relative(self.root, path),
                    case=self.case,
                )
            )
        return prompts

    def _in_any_dialect(self, path: Path, file: PromptFile, rows: PromptRows) -> list[Prompt]:
        try:
            return read_prompts(path, dialect=file.dialect, kind=file.kind, origin=file.origin)
        except InputError:
            prompts = read_prompts(path, kind=file.kind, origin=file.origin)
        rows.findings.append(
            finding(
                "prompt_dialect",
                evidence=f"the name promises the dialect {file.dialect}, the file has another one",
                remedy="nothing here; a reader of the promised dialect sees no prompts in it",
                path=relative(self.root, path),
                case=self.case,
            )
        )
        return prompts
