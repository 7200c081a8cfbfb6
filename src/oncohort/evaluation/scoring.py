"""One prediction against one reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from oncohort.errors import MissingNeedError
from oncohort.evaluation.measuring import fit_prediction, measure
from oncohort.formats.predictions import read_prediction
from oncohort.formats.reading import VOLUME_SUFFIXES
from oncohort.labels import LabelScheme
from oncohort.metrics import METRICS
from oncohort.profiles import Profile, load_profile
from oncohort.results import Score
from oncohort.storage import decode_stem, sha256_file
from oncohort.volume import LabelMap, Volume


@dataclass(frozen=True)
class ScoreTask:
    """One prediction to score: all that a worker needs.

    Args:
        model: Which model predicted.
        case: Which case.
        patient: Whose case.
        reference: Gives the reference; picklable when workers are other processes.
        prediction: The file, or None if it is missing.
        profile: The protocol.
        is_resampling: Resample a prediction whose grid differs.
    """

    model: str
    case: str
    patient: str
    reference: Callable[[], Volume | LabelMap]
    prediction: Path | None
    profile: Profile
    is_resampling: bool


def score_task(task: ScoreTask) -> dict[str, Any]:
    """The measured numbers of one task as JSON values: `scores`, `resampled`, `input`.

    Raises:
        PredictionError: The prediction lies on another grid.
        FormatError: A file cannot be read.
        MissingNeedError: The reference is no mask.
    """
    reference = _mask_of(task)
    if task.prediction is None:
        measured = measure(reference, None, task.profile)
        return {"scores": [asdict(each) for each in measured], "resampled": False, "input": None}
    fitted, is_resampled = fit_prediction(
        read_prediction(task.prediction), reference.geometry, path=task.prediction, is_resampling=task.is_resampling
    )
    measured = measure(reference, fitted, task.profile)
    return {
        "scores": [asdict(each) for each in measured],
        "resampled": is_resampled,
        "input": {"bytes": task.prediction.stat().st_size, "sha256": sha256_file(task.prediction)},
    }


def as_scores(task: ScoreTask, result: Mapping[str, Any]) -> list[Score]:
    """The rows that the result of `score_task` stands for."""
    return [
        Score(
            model=task.model,
            case=task.case,
            patient=task.patient,
            structure=task.profile.target.structure,
            metric=measured["metric"],
            value=measured["value"],
            unit=METRICS[measured["metric"]].unit,
            profile=task.profile.name,
            profile_version=task.profile.version,
            undefined=measured["undefined"],
        )
        for measured in result["scores"]
    ]


def score_files(
    reference: str | Path, prediction: str | Path, *, profile: str | Path | Profile, resample_predictions: bool = False
) -> list[Score]:
    """Scores of one prediction file against one reference file, in the order of the profile.

    Case and patient are called by the reference's file name, the model "prediction".

    Args:
        reference: NIfTI or MetaImage mask; everything above 0 is reference.
        prediction: The same on the same grid.
        profile: Name, file, or profile.
        resample_predictions: Take the nearest voxel where the grids differ.

    Raises:
        PredictionError: The grids differ.
        FormatError: A file cannot be read.
        SettingsError: There is no such profile, or it is wrong.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from oncohort import Geometry, Unit, write_volume
        >>> mask = np.ones((4, 4, 4), np.uint8)
        >>> with TemporaryDirectory() as folder:
        ...     path = f"{folder}/A.nii.gz"
        ...     _ = write_volume(path, Volume.from_array(mask, Geometry(mask.shape, np.eye(4)), Unit.LABEL))
        ...     dice = score_files(path, path, profile="autopet-iii")[0]
        >>> dice.case, dice.metric, dice.value
        ('A', 'dice', 1.0)
    """
    protocol = profile if isinstance(profile, Profile) else load_profile(profile)
    path = Path(reference)
    case = _stem(path)
    task = ScoreTask("prediction", case, case, _MaskFile(path), Path(prediction), protocol, resample_predictions)
    return as_scores(task, score_task(task))


@dataclass(frozen=True)
class _MaskFile:
    path: Path

    def __call__(self) -> LabelMap:
        volume = read_prediction(self.path)
        return LabelMap(volume.geometry, (volume,), LabelScheme("foreground", {}))


def _mask_of(task: ScoreTask) -> LabelMap:
    reference = task.reference()
    if isinstance(reference, LabelMap):
        return reference
    raise MissingNeedError(
        expected=f"role {task.profile.target.role!r} as a mask",
        found=f"an image in {reference.unit}",
        where=f"case {task.case}",
        remedy="correct the unit of the role in volumes",
    )


def _stem(path: Path) -> str:
    suffix = next((suffix for suffix in VOLUME_SUFFIXES if path.name.endswith(suffix)), path.suffix)
    return decode_stem(path.name.removesuffix(suffix))
