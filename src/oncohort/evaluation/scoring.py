"""One prediction against one reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from oncohort.errors import InputError, MissingNeedError, PredictionError, SettingsError
from oncohort.evaluation.comparing import compare
from oncohort.evaluation.findings import Finding
from oncohort.evaluation.fitting import fit_prediction
from oncohort.evaluation.lesion_lists import list_lesions
from oncohort.evaluation.measuring import MISSING, NO_IMAGE, UNREADABLE, measure
from oncohort.evaluation.planning import refuse_boxes, refuse_steps
from oncohort.evaluation.structures import (
    Structures,
    describe_labels,
    find_structures,
    find_unannotated,
    find_unknown,
    require_known,
)
from oncohort.formats.predictions import ANY_LABELS, read_prediction
from oncohort.formats.reading import VOLUME_SUFFIXES
from oncohort.labels import LabelScheme
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
        structures: Labels by structure; empty if all labels together are one, or for every label that occurs.
        known: Labels with a name; empty if none has one.
        image: Gives the image for uptake; None if there is none.
        is_resampling: Resample a prediction whose grid differs.
        facts: What the cohort knows of the case, of the columns that the profile asks for.
        step: Which state of an interaction; None for profiles without steps.
    """

    model: str
    case: str
    patient: str
    reference: Callable[[], Volume | LabelMap]
    prediction: Path | None
    profile: Profile
    structures: Structures = field(default_factory=dict)
    known: frozenset[int] = frozenset()
    image: Callable[[], Volume | LabelMap] | None = None
    is_resampling: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    step: int | None = None


def score_task(task: ScoreTask) -> dict[str, Any]:
    """The measured numbers of one task as JSON values.

    A prediction that cannot be used is scored as a missing one, unless the
    profile allows none to be missing; `findings` say why.

    Returns:
        `scores`, `lesions`, `findings` (rows), `resampled`, `unreadable` (bool), `input` (bytes and
        SHA-256 of the prediction, or None).

    Raises:
        PredictionError: The prediction cannot be used, and the profile does not let it be missing.
        FormatError: The reference cannot be read.
        MissingNeedError: The reference is no mask.
    """
    opened = open_task(task)
    scored = _score(task, opened.reference, opened.prediction, opened.absent)
    findings = [asdict(each) for each in (*opened.findings, *scored["findings"])]
    return {**scored, **opened.facts, "findings": findings}


def score_course(tasks: Sequence[ScoreTask]) -> list[dict[str, Any]]:
    """The results of `score_task` for the states of one case, whose reference is read once.

    Args:
        tasks: Of one model and case, by step; a single one without steps.

    Raises:
        PredictionError: As `score_task`.
        FormatError: The reference cannot be read.
        MissingNeedError: The reference is no mask.
    """
    reference = _reference_of(tasks[0])
    return [score_task(replace(task, reference=lambda: reference)) for task in tasks]


@dataclass(frozen=True, eq=False)
class OpenTask:
    """A task with its masks read.

    Args:
        reference: The reference.
        prediction: The prediction on the grid of the reference; None if there is none to use.
        absent: Why there is none; None if there is one.
        findings: What is wrong or odd with the prediction.
        facts: `resampled`, `unreadable` (bool), `input` (bytes and SHA-256 of the prediction, or None).
    """

    reference: LabelMap
    prediction: LabelMap | None
    absent: str | None
    findings: tuple[Finding, ...]
    facts: Mapping[str, Any]


def open_task(task: ScoreTask) -> OpenTask:
    """Reference and prediction of a task with their voxels, or why the prediction cannot be used.

    Raises:
        PredictionError: The prediction cannot be used, and the profile does not let it be missing.
        FormatError: The reference cannot be read.
        MissingNeedError: The reference is no mask.
    """
    reference = _reference_of(task)
    prediction, findings = _usable_prediction(task, reference)
    absent = None if prediction is not None else MISSING if task.prediction is None else UNREADABLE
    facts = {
        "resampled": any(each.rule == "prediction_resampled" for each in findings),
        "unreadable": absent == UNREADABLE,
        "input": _fingerprint(task.prediction),
    }
    return OpenTask(reference, prediction, absent, tuple(findings), facts)


def as_scores(task: ScoreTask, result: Mapping[str, Any]) -> list[Score]:
    """The rows that the result of `score_task` stands for."""
    return [
        Score(
            model=task.model,
            case=task.case,
            patient=task.patient,
            structure=measured["structure"],
            metric=measured["metric"],
            value=measured["value"],
            unit=task.profile.rule(measured["metric"]).unit,
            profile=task.profile.name,
            profile_version=task.profile.version,
            undefined=measured["undefined"],
        )
        for measured in result["scores"]
    ]


def score_files(
    reference: str | Path,
    prediction: str | Path,
    *,
    profile: str | Path | Profile,
    resample_predictions: bool = False,
    scheme: LabelScheme | None = None,
) -> list[Score]:
    """Scores of one prediction file against one reference file, by structure in the order of the profile.

    Case and patient are called by the reference's file name, the model
    "prediction". Uptake is not measured, because there is no image.

    Args:
        reference: NIfTI or MetaImage label map.
        prediction: The same on the same grid.
        profile: Name, file, or profile.
        resample_predictions: Take the nearest voxel where the grids differ.
        scheme: Names of the labels, for profiles that score several structures; without it a structure
            is called by its integer.

    Raises:
        PredictionError: The grids differ.
        FormatError: A file cannot be read.
        LabelError: A label is not in the scheme.
        SettingsError: There is no such profile, or it is wrong, or it names structures without a scheme, or
            without a scheme neither file holds a label.

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
    refuse_steps(protocol, where="score_files")
    refuse_boxes(protocol, where="score_files")
    path = Path(reference)
    labels = read_prediction(path, scheme or ANY_LABELS)
    found = read_prediction(prediction, scheme or ANY_LABELS)
    fitted, _ = fit_prediction(found, labels.geometry, path=Path(prediction), is_resampling=resample_predictions)
    if scheme is not None:
        require_known(labels, path)
        require_known(fitted, prediction)
    is_named = scheme is not None or protocol.target.structures != "each"
    structures = find_structures(protocol, scheme or ANY_LABELS) if is_named else {}
    case = _stem(path)
    task = ScoreTask("prediction", case, case, lambda: labels, Path(prediction), protocol, structures)
    scores = as_scores(task, _score(task, labels, fitted, None))
    if not scores:
        raise _no_label(path)
    return scores


def _score(task: ScoreTask, reference: LabelMap, prediction: LabelMap | None, absent: str | None) -> dict[str, Any]:
    image, findings = image_of(task, reference)
    pairs = compare(reference, prediction, task.profile, structures=task.structures, image=image)
    no_image = NO_IMAGE if image is None else None
    unseen = find_unannotated(reference, task.structures)
    measured = measure(pairs, task.profile, absent=absent, no_image=no_image, facts=task.facts, unannotated=unseen)
    has_table = task.profile.has_lesion_table
    pairs = {structure: pair for structure, pair in pairs.items() if structure not in unseen}
    return {
        "scores": [asdict(each) for each in measured],
        "lesions": list_lesions(pairs, task.profile) if has_table else [],
        "findings": [*_unknown_in(task, reference, "reference_label_unknown"), *findings],
    }


def _reference_of(task: ScoreTask) -> LabelMap:
    """The reference with its voxels read, so that a damaged one is not blamed on the prediction."""
    reference = task.reference()
    if not isinstance(reference, LabelMap):
        raise MissingNeedError(
            expected=f"role {task.profile.target.role!r} as a mask",
            found=f"an image in {reference.unit}",
            where=f"case {task.case}",
            remedy="correct the unit of the role in volumes",
        )
    _read(reference)
    return reference


def _usable_prediction(task: ScoreTask, reference: LabelMap) -> tuple[LabelMap | None, list[Finding]]:
    """The prediction on the reference grid, or None and the reason why a file cannot be used."""
    path = task.prediction
    if path is None:
        return None, []
    try:
        fitted, is_resampled = fit_prediction(
            read_prediction(path, reference.scheme), reference.geometry, path=path, is_resampling=task.is_resampling
        )
        _read(fitted)
    except InputError as error:
        if task.profile.missing == "error":
            raise
        rule = "prediction_grid" if isinstance(error, PredictionError) else "prediction_unreadable"
        return None, [Finding.of_error(rule, error)]
    resampled = Finding("prediction_resampled", "info", "nearest voxels", "predict on the grid of the reference")
    return fitted, [*([resampled] if is_resampled else []), *_unknown_in(task, fitted, "label_unknown")]


def _read(labels: LabelMap) -> None:
    for layer in labels.layers:
        layer.array  # noqa: B018 - voxels are read when they are first asked for


def _unknown_in(task: ScoreTask, labels: LabelMap, rule: str) -> list[Finding]:
    unknown = find_unknown(labels, task.known)
    if not unknown:
        return []
    words = describe_labels(unknown)
    if task.structures:
        return [Finding(rule, "error", f"{words}, counted as background", "name the labels, or correct the mask")]
    remedy = "name the labels, or correct the mask if they are no part of it"
    return [Finding(rule, "warning", f"{words}, counted as {task.profile.target.structure}", remedy)]


def image_of(task: ScoreTask, reference: LabelMap) -> tuple[Volume | None, list[Finding]]:
    """The image that uptake is measured in; None and a finding if it is needed and cannot be used."""
    if not task.profile.needs_image:
        return None, []
    role = task.profile.target.image
    remedy = "add the image on the grid of the reference"
    if task.image is None:
        return None, [Finding("image_unusable", "warning", f"no {role}", remedy)]
    try:
        image = task.image()
        if isinstance(image, Volume):
            image.array  # noqa: B018 - voxels are read when they are first asked for
    except InputError as error:
        return None, [Finding.of_error("image_unusable", error)]
    if not isinstance(image, Volume):
        return None, [Finding("image_unusable", "warning", f"{role} is a label map", remedy)]
    if not reference.geometry.is_same_grid(image.geometry):
        return None, [Finding("image_unusable", "warning", f"{role} lies on another grid", remedy)]
    return image, []


def _fingerprint(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        return {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
    except OSError:  # a file that nobody may read has been reported as such
        return {"bytes": None, "sha256": None}


def _no_label(path: Path) -> SettingsError:
    return SettingsError(
        expected="a label above 0 in the reference or the prediction, because the profile scores each of them",
        found="none",
        where=str(path),
        remedy="give the label scheme (scheme=), which says what could be there",
    )


def _stem(path: Path) -> str:
    suffix = next((suffix for suffix in VOLUME_SUFFIXES if path.name.endswith(suffix)), path.suffix)
    return decode_stem(path.name.removesuffix(suffix))
