"""A segmenter over a cohort gives a folder of predictions."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from oncohort.cohort import Case, Cohort
from oncohort.compute import Measured, Measurement, ProgressCallback, ResultStore, map_items
from oncohort.errors import InputError, MissingNeedError, PredictionError, WorkerError
from oncohort.formats import fingerprint_case
from oncohort.formats.predictions import list_written, write_prediction, write_probability
from oncohort.formats.segmentation_record import forget_run, write_segmentation_record
from oncohort.segmenters import Prediction, Segmenter
from oncohort.storage import claim_folder, content_key, file_stamp, require_apart
from oncohort.volume import LabelMap, Volume

_VERSION = 4  # of what segmenters write; part of every key
_PASSING = (PredictionError, WorkerError, MemoryError)  # failures that are tried again


@dataclass(frozen=True)
class SegmentedCase:
    """What became of one case.

    Attributes:
        case: Its id.
        prediction: Name of the file with the mask; None if there is none.
        probability: Name of the file with the probability; None if there is none.
        failed: Why there is no prediction; None if there is one.
        notes: Doubts that the segmenter had.
        measured: Time and memory: of the program that made the mask, else of this process.
        facts: What else the segmenter says of the case.
    """

    case: str
    prediction: str | None
    probability: str | None
    failed: str | None
    notes: tuple[str, ...]
    measured: Measured
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Segmented:
    """Where predictions lie, and the cases that have none with the reason.

    Attributes:
        folder: of the predictions.
        failed: reason by case without prediction.
        notes: doubts about a case that the segmenter had, by case.
        cases: what became of every case, in the order of the cohort.
    """

    folder: Path
    failed: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cases: tuple[SegmentedCase, ...] = ()


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

    The segmenter is checked first. A case that lacks what it needs, whose files cannot be read, on which it fails, or
    whose mask lies on another grid gets no prediction and is listed in `failed`; scoring counts it as missing. Finished
    cases are not done again; predictions of cases that are gone are removed. `cases.parquet` says of every case what it
    took; `run.json` comes last.

    Args:
        cohort: Where the cases come from.
        with_: What makes the masks.
        out: A new folder, or one with the same work.
        work: What marks the folder as this work; None means the segmenter and the cohort.
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called after every case.

    Raises:
        SettingsError: A parameter of the segmenter is wrong for this cohort.
        MissingNeedError: No case got a prediction, or something that the segmenter calls is not there.
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
    require_apart(out, [*cohort.inputs, *with_.inputs])
    prepared = with_.prepared(cohort)
    own = {"verb": "segment", "segmenter": repr(with_), "cohort": cohort.identity}
    keys = [_key(cohort, case, prepared) for case in cohort.case_ids]
    try:
        folder = claim_folder(out, own if work is None else work, overwrite=overwrite)
        task = _Segment(prepared, folder.absolute())
        store = ResultStore(folder / ".oncohort" / "results")
        if jobs > 1:
            prepared.close()  # every process holds its own
        _forget_what_changes(folder, task, [store.get(key) for key in keys])
        results = map_items(
            task,
            list(cohort),
            keys=keys,
            store=store,
            is_valid=task.stands,
            jobs=jobs,
            progress=progress,
            label="segment",
        )
    finally:
        prepared.close()
    store.prune(set(keys))
    _remove_others(folder, {name for result in results for name in result["files"]})
    done = _told(folder, cohort.case_ids, results)
    _record(cohort, prepared, done, next((result["labels"] for result in results if result["labels"]), {}))
    if len(done.failed) == len(cohort):
        raise _none_segmented(prepared, done.failed)
    return done


@dataclass(frozen=True)
class _Segment:
    segmenter: Segmenter
    folder: Path

    def __call__(self, case: Case) -> dict[str, Any]:
        watch = Measurement()
        try:
            with watch:
                prediction = self.segmenter.predict(case)
                _check(case, prediction, self.segmenter)
        except (InputError, MemoryError) as error:
            failed = str(error) or "out of memory"
            return _result(watch.measured, failed=failed, again=isinstance(error, _PASSING))
        paths = {"prediction": write_prediction(self.folder, case.id, prediction.mask)}
        if prediction.probability is not None:
            paths["probability"] = write_probability(self.folder, case.id, prediction.probability)
        return _result(
            prediction.measured or watch.measured,
            notes=list(prediction.notes),
            facts=dict(prediction.facts),
            labels=_labels(prediction.mask),
            files={path.name: file_stamp(path) for path in paths.values()},
            **{kind: path.name for kind, path in paths.items()},
        )

    def stands(self, result: Mapping[str, Any]) -> bool:
        """Whether the files of a remembered result are still there, unchanged."""
        if result["failed"]:
            return not result["again"]
        paths = {name: self.folder / name for name in result["files"]}
        return all(path.is_file() and file_stamp(path) == result["files"][name] for name, path in paths.items())


def _result(measured: Measured, **said: Any) -> dict[str, Any]:
    """JSON values that are remembered of a case."""
    empty = {"failed": None, "again": False, "prediction": None, "probability": None}
    return {**empty, "notes": [], "facts": {}, "labels": {}, "files": {}, **asdict(measured), **said}


def _labels(mask: LabelMap) -> dict[str, int]:
    """The labels that a mask can hold: of its scheme, those that were looked for."""
    known = mask.scheme.labels
    return {name: value for name, value in known.items() if mask.annotated is None or name in mask.annotated}


def _check(case: Case, prediction: Prediction, segmenter: Segmenter) -> None:
    """Raise unless what is said of a case lies on its grid and can be read."""
    role = segmenter.needs[0]
    reference = case[role].geometry
    where = f"case {case.id}"
    reference.require_same_grid(prediction.mask.geometry, what=f"the mask of {segmenter.name}", where=where)
    for layer in prediction.mask.layers:
        _ = layer.array
    if prediction.probability is not None:
        what = f"the probability of {segmenter.name}"
        reference.require_same_grid(prediction.probability.geometry, what=what, where=where)
        _require_share(prediction.probability, what, where)


def _require_share(volume: Volume, what: str, where: str) -> None:
    low, high = (float(find(volume.array)) for find in (np.min, np.max))
    if not 0.0 <= low <= high <= 1.0:
        raise PredictionError(
            expected=f"{what} from 0 to 1",
            found=f"{low:g} to {high:g}",
            where=where,
            remedy="run the model by hand on this case",
        )


def _key(cohort: Cohort, case: str, segmenter: Segmenter) -> str:
    needed = fingerprint_case(cohort, case, segmenter.needs)
    return content_key("segment", _VERSION, case, repr(segmenter), needed)


def _forget_what_changes(folder: Path, task: _Segment, known: Iterable[Mapping[str, Any] | None]) -> None:
    """Remove the record of an earlier run unless every case of it stands."""
    if not all(result is not None and task.stands(result) for result in known):
        forget_run(folder)


def _remove_others(folder: Path, wanted: Collection[str]) -> None:
    for path in list_written(folder):
        if path.name not in wanted:
            path.unlink()


def _told(folder: Path, cases: Sequence[str], results: Sequence[Mapping[str, Any]]) -> Segmented:
    told = tuple(
        SegmentedCase(
            case=case,
            prediction=result["prediction"],
            probability=result["probability"],
            failed=result["failed"],
            notes=tuple(result["notes"]),
            measured=Measured(result["seconds"], result["peak_memory_mib"], result["device_memory_mib"]),
            facts=result["facts"],
        )
        for case, result in zip(cases, results, strict=True)
    )
    failed = {one.case: one.failed for one in told if one.failed}
    return Segmented(folder, failed, {one.case: one.notes for one in told if one.notes}, told)


def _record(cohort: Cohort, segmenter: Segmenter, done: Segmented, labels: Mapping[str, int]) -> None:
    rows = [
        {
            **{name: value for name, value in asdict(one).items() if name != "measured"},
            **asdict(one.measured),
            "patient": cohort[one.case].patient,
            "notes": list(one.notes),
            "facts": json.dumps(dict(one.facts)),
        }
        for one in done.cases
    ]
    run = {
        "segmenter": segmenter.name,
        "words": repr(segmenter),
        "needs": list(segmenter.needs),
        "labels": dict(labels),
        "cohort": cohort.name,
        "cases": len(done.cases),
        "failed": len(done.failed),
        "notes": dict(Counter(note for one in done.cases for note in one.notes)),
        "versions": {**segmenter.versions, "python": platform.python_version(), "oncohort": version("oncohort")},
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_segmentation_record(done.folder, rows, run)


def _none_segmented(segmenter: Segmenter, failed: Mapping[str, str]) -> MissingNeedError:
    case, reason = next(iter(failed.items()), ("none", "the cohort has no case"))
    return MissingNeedError(
        expected=f"at least one case with {', '.join(segmenter.needs)} for segmenter {segmenter.name!r}",
        found=f"{len(failed)} cases without a mask; the first says: {reason}",
        where=f"case {case}",
        remedy="see the reasons in cases.parquet, and refused.parquet of the cohort if a role is missing",
    )
