"""An ordered table of cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import polars as pl

from oncohort.cohort.case import Case
from oncohort.cohort.tables import Tables
from oncohort.errors import InputError, shown
from oncohort.labels import LabelScheme
from oncohort.volume import LabelMap, Volume

VolumeReader = Callable[[Mapping[str, Any]], Volume | LabelMap]


@dataclass(frozen=True)
class CohortFacts:
    """What `cohort.json` says of a cohort as a whole.

    Examples:
        >>> CohortFacts(name="demo", source="dicom").licences
        ()
    """

    name: str
    source: str
    source_version: str | None = None
    licences: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    created_by: str = ""
    created_at: str = ""


@dataclass(frozen=True, eq=False)
class Cohort:
    """Cases in order, with a label scheme and seven tables.

    Iterating gives `Case` objects whose voxels are read when asked for.

    Args:
        facts: Name, source, licences, provenance.
        scheme: Names of the labels in its masks.
        tables: The seven tables.
        read: Gives the volume or label map of one row of `tables.volumes`.
        root: The folder that relative paths in the tables start from; None for a cohort in memory.

    Examples:
        >>> cohort = Cohort(CohortFacts("none", "dicom"), LabelScheme("lesion", {"lesion": 1}), Tables.empty())
        >>> len(cohort), [case.id for case in cohort]
        (0, [])
    """

    facts: CohortFacts
    scheme: LabelScheme
    tables: Tables
    read: VolumeReader = field(repr=False, default=lambda _: _no_reader())
    root: Path | None = None

    @property
    def name(self) -> str:
        """What the cohort is called."""
        return self.facts.name

    @property
    def identity(self) -> str:
        """What tells this cohort from others: the folder where it lies, or its name while it lies nowhere."""
        return self.name if self.root is None else str(self.root.absolute())

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Its folder and all that its volumes are read from, wherever that lies; nothing while it lies nowhere."""
        if self.root is None:
            return ()
        return (self.root, *(self.root / path for path in self.tables.volumes["path"].unique(maintain_order=True)))

    def __len__(self) -> int:
        return self.tables.cases.height

    def __iter__(self) -> Iterator[Case]:
        return (self._case(row) for row in self.tables.cases.iter_rows(named=True))

    def __contains__(self, case: object) -> bool:
        return case in self._positions

    def __getitem__(self, case: str) -> Case:
        """The case with this id.

        Raises:
            InputError: The cohort has no such case.
        """
        if case not in self._positions:
            raise InputError(
                expected="a case of the cohort",
                found=repr(case),
                where=f"cohort {self.name!r}",
                remedy=f"choose one of its {len(self)} cases",
            )
        return self._case(self.tables.cases.row(self._positions[case], named=True))

    @property
    def case_ids(self) -> tuple[str, ...]:
        """The ids of all cases, in order."""
        return tuple(self.tables.cases["case"])

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {case: position for position, case in enumerate(self.tables.cases["case"])}

    @cached_property
    def _volume_rows(self) -> dict[str, list[dict[str, Any]]]:
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in self.tables.volumes.iter_rows(named=True):
            rows.setdefault(row["case"], []).append(row)
        return rows

    def volume_rows(self, case: str) -> list[dict[str, Any]]:
        """The rows of `tables.volumes` that belong to one case."""
        return self._volume_rows.get(case, [])

    def with_cases(self, cases: pl.DataFrame) -> Cohort:
        """The same cohort with another case table."""
        tables = Tables(**{**self.tables.named(), "cases": cases})
        return Cohort(self.facts, self.scheme, tables, self.read, self.root)

    def only(self, cases: Iterable[str]) -> Cohort:
        """The same cohort with these cases alone, in its own order; rows of no case stay.

        Args:
            cases: Ids; one that is named twice counts once.

        Raises:
            InputError: There is no such case, or none is named.

        Examples:
            >>> tables = Tables.from_rows({"cases": [{"case": "A", "patient": "P"}, {"case": "B", "patient": "P"}]})
            >>> cohort = Cohort(CohortFacts("two", "dicom"), LabelScheme("lesion", {"lesion": 1}), tables)
            >>> cohort.only(["B"]).case_ids
            ('B',)
        """
        chosen = dict.fromkeys(cases)
        strange = [case for case in chosen if case not in self]
        if strange or not chosen:
            raise InputError(
                expected="ids of cases of the cohort",
                found=f"{len(strange)} that it does not have: {shown(strange)}" if strange else "none",
                where=f"cohort {self.name!r}",
                remedy=f"choose among its {len(self)} cases, as cases.parquet spells them",
            )
        wanted = pl.col("case").is_in(list(chosen))
        tables = {
            name: table.filter(wanted | pl.col("case").is_null()) if "case" in table.columns else table
            for name, table in self.tables.named().items()
        }
        return Cohort(self.facts, self.scheme, Tables(**tables), self.read, self.root)

    def _case(self, row: dict[str, Any]) -> Case:
        facts = {name: value for name, value in row.items() if name not in ("case", "patient")}
        readers = {volume["role"]: partial(self.read, volume) for volume in self.volume_rows(row["case"])}
        return Case(row["case"], row["patient"], facts, readers)


def _no_reader() -> Volume:
    raise InputError(
        expected="a cohort with a reader",
        found="tables alone",
        where="cohort",
        remedy="open the cohort with open_cohort",
    )
