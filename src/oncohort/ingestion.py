"""A source's folder becomes a cohort folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.compute import ProgressCallback, ResultJournal, map_items
from oncohort.errors import FormatError, InputError, OncohortError, SettingsError
from oncohort.formats import open_cohort, read_case_table, volumes_stand, write_cohort
from oncohort.formats.dicom.series import SuvRecipe
from oncohort.refusals import costs_a_case
from oncohort.sources import AUTO, SOURCES, detect_source
from oncohort.sources.protocol import CasePlan, RememberingSource, Source, SourcePlan, SuvSource
from oncohort.storage import claim_folder, content_key, read_work, release_folder, remove_unlisted, require_apart

HEADERS_FILE = Path(".oncohort") / "headers.jsonl"
"""Where headers are remembered in an output folder."""

_VERSION = 1  # of what sources write; part of every key


@dataclass(frozen=True)
class IngestSettings:
    """What decides the content of an ingested cohort.

    Args:
        source: Name of a source, or `auto`.
        path: The folder to read.
        roi: Names of the regions to keep; None keeps all.
        name: What the cohort is called; None takes the folder's name.
        suv_recipe: How a PET becomes SUV.
    """

    source: str
    path: Path
    roi: tuple[str, ...] | None = None
    name: str | None = None
    suv_recipe: SuvRecipe = "suv"

    def work(self) -> dict[str, Any]:
        """What marks an output folder as this work (JSON values)."""
        recipe = {} if self.suv_recipe == "suv" else {"suv_recipe": self.suv_recipe}
        return {"verb": "ingest", "source": self.source, "path": str(self.path.absolute()), "roi": self.roi, **recipe}


def ingest(  # noqa: PLR0913 - the keywords are the verb's flags
    source: str,
    path: str | Path,
    *,
    out: str | Path,
    roi: Sequence[str] | None = None,
    name: str | None = None,
    suv_recipe: SuvRecipe = "suv",
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> Cohort:
    """The cohort that `source` reads from the folder `path`, written to the folder `out`.

    Every file under `path` is used by a case or stands in the table `refused`
    with its reason. A killed call continues when it is made again; cases whose
    files have not changed are not converted twice.

    Args:
        source: Name of a source, or `auto`: the layout is told by the names in the folder.
        path: The folder to read.
        out: A new folder, or one with the same work.
        roi: Names of the regions to keep; None keeps all.
        name: What the cohort is called; None takes the folder's name.
        suv_recipe: How a PET becomes SUV, for source `dicom`: `suv`, or `autopet-compat`; its name stands in the
            column `scale` of `volumes.parquet`.
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called while headers are read and after every case.

    Raises:
        SettingsError: No such source, one without a choice of recipe, or no mask has a region of the name in `roi`.
        InputError: `path` holds no case that can be read.
        OutputError: `out` holds something else or cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort import write_phantom_cohort
        >>> with TemporaryDirectory() as there:
        ...     phantoms = write_phantom_cohort(f"{there}/phantoms", cases=1, form="nnunet")
        ...     cohort = ingest("nnunet", phantoms.data, out=f"{there}/cohort")
        ...     [case.id for case in cohort], cohort["SYNTHETIC-001"].roles
        (['SYNTHETIC-001'], ('ct', 'pet', 'lesions'))
    """
    settings = IngestSettings(source, Path(path), _as_names(roi), name, suv_recipe)
    _require_source(source)
    _require_folder(settings.path, Path(out))
    require_apart(out, [settings.path])
    reader = _with_recipe(detect_source(settings.path) if source == AUTO else SOURCES[source], suv_recipe)
    known = _known_ids(Path(out), settings)
    with _planning(reader, settings, Path(out), overwrite=overwrite) as planner:
        plan = planner.plan(settings.path, roi=settings.roi, known=known, progress=progress)
        if not plan.cases:
            raise _nothing_found(settings, plan)
        _require_regions(settings, plan)
    folder = claim_folder(out, settings.work(), overwrite=overwrite)
    results = _convert_all(reader, plan, folder, jobs=jobs, progress=progress)
    if all(result["case"] is None for result in results):
        if not (folder / "cohort.json").is_file():
            release_folder(folder)
        raise _nothing_converted(settings, results)
    write_cohort(folder, _cohort(settings, reader.name, plan, results))
    written = [row["path"] for result in results for row in result["volumes"]]
    remove_unlisted(folder / "volumes", [folder / path for path in written])
    return open_cohort(folder)


def is_intact(cohort: Cohort) -> bool:
    """Whether no image of the cohort was refused and no finding is an error."""
    refused = any(costs_a_case(row) for row in cohort.tables.refused.iter_rows(named=True))
    return not refused and "error" not in set(cohort.tables.findings["severity"])


@dataclass(frozen=True)
class _Convert:
    source: str
    folder: Path

    def __call__(self, plan: CasePlan) -> dict[str, Any]:
        return SOURCES[self.source].convert(plan, self.folder)

    def stands(self, result: Mapping[str, Any]) -> bool:
        """Whether the files that were written for a remembered result are still there.

        Files that are referred to where they lie were met by the plan, whose key would else be another.
        """
        return volumes_stand(self.folder, (row for row in result["volumes"] if not Path(row["path"]).is_absolute()))


def _convert_all(
    reader: Source, plan: SourcePlan, folder: Path, *, jobs: int, progress: ProgressCallback | None
) -> list[dict[str, Any]]:
    convert = _Convert(reader.name, folder.absolute())
    scheme = plan.scheme.to_dict()
    keys = [content_key("ingest", _VERSION, reader.name, scheme, case.key_parts()) for case in plan.cases]
    with ResultJournal(folder / ".oncohort" / "results.jsonl") as store:
        results = map_items(
            convert,
            plan.cases,
            keys=keys,
            store=store,
            is_valid=convert.stands,
            jobs=jobs,
            progress=progress,
            label="convert",
        )
        store.prune(set(keys))
    return results


def _cohort(settings: IngestSettings, source: str, plan: SourcePlan, results: Sequence[Mapping[str, Any]]) -> Cohort:
    cases = [result["case"] for result in results if result["case"] is not None]
    refused = [*plan.refused, *(row for result in results for row in result["refused"])]
    planned = [finding for case in plan.cases for finding in case.findings]
    drawn = {
        name: [row for result in results for row in result.get(name, ())] for name in ("boxes", "prompts", "structures")
    }
    rows = {
        "cases": cases,
        "volumes": [row for result in results for row in result["volumes"]],
        **drawn,
        "findings": [*planned, *(row for result in results for row in result["findings"])],
        "refused": sorted(refused, key=lambda row: (row["path"], row["reason"])),
    }
    facts = CohortFacts(
        name=settings.name or settings.path.absolute().name,
        source=source,
        source_version=plan.version,
        licences=tuple(sorted({str(case["licence"]) for case in cases if case.get("licence")})),
        created_by=f"oncohort {version('oncohort')}",
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return Cohort(facts, plan.scheme, Tables.from_rows(rows))


@contextmanager
def _planning(reader: Source, settings: IngestSettings, out: Path, *, overwrite: bool) -> Iterator[Source]:
    """The source with what an earlier plan read; a folder that is claimed for it goes if the plan comes to nothing.

    A folder with other work, which is to be overwritten, stands until there is a plan.
    """
    earlier = read_work(out)
    if not isinstance(reader, RememberingSource) or (overwrite and earlier not in ({}, _as_json(settings.work()))):
        yield reader
        return
    folder = claim_folder(out, settings.work(), overwrite=overwrite)
    try:
        yield reader.remembering(folder.absolute() / HEADERS_FILE)
    except OncohortError:
        if not earlier:
            release_folder(folder)
        raise


def _as_json(work: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(dict(work)))


def _as_names(roi: Sequence[str] | str | None) -> tuple[str, ...] | None:
    if isinstance(roi, str):
        return (roi,)
    return tuple(roi) if roi else None


def _with_recipe(reader: Source, recipe: SuvRecipe) -> Source:
    if recipe == "suv":
        return reader
    if not isinstance(reader, SuvSource):
        choices = ", ".join(name for name, one in SOURCES.items() if isinstance(one, SuvSource))
        raise SettingsError(
            expected=f"a source that makes SUV from DICOM headers ({choices})",
            found=f"{reader.name} with the recipe {recipe}",
            where="suv_recipe",
            remedy="leave out --suv-recipe",
        )
    return reader.with_recipe(recipe)


def _require_source(name: str) -> None:
    if name != AUTO and name not in SOURCES:
        raise SettingsError(
            expected=f"{AUTO} or one of {', '.join(SOURCES)}",
            found=repr(name),
            where="source",
            remedy="name a source from the list",
        )


def _require_folder(path: Path, out: Path) -> None:
    if not path.is_dir():
        found = "a file" if path.is_file() else "nothing there"
        raise InputError(
            expected="a folder", found=found, where=str(path), remedy="check the path; unpack archives first"
        )
    if Path(os.path.realpath(out)).is_relative_to(os.path.realpath(path)):
        raise InputError(
            expected="an output folder outside the input",
            found=str(out),
            where=str(path),
            remedy="choose another --out, so that no run reads its own results",
        )


def _require_regions(settings: IngestSettings, plan: SourcePlan) -> None:
    unknown = [name for name in settings.roi or () if name not in plan.scheme.labels]
    if unknown:
        held = sorted({row["detail"] for row in plan.refused if row["reason"] == "region not selected"})
        raise SettingsError(
            expected="regions of interest that a structure set holds",
            found=", ".join(repr(name) for name in unknown) + (f" ({'; '.join(held[:3])})" if held else ""),
            where=str(settings.path),
            remedy="correct the name; upper and lower case differ",
        )


def _known_ids(out: Path, settings: IngestSettings) -> dict[str, str]:
    """Case id by study of an earlier run on the same data, also of one killed between its tables and `cohort.json`."""
    earlier = read_work(out)
    if any(earlier.get(name) != settings.work()[name] for name in ("source", "path")):
        return {}
    try:
        cases = read_case_table(out)
    except FormatError:
        return {}
    pairs = zip(cases["study"], cases["case"], strict=True)
    return {study: case for study, case in pairs if study is not None}


def _nothing_found(settings: IngestSettings, plan: SourcePlan) -> InputError:
    return InputError(
        expected=f"at least one case for source {settings.source!r}",
        found=_reasons(plan.refused),
        where=str(settings.path),
        remedy="check the path and the source; nothing was written",
    )


def _nothing_converted(settings: IngestSettings, results: Sequence[Mapping[str, Any]]) -> InputError:
    return InputError(
        expected="at least one case that can be converted",
        found=_reasons([row for result in results for row in result["refused"]]),
        where=str(settings.path),
        remedy="mend or replace the files named",
    )


def _reasons(refused: Sequence[Mapping[str, Any]]) -> str:
    if not refused:
        return "an empty folder"
    counts: dict[str, int] = {}
    for row in refused:
        counts[row["reason"]] = counts.get(row["reason"], 0) + 1
    listed = ", ".join(f"{reason}: {count}" for reason, count in sorted(counts.items()))
    first = min(refused, key=lambda row: (not costs_a_case(row), row["reason"] == "case refused"))
    return f"{len(refused)} refused ({listed}); the first is {first['path']}: {first['detail']}"
