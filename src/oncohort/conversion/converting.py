"""The verb: every CT and PET series below a folder as NIfTI, with sidecar and slice table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from oncohort.compute import ProgressCallback, ResultJournal, map_items
from oncohort.conversion.planning import ConversionPlan, PlannedSeries, plan_conversion
from oncohort.conversion.settings import ConversionSettings
from oncohort.conversion.slice_table import write_slices
from oncohort.errors import FormatError, InputError
from oncohort.formats.nifti import grid_facts, write_nifti
from oncohort.refusals import costs_a_case
from oncohort.sources.walking import refused_row
from oncohort.storage import claim_folder, content_key, read_json, release_folder, require_apart, write_json

RECORD_FILE = "conversion.json"
"""What was converted and what was refused, in the output folder."""

_FILES = ("path", "sidecar", "slices")
_VERSION = 1  # of what is written; part of every key


@dataclass(frozen=True)
class Conversion:
    """What became of a folder.

    Attributes:
        out: The output folder.
        series: A row for each converted series: paths relative to `out`, modality, unit, grid, hash, warnings.
        refused: A row (`path`, `reason`, `detail`) for every file that is in no volume.
    """

    out: Path
    series: tuple[Mapping[str, Any], ...]
    refused: tuple[Mapping[str, str], ...]

    @property
    def is_complete(self) -> bool:
        """Whether no image was refused; files that never were images of a series do not count."""
        return not any(costs_a_case(row) for row in self.refused)

    def to_dict(self) -> dict[str, Any]:
        """The conversion as JSON values."""
        return {"series": [dict(row) for row in self.series], "refused": [dict(row) for row in self.refused]}


def convert(
    path: str | Path,
    *,
    out: str | Path,
    settings: ConversionSettings | None = None,
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> Conversion:
    """Write every CT and PET series below a folder as NIfTI, with a JSON sidecar and a slice table.

    Of each series there are `<name>.nii.gz`, `<name>.json` and `<name>_slices.csv`; the name is made of patient,
    study date, modality and series number. `conversion.json` lists them and every file that was refused, with the
    reason. A killed call continues when it is made again.

    Args:
        path: A folder of DICOM files.
        out: A new folder, or one with the same work.
        settings: What is converted, and how; None takes the defaults.
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called while headers are read and after every series.

    Raises:
        InputError: `path` is no folder, or holds no series that can be converted.
        OutputError: `out` holds something else, lies inside `path`, or cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort import write_phantom_cohort
        >>> with TemporaryDirectory() as there:
        ...     phantoms = write_phantom_cohort(f"{there}/phantoms", cases=1, form="dicom")
        ...     done = convert(phantoms.data, out=f"{there}/nifti")
        ...     [(row["modality"], row["unit"]) for row in done.series]
        [('CT', 'HU'), ('PT', 'SUVbw')]
    """
    chosen = settings or ConversionSettings()
    root, target = Path(path).absolute(), Path(out)
    _require_folders(root, target)
    require_apart(target, [root])
    work = {"verb": "convert", "path": str(root), "settings": chosen.to_dict()}
    folder = claim_folder(target, work, overwrite=overwrite).absolute()
    plan = plan_conversion(root, chosen, folder / ".oncohort" / "headers.jsonl", progress)
    results = _write_all(root, folder, plan, chosen, jobs=jobs, progress=progress)
    series = tuple(result["series"] for result in results if result["series"] is not None)
    refused = (*plan.refused, *(row for result in results for row in result["refused"]))
    done = Conversion(target, series, tuple(sorted(refused, key=lambda row: (row["path"], row["reason"]))))
    if not series:
        if not (folder / RECORD_FILE).is_file():
            release_folder(folder)
        raise _nothing(root, done.refused)
    earlier = _named_files(folder)
    write_json(folder / RECORD_FILE, {"created_by": f"oncohort {version('oncohort')}", **work, **done.to_dict()})
    for name in earlier - {str(row[name]) for row in series for name in _FILES}:
        (folder / name).unlink(missing_ok=True)
    return done


@dataclass(frozen=True)
class _Write:
    root: Path
    folder: Path
    table: str

    def __call__(self, planned: PlannedSeries) -> dict[str, Any]:
        volume = planned.series.volume()
        try:
            _ = volume.array
        except FormatError as error:
            paths = dict.fromkeys(one.path for one in planned.series.slices)
            rows = [refused_row(self.root, path, "changed or unreadable", error.found) for path in paths]
            return {"series": None, "refused": rows}
        names = {
            "path": f"{planned.stem}.nii.gz",
            "sidecar": f"{planned.stem}.json",
            "slices": f"{planned.stem}_slices.{self.table}",
        }
        write_slices(self.folder / names["slices"], planned.rows)
        written = write_nifti(self.folder / names["path"], volume)
        fields = {**planned.fields}
        fields["Oncohort"] = {**fields["Oncohort"], "files": names, "sha256": written["sha256"]}
        write_json(self.folder / names["sidecar"], fields)
        row = {
            **names,
            "folder": planned.folder,
            "modality": planned.series.modality,
            "unit": str(volume.unit),
            "series_uid": planned.series.uid,
            **grid_facts(volume.geometry),
            **written,
            "warnings": list(planned.series.warnings),
        }
        return {"series": row, "refused": []}

    def stands(self, result: Mapping[str, Any]) -> bool:
        """Whether the files that were written for a remembered result are still there."""
        row = result["series"]
        if row is None:
            return False
        others = all((self.folder / row[name]).is_file() for name in ("sidecar", "slices"))
        image = self.folder / row["path"]
        return others and image.is_file() and image.stat().st_size == row["bytes"]


def _write_all(
    root: Path,
    folder: Path,
    plan: ConversionPlan,
    settings: ConversionSettings,
    *,
    jobs: int,
    progress: ProgressCallback | None,
) -> list[dict[str, Any]]:
    write = _Write(root, folder, settings.table)
    keys = [content_key("convert", _VERSION, settings.to_dict(), *one.key_parts()) for one in plan.series]
    with ResultJournal(folder / ".oncohort" / "results.jsonl") as store:
        results = map_items(
            write,
            plan.series,
            keys=keys,
            store=store,
            is_valid=write.stands,
            jobs=jobs,
            progress=progress,
            label="convert",
        )
        store.prune(set(keys))
    return results


def _named_files(folder: Path) -> set[str]:
    """Files that an earlier run wrote into the folder, by the record that it left."""
    try:
        rows = read_json(folder / RECORD_FILE)["series"]
        names = {str(row[name]) for row in rows for name in _FILES}
    except (FormatError, LookupError, TypeError):
        return set()
    return {name for name in names if Path(name).name == name}


def _require_folders(root: Path, out: Path) -> None:
    if not root.is_dir():
        found = "a file" if root.is_file() else "nothing there"
        raise InputError(expected="a folder", found=found, where=str(root), remedy="check the path; unpack archives")
    if Path(os.path.realpath(out)).is_relative_to(os.path.realpath(root)):
        raise InputError(
            expected="an output folder outside the input",
            found=str(out),
            where=str(root),
            remedy="choose another --out, so that no run reads its own results",
        )


def _nothing(root: Path, refused: Sequence[Mapping[str, str]]) -> InputError:
    counts: dict[str, int] = {}
    for row in refused:
        counts[row["reason"]] = counts.get(row["reason"], 0) + 1
    listed = ", ".join(f"{reason}: {count}" for reason, count in sorted(counts.items()))
    first = min(refused, key=lambda row: not costs_a_case(row), default=None)
    detail = f"; the first is {first['path']}: {first['detail']}" if first else ""
    return InputError(
        expected="at least one CT or PET series that forms a volume",
        found=f"{len(refused)} refused ({listed}){detail}" if refused else "an empty folder",
        where=str(root),
        remedy="check the path; nothing was written",
    )
