"""A cohort in the layout of another tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.errors import InputError, OutputError, SettingsError
from oncohort.exports import Export
from oncohort.formats import fingerprint_case
from oncohort.storage import (
    claim_folder,
    content_key,
    read_json,
    read_work,
    require_apart,
    told_differences,
    write_json,
)

_VERSION = 2  # of what exports write; part of every key


@dataclass(frozen=True)
class Exported:
    """Where a cohort was written, and the cases that could not be with the reason."""

    folder: Path
    cases: tuple[str, ...]
    failed: Mapping[str, str]


def export_cohort(
    cohort: Cohort,
    export: Export,
    *,
    out: str | Path,
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> Exported:
    """Write a cohort in the layout of another tool to the folder `out`.

    A case that cannot be written is left out whole and listed in `failed`. A killed call continues when it is made
    again; cases that have not changed are not written twice.

    Args:
        cohort: What is written.
        export: The layout, with its choices.
        out: A new folder, or one with the same work; for layouts with numbered data sets the folder that holds them,
            where each is a work of its own.
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called after every case.

    Raises:
        SettingsError: The choices do not fit the cohort.
        InputError: No case can be written.
        OutputError: `out`, or the data set in it, holds something else or cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort import ingest, write_phantom_cohort
        >>> from oncohort.exports import Channel, NnunetExport
        >>> with TemporaryDirectory() as there:
        ...     phantoms = write_phantom_cohort(f"{there}/phantoms", cases=1, form="nnunet")
        ...     cohort = ingest("nnunet", phantoms.data, out=f"{there}/cohort")
        ...     export = NnunetExport(1, "Phantoms", (Channel.usual("ct"), Channel.usual("pet")))
        ...     done = export_cohort(cohort, export, out=f"{there}/raw")
        ...     done.cases, sorted(path.name for path in (done.folder / "Dataset001_Phantoms").iterdir())
        (('SYNTHETIC-001',), ['.oncohort', 'dataset.json', 'labelsTr', 'oncohort.json'])
    """
    folder = Path(out).absolute()
    require_apart(folder / export.place, cohort.inputs)
    export.check(cohort)
    work = {"verb": "export", "cohort": cohort.identity, **export.settings()}
    notes = _claim(folder, export, work, overwrite=overwrite) / ".oncohort"
    write = _Write(cohort, export, folder)
    keys = [_key(cohort, case, export) for case in cohort.case_ids]
    store = ResultStore(notes / "results")
    results = map_items(
        write,
        list(cohort.case_ids),
        keys=keys,
        store=store,
        is_valid=write.stands,
        jobs=jobs,
        progress=progress,
        label=f"export {export.name}",
    )
    store.prune(set(keys))
    failed = {case: str(one["failed"]) for case, one in zip(cohort.case_ids, results, strict=True) if one["failed"]}
    written = [one for one in results if not one["failed"]]
    if not written:
        raise _nothing(export, failed)
    described = export.finish(cohort, written, folder)
    listed = {*(path for one in written for path in one["files"]), *described}
    _remove_former(folder, notes / "written.json", listed)
    return Exported(folder, tuple(case for case in cohort.case_ids if case not in failed), failed)


def _claim(folder: Path, export: Export, work: Mapping[str, Any], *, overwrite: bool) -> Path:
    """The folder that the export fills: `folder`, or a data set of its own in it, beside others."""
    place = folder / export.place
    if place != folder:
        if folder.exists() and not folder.is_dir():
            raise _taken(f"a new folder or data sets of {export.name}", "a file", folder)
        there = read_work(folder)
        numbered = {name: there.get(name) for name in ("export", "number", "title")}
        if there and there.get("export") != export.name:
            raise _taken(f"a new folder or data sets of {export.name}", told_differences(there, work), folder)
        if there and numbered == {name: work[name] for name in numbered} and not (place / ".oncohort").exists():
            place.mkdir(exist_ok=True)
            (folder / ".oncohort").rename(place / ".oncohort")
        _require_number(folder, export.place)
    return claim_folder(place, work, overwrite=overwrite)


def _require_number(folder: Path, place: str) -> None:
    """Raise if another data set has the number already; what reads the folder goes by the number."""
    number = place.partition("_")[0]
    others = sorted(path.name for path in folder.glob(f"{number}_*") if path.name != place and path.is_dir())
    if others:
        raise _taken(f"no other data set with the number of {place}", others[0], folder, "number or ")


def _remove_former(folder: Path, manifest: Path, listed: set[str]) -> None:
    """Delete what an earlier call wrote and this one did not; files of others are left alone."""
    former = set(read_json(manifest)) if manifest.is_file() else set()
    for path in sorted(former - listed):
        (folder / path).unlink(missing_ok=True)
    write_json(manifest, sorted(listed))


@dataclass(frozen=True)
class _Write:
    cohort: Cohort
    export: Export
    folder: Path

    def __call__(self, case: str) -> dict[str, Any]:
        try:
            return {**self.export.write_case(self.cohort, case, self.folder), "failed": None}
        except SettingsError:
            raise
        except InputError as error:
            return {"failed": str(error), "files": {}}

    def stands(self, result: Mapping[str, Any]) -> bool:
        """Whether the files of a remembered result are still there, in their size."""
        files = ((self.folder / path, size) for path, size in result["files"].items())
        return all(path.is_file() and path.stat().st_size == size for path, size in files)


def _key(cohort: Cohort, case: str, export: Export) -> str:
    needed = fingerprint_case(cohort, case, export.roles)
    facts = export.facts(cohort, case)
    return content_key("export", _VERSION, case, export.settings(), cohort.scheme.to_dict(), needed, facts)


def _taken(expected: str, found: str, folder: Path, other: str = "") -> OutputError:
    remedy = f"choose another {other}output folder, or remove what is there"
    return OutputError(expected=expected, found=found, where=str(folder), remedy=remedy)


def _nothing(export: Export, failed: Mapping[str, str]) -> InputError:
    case, reason = next(iter(failed.items()), ("none", "the cohort has no case"))
    return InputError(
        expected=f"at least one case that export {export.name!r} can write",
        found=f"none among {len(failed)}; the first says: {reason}",
        where=f"case {case}",
        remedy="see the reason; harmonise the cohort, or name other roles",
    )
