"""A recipe over a cohort gives a cohort."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from oncohort.cohort import Case, Cohort, Tables, as_table
from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.errors import InputError, SettingsError
from oncohort.formats import (
    fingerprint_case,
    open_cohort,
    volume_path,
    volumes_stand,
    write_cohort,
    write_label_map,
    write_nifti,
)
from oncohort.formats.nifti import header_facts
from oncohort.recipes.moving import Grids, changed_grids, moved_boxes, moved_prompts
from oncohort.recipes.recipe import Recipe
from oncohort.storage import claim_folder, content_key, encode_stem, remove_unlisted, require_apart
from oncohort.volume import LabelMap

_VERSION = 1  # of what the function below writes; part of every key


def harmonise(
    cohort: Cohort,
    recipe: Recipe,
    *,
    out: str | Path,
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> Cohort:
    """The cohort after all steps of `recipe`, written to the folder `out`.

    Changed roles are written under `volumes/`; everything else is referenced
    where it lies. Prompts and boxes on a role that gets another grid keep their
    places. A case that lacks what a step needs, or whose files cannot be
    read, is kept unchanged and becomes a finding of severity "error". Finished
    cases are not done again.

    Args:
        cohort: Where the cases come from.
        recipe: What happens to them.
        out: A new folder, or one with the same work.
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called after every case.

    Raises:
        InputError: No case can be changed.
        OutputError: `out` holds something else or cannot be written.
        SettingsError: A step cannot do what is asked, such as interpolate labels linearly.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort.cohort import CohortFacts
        >>> from oncohort.labels import LabelScheme
        >>> from oncohort.recipes import make_recipe
        >>> cohort = Cohort(CohortFacts("none", "dicom"), LabelScheme("lesion", {"lesion": 1}), Tables.empty())
        >>> step = {"role": "ct", "onto": "pet", "interpolation": "linear", "fill": -1024}
        >>> with TemporaryDirectory() as there:
        ...     len(harmonise(cohort, make_recipe([{"resample": step}]), out=f"{there}/harmonised"))
        0
    """
    require_apart(out, cohort.inputs)
    folder = claim_folder(out, {"verb": "harmonise", "cohort": cohort.identity}, overwrite=overwrite)
    work = _Work(folder.absolute(), recipe)
    keys = [_key(cohort, case, recipe) for case in cohort.case_ids]
    store = ResultStore(folder / ".oncohort" / "results")
    results = map_items(
        work,
        list(cohort),
        keys=keys,
        store=store,
        is_valid=work.stands,
        jobs=jobs,
        progress=progress,
        label="harmonise",
    )
    store.prune(set(keys))
    changed = {(row["case"], row["role"]): row for result in results for row in result["volumes"]}
    rows = [
        {**row, **changed[row["case"], row["role"]]}
        if (row["case"], row["role"]) in changed
        else _referenced(cohort, row, folder)
        for row in _rows(cohort)
    ]
    findings = [finding for result in results for finding in result["findings"]]
    grids = changed_grids(_rows(cohort), changed)
    boxes, counts = moved_boxes(cohort.tables.boxes.iter_rows(named=True), grids)
    if findings and len(findings) == len(cohort):
        raise _nothing_changed(cohort, findings)
    tables = Tables(
        **{
            **cohort.tables.named(),
            "volumes": as_table("volumes", rows),
            "boxes": as_table("boxes", boxes) if counts else cohort.tables.boxes,
            "prompts": _prompts(cohort, grids),
            "findings": as_table(
                "findings", [*cohort.tables.findings.iter_rows(named=True), *findings, *_moved_findings(counts)]
            ),
        }
    )
    facts = replace(cohort.facts, parents=(*cohort.facts.parents, _parent(cohort, folder)))
    write_cohort(folder, Cohort(facts, cohort.scheme, tables))
    remove_unlisted(folder / "volumes", [folder / row["path"] for row in changed.values()])
    return open_cohort(folder)


@dataclass(frozen=True)
class _Work:
    """Apply the recipe to one case; picklable."""

    folder: Path
    recipe: Recipe

    def __call__(self, case: Case) -> dict[str, Any]:
        try:
            changed = self.recipe.apply(case)
            return {"volumes": [self._write(changed, role) for role in self.recipe.changes], "findings": []}
        except SettingsError:
            raise
        except InputError as error:
            return {"volumes": [], "findings": [_finding(case, error)]}

    def _write(self, case: Case, role: str) -> dict[str, Any]:
        path = Path("volumes") / encode_stem(case.id) / f"{encode_stem(role)}.nii.gz"
        volume = case[role]
        if isinstance(volume, LabelMap):
            written, unit = write_label_map(self.folder / path, volume), "label"
            record: dict[str, Any] = {"recipe": self.recipe.settings()}
        else:
            written = write_nifti(self.folder / path, volume)
            unit, record = str(volume.unit), dict(volume.record)
        scale = json.dumps(record, sort_keys=True)
        own = {"case": case.id, "role": role, "path": path.as_posix(), "unit": unit, "scale": scale}
        return {**own, **header_facts(volume), **written}

    def stands(self, result: Mapping[str, Any]) -> bool:
        """Whether the files of a remembered result are still there."""
        return volumes_stand(self.folder, result["volumes"])


def _key(cohort: Cohort, case: str, recipe: Recipe) -> str:
    needed = fingerprint_case(cohort, case, recipe.needs)
    return content_key("harmonise", _VERSION, case, recipe.settings(), needed)


def _parent(cohort: Cohort, folder: Path) -> str:
    """Where the cohort before lies, seen from the new one, so that both can move together."""
    return cohort.name if cohort.root is None else Path(os.path.relpath(cohort.root, folder)).as_posix()


def _rows(cohort: Cohort) -> list[dict[str, Any]]:
    return list(cohort.tables.volumes.iter_rows(named=True))


def _referenced(cohort: Cohort, row: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return {**row, "path": Path(os.path.relpath(volume_path(cohort, row), folder)).as_posix()}


def _prompts(cohort: Cohort, grids: Grids) -> pl.DataFrame:
    table = cohort.tables.prompts
    if not grids or not table.height:
        return table
    return as_table("prompts", moved_prompts(table.iter_rows(named=True), grids))


def _moved_findings(counts: Mapping[str, list[int]]) -> list[dict[str, Any]]:
    return [
        {
            "rule": "harmonise_boxes",
            "severity": "warning" if outside else "info",
            "case": case,
            "path": "boxes.parquet",
            "evidence": f"{moved} boxes were rounded outwards to voxels of a new grid, {outside} lie outside of it",
            "remedy": "score boxes on the grid that they were drawn on",
        }
        for case, (moved, outside) in counts.items()
    ]


def _nothing_changed(cohort: Cohort, findings: list[dict[str, Any]]) -> InputError:
    return InputError(
        expected="at least one case that the recipe can change",
        found=f"none among {len(cohort)}; the first says: {findings[0]['evidence']}",
        where=f"case {findings[0]['case']}",
        remedy=str(findings[0]["remedy"]),
    )


def _finding(case: Case, error: InputError) -> dict[str, Any]:
    return {
        "rule": "harmonise",
        "severity": "error",
        "case": case.id,
        "path": None,
        "evidence": f"{error.where}: expected {error.expected}, found {error.found}",
        "remedy": error.remedy,
    }
