"""What a report shows, as rows and plain values: no page and no file is known here."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from oncohort.metrics.metric import Direction, Metric

Row = Mapping[str, Any]
Better = Literal["higher", "lower", "zero", ""]
ReferenceState = Literal["drawn", "empty", "absent"]

_DIGITS = {"1": 3, "ml": 1, "mm": 1, "count": 0}
METRIC_LABELS = {
    "dice": "Dice",
    "fpv_ml": "False positive volume",
    "fnv_ml": "False negative volume",
    "volume_difference_ml": "Volume difference",
    "volume_difference_percent": "Volume difference",
    "assd_mm": "ASSD",
    "assd_directed_mm": "ASSD, directed means",
    "assd_elements_mm": "ASSD, surface elements",
    "assd_elements_directed_mm": "ASSD, surface elements, directed means",
    "hausdorff_mm": "Hausdorff distance",
    "hd95_mm": "HD95",
    "hd95_directed_mm": "HD95, directed",
    "nsd": "NSD",
    "lesion_tp": "Lesions found",
    "lesion_fp": "False lesions",
    "lesion_fn": "Missed lesions",
    "lesion_f1": "Lesion F1",
    "jaccard": "Jaccard",
    "sensitivity": "Sensitivity of voxels",
    "precision": "Precision of voxels",
    "reference_volume_ml": "Volume of the reference",
    "prediction_volume_ml": "Volume of the prediction",
    "lesion_recall": "Lesion recall",
    "lesion_precision": "Lesion precision",
    "reference_lesions": "Lesions of the reference",
    "prediction_lesions": "Lesions of the prediction",
    "panoptic_quality": "Panoptic quality",
    "recognition_quality": "Recognition quality",
    "segmentation_quality": "Segmentation quality",
    "fnv_components_ml": "False negative volume, components",
    "dice_of_numbers": "Dice of lesion numbers",
    "lesion_fn_of_numbers": "Missed lesion numbers",
    "lesion_f1_of_numbers": "Lesion F1 of lesion numbers",
    "instance_dice": "Dice by lesion",
    "instance_fp_ml": "False positive volume by lesion",
    "instance_fn_ml": "False negative volume by lesion",
    "volume_ratio": "Volume ratio",
    "volume_ratio_error": "Volume ratio, distance from 1",
    "suvmean_ratio": "SUVmean ratio",
    "suvmean_ratio_error": "SUVmean ratio, distance from 1",
    "contour_dice": "Contour Dice",
    "suvmax_error": "SUVmax error",
    "suvmean_error": "SUVmean error",
    "suvpeak_error": "SUVpeak error",
    "mtv_difference_ml": "MTV difference",
    "tlg_difference": "TLG difference",
}
"""Headings of the metrics; every one of the registry has one."""


def better_of(direction: Direction) -> Better:
    """Which way is better, as a column says it.

    Examples:
        >>> better_of(Direction.LOWER), better_of(Direction.NONE)
        ('lower', '')
    """
    words: dict[Direction, Better] = {
        Direction.HIGHER: "higher",
        Direction.LOWER: "lower",
        Direction.ZERO: "zero",
        Direction.NONE: "",
    }
    return words[direction]


@dataclass(frozen=True)
class Column:
    """One number per case: how it is called, counted and read.

    Args:
        name: Key of the rows, such as "fpv_ml".
        label: Words of the heading.
        unit: "1" for a share (not printed), "count" for a whole number (not printed), else printed.
        better: Which way is better: "higher", "lower", nearer to "zero", or "" for a plain fact.
        description: One sentence of explanation.

    Examples:
        >>> Column("lesion_ml", "Lesion volume", "ml").digits
        1
    """

    name: str
    label: str
    unit: str = "1"
    better: Better = ""
    description: str = ""

    @property
    def digits(self) -> int:
        """Decimals to print."""
        return _DIGITS.get(self.unit, 2)

    @property
    def printed_unit(self) -> str:
        """The unit as the heading shows it; empty where a number needs none."""
        return "" if self.unit in ("1", "count") else self.unit

    @staticmethod
    def of_metric(metric: Metric) -> Column:
        """The column of a metric of the registry, with a heading in words.

        Examples:
            >>> from oncohort.metrics.registry import METRICS
            >>> Column.of_metric(METRICS["fpv_ml"]).label
            'False positive volume'
        """
        return Column(
            metric.name, METRIC_LABELS[metric.name], metric.unit, better_of(metric.direction), metric.description
        )


@dataclass(frozen=True)
class CohortFacts:
    """What went in.

    Args:
        roles: Number of cases per role (ct, pet, lesions ...).
        labels: Names of the structures in the masks (region of interest names, say).
        licences: Number of cases per licence.
        files_used: Files that became volumes, if known.
    """

    name: str
    source: str
    cases: int
    patients: int
    source_version: str = ""
    roles: Mapping[str, int] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    licences: Mapping[str, int] = field(default_factory=dict)
    files_used: int | None = None


@dataclass(frozen=True)
class ModelFacts:
    """A model as the leaderboard names it.

    Args:
        name: Of the model.
        description: Its settings in words.
        caution: Why its scores may be too good.
    """

    name: str
    description: str = ""
    caution: str = ""


@dataclass(frozen=True)
class CasePicture:
    """A drawn case and what its caption says.

    Args:
        png: The picture.
        models: Name, colour and note ("Dice 0.812") of each model drawn, in order of the panels.
        window_suv: SUV shown white and SUV shown black.
        reference: Whether the reference's outline is "drawn", or it is "empty" or "absent".
        is_sheet: Whether it is a sheet of CT planes, which names its contours itself, and no projection of the PET.
    """

    case: str
    png: bytes
    models: tuple[tuple[str, str, str], ...] = ()
    window_suv: tuple[float, float] = (0.0, 10.0)
    reference: ReferenceState = "drawn"
    is_sheet: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The picture as JSON values; `from_dict` reads it back.

        Examples:
            >>> picture = CasePicture("a", b"png", (("suv-4", "#0072b2", "Dice 0.8"),))
            >>> CasePicture.from_dict(picture.to_dict()) == picture
            True
        """
        return {
            "case": self.case,
            "png": base64.b64encode(self.png).decode("ascii"),
            "models": [list(model) for model in self.models],
            "window_suv": list(self.window_suv),
            "reference": self.reference,
            "is_sheet": self.is_sheet,
        }

    @staticmethod
    def from_dict(values: Row) -> CasePicture:
        """The picture that `to_dict` wrote."""
        low, high = values["window_suv"]
        return CasePicture(
            case=values["case"],
            png=base64.b64decode(values["png"]),
            models=tuple((name, colour, note) for name, colour, note in values["models"]),
            window_suv=(low, high),
            reference=values["reference"],
            is_sheet=values["is_sheet"],
        )


@dataclass(frozen=True)
class Drawing:
    """A figure of the leaderboard with what must be said beside it.

    Args:
        name: Stem of its file, such as "rank-stability".
        title: Heading.
        caption: What is seen, with units and numbers of cases.
        svg: The figure.
    """

    name: str
    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class FoldFacts:
    """One network of a training, in words.

    Args:
        fold: `0`, `1`, ... or `all`.
        trained: Number of cases that it was trained on.
        held_out: Number of cases that validated it.
        epochs: How many it was trained for.
        duration: Such as "2 h 5 min".
        peak_memory: Such as "1.2 GiB", or why it is not known.
    """

    fold: str
    trained: int
    held_out: int
    epochs: int
    duration: str
    peak_memory: str


@dataclass(frozen=True)
class TrainedModel:
    """How a model was trained.

    Args:
        name: Of the model, as the leaderboard has it.
        summary: One sentence.
        settings: Name and value of what was set, in words.
        hashes: What was hashed, and its SHA-256.
        folds: Its networks.
        drawings: A learning curve for each fold that was trained.
    """

    name: str
    summary: str
    settings: tuple[tuple[str, str], ...] = ()
    hashes: tuple[tuple[str, str], ...] = ()
    folds: tuple[FoldFacts, ...] = ()
    drawings: tuple[Drawing, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """How the numbers came about.

    Args:
        created_at: Time of the run, ISO 8601.
        versions: Version per program or library.
        settings: Any further setting (bootstrap draws, seed).
        inputs: Rows of name, sha256 and (if known) bytes.
        profile: Name and version of the profile.
        profile_text: The profile, word for word.
        study_text: The study file, word for word.
    """

    created_at: str
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Row, ...] = ()
    profile: str = ""
    profile_text: str = ""
    study_text: str = ""


@dataclass(frozen=True)
class ReportData:
    """Everything on the page.

    Args:
        models: In the order of the leaderboard; the order decides the colours.
        metrics: Columns of `scores`, the deciding one first.
        main_metrics: Names of the metrics that the overall standing shows; empty for all.
        leaderboard: Rows of the aggregates table; rows of metric "rank" are the overall ranking.
        scores: Rows of the scores table, one per model, case and metric.
        case_columns: Columns of `cases`.
        cases: One row per case: case, patient, the names of `case_columns`, and optionally
            `undefined`, a mapping of column name to the reason why it has no value.
        pictures: Worst cases first.
        refused: Rows of path, reason, detail.
        findings: Rows of rule, severity, case, path, evidence, remedy.
        notes: Sentences that a reader must know before the numbers.
        comparisons: Rows of models compared in pairs.
        drawings: Figures of the leaderboard; one named "rank-stability" stands beside the overall standing.
        trained: Models that were trained for this benchmark, in the order of the leaderboard.
        interval: What `low` and `high` of the aggregates span.
        picture_order: In words, how the pictures follow each other.
        synthetic: Whether the images were made by a computer; the page then says so.
    """

    title: str
    cohort: CohortFacts
    provenance: Provenance
    subtitle: str = ""
    synthetic: bool = False
    models: tuple[ModelFacts, ...] = ()
    metrics: tuple[Column, ...] = ()
    main_metrics: tuple[str, ...] = ()
    leaderboard: tuple[Row, ...] = ()
    scores: tuple[Row, ...] = ()
    case_columns: tuple[Column, ...] = ()
    cases: tuple[Row, ...] = ()
    pictures: tuple[CasePicture, ...] = ()
    refused: tuple[Row, ...] = ()
    findings: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    comparisons: tuple[Row, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    trained: tuple[TrainedModel, ...] = ()
    interval: str = "95 % interval"
    picture_order: str = "Lowest mean Dice first"

    @property
    def case_metrics(self) -> tuple[Column, ...]:
        """The metrics that single cases have; those of a whole cohort are left out."""
        known = {row["metric"] for row in self.scores}
        return tuple(column for column in self.metrics if column.name in known)
