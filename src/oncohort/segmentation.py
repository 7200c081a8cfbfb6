"""A segmenter over a cohort gives a folder of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oncohort.cohort import Case, Cohort
from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.errors import FormatError, GeometryError, LabelError, MissingNeedError, PredictionError
from oncohort.formats import fingerprint_case
from oncohort.formats.predictions import list_predictions, write_prediction
from oncohort.segmenters import Segmenter
from oncohort.storage import claim_folder, content_key, file_stamp

_VERSION = 2  # of what segmenters write; part of every key


@dataclass(frozen=True)
class Segmented:
    """Where predictions lie, and the cases that have none with the reason.

    Attributes:
        folder: of the predictions.
        failed: reason by case without prediction.
        notes: doubts about a case that the segmenter had, by case.
    """

    folder: Path
    failed: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def segment(  # noqa: PLR0913 - the keywords are the verb's flags
    cohort: Cohort,
    with_: Segmenter,
    *,
    out: str | Path,
    work: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> Segmented:
    """Predictions for the cases of a cohort, one file `<case>.nii.gz` each in the folder `out`.

    A case that lacks what the segmenter needs, whose files cannot be read, or on which it fails,
    gets no prediction and is listed in `failed`; scoring counts it as missing. Finished cases are not done
    again; predictions of cases that are gone are removed.

    Args:
        cohort: Where the cases come from.
        with_: What makes the masks.
        out: A new folder, or one with the same work.
        work: What marks the folder as this work; None means the segmenter and the cohort.
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called after every case.

    Raises:
        MissingNeedError: No case has what the segmenter needs in files that can be read.
        OutputError: `out` holds something else or cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort import ingest, make_segmenter, write_phantom_cohort
        >>> with TemporaryDirectory() as there:
        ...     phantoms = write_phantom_cohort(f"{there}/phantoms", cases=1, form="nnunet")
        ...     cohort = ingest("nnunet", phantoms.data, out=f"{there}/cohort")
        ...     done = segment(cohort, make_segmenter({"segmenter": "threshold", "suv": 4.0}), out=f"{there}/suv-4")
        ...     sorted(path.name for path in done.folder.glob("*.nii.gz")), dict(done.failed)
        (['SYNTHETIC-001.nii.gz'], {})
    """
    own = {"verb": "segment", "segmenter": repr(with_), "cohort": cohort.identity}
    folder = claim_folder(out, own if work is None else work, overwrite=overwrite)
    task = _Segment(with_, folder.absolute())
    keys = [_key(cohort, case, with_) for case in cohort.case_ids]
    store = ResultStore(folder / ".oncohort" / "results")
    results = map_items(
        task, list(cohort), keys=keys, store=store, is_valid=task.stands, jobs=jobs, progress=progress, label="segment"
    )
    store.prune(set(keys))
    failed = {
        case: str(result["failed"]) for case, result in zip(cohort.case_ids, results, strict=True) if result["failed"]
    }
    for case, path in list_predictions(folder).items():
        if case not in cohort or case in failed:
            path.unlink()
    if len(failed) == len(cohort):
        raise _none_segmented(with_, failed)
    notes = {
        case: tuple(found["notes"]) for case, found in zip(cohort.case_ids, results, strict=True) if found["notes"]
    }
    return Segmented(folder, failed, notes)


@dataclass(frozen=True)
class _Segment:
    segmenter: Segmenter
    folder: Path

    def __call__(self, case: Case) -> dict[str, Any]:
        try:
            mask = self.segmenter.segment(case)
        except (MissingNeedError, FormatError, GeometryError, LabelError, PredictionError) as error:
            return {"failed": str(error), "notes": []}
        path = write_prediction(self.folder, case.id, mask)
        notes = [note for layer in mask.layers for note in layer.record.get("warnings", ())]
        return {"failed": None, "notes": notes, "path": path.name, **file_stamp(path)}

    def stands(self, result: Mapping[str, Any]) -> bool:
        """Whether the file of a remembered result is still there, unchanged."""
        if result["failed"]:
            return True
        path = self.folder / str(result["path"])
        return path.is_file() and file_stamp(path) == {name: result[name] for name in ("bytes", "mtime_ns")}


def _key(cohort: Cohort, case: str, segmenter: Segmenter) -> str:
    needed = fingerprint_case(cohort, case, segmenter.needs)
    return content_key("segment", _VERSION, case, repr(segmenter), needed)


def _none_segmented(segmenter: Segmenter, failed: Mapping[str, str]) -> MissingNeedError:
    case, reason = next(iter(failed.items()), ("none", "the cohort has no case"))
    return MissingNeedError(
        expected=f"at least one case with {', '.join(segmenter.needs)} for segmenter {segmenter.name!r}",
        found=f"{len(failed)} cases without; the first says: {reason}",
        where=f"case {case}",
        remedy="see refused.parquet of the cohort for why the role is missing",
    )
