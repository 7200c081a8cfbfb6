"""The part of a profile that is about boxes: what an image is, what finds what, and the numbers of the whole cohort."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from oncohort.metrics.box_comparison import Measure
from oncohort.metrics.box_detection import iou_range
from oncohort.metrics.box_matching import MatchRule
from oncohort.metrics.box_precision import Interpolation
from oncohort.metrics.froc import CPM_RATES
from oncohort.profiles.parts import Part
from oncohort.storage import as_tuple

BOX_COUNTS = (
    "lesion_tp",
    "lesion_fp",
    "lesion_fn",
    "lesion_f1",
    "lesion_recall",
    "lesion_precision",
    "reference_lesions",
    "prediction_lesions",
)
"""Metrics of a case that boxes have; a lesion is a box of the reference or of the prediction."""

BOX_RATIOS = ("lesion_recall", "lesion_precision", "lesion_f1", "tumour_sensitivity")
"""Metrics of a cohort that are sums of these."""

BoxMetricName = Literal["box_ap", "box_map", "froc_cpm", "froc_sensitivity"]

_SWEEPS = ("froc_cpm", "froc_sensitivity")


class View(NamedTuple):
    """One way to match all predictions: what is close enough, and who may match whom."""

    hit: Measure
    threshold: float
    matching: MatchRule


class Linking(Part):
    """How boxes on slices become the lesions of a series, and those of several reconstructions one lesion.

    Attributes:
        minimum_iou: Least IoU of the boxes of two slices.
        maximum_steps: Largest distance of these slices, in steps of the series.
        merge_iou: Least IoU3D of two series' readings of one lesion; of images that are scans.
    """

    minimum_iou: float = Field(gt=0.0, le=1.0)
    maximum_steps: int = Field(ge=1)
    merge_iou: float | None = Field(default=None, gt=0.0, le=1.0)


class IouRange(Part):
    """Thresholds of IoU from first to last.

    Examples:
        >>> IouRange(first=0.1, last=0.2, step=0.05).thresholds
        (0.1, 0.15, 0.2)
    """

    first: float = Field(gt=0.0, le=1.0)
    last: float = Field(gt=0.0, le=1.0)
    step: float = Field(gt=0.0)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """All of them, rising."""
        return iou_range(self.first, self.last, step=self.step)

    @model_validator(mode="after")
    def _check(self) -> IouRange:
        steps = (self.last - self.first) / self.step
        if self.first > self.last or abs(steps - round(steps)) > 1e-6 or steps > 99:
            raise ValueError("first to last is a whole number of steps, at most 99")
        return self


class BoxProtocol(Part):
    """How predicted boxes are compared with those of the reference.

    Attributes:
        dimension: 2 for boxes on slices, 3 for boxes of lesions.
        image: Within what boxes are matched and false ones are counted: a `slice`, all slices of a `series`, or a
            `scan` with all of its reconstructions.
        pixel_rule: How the last index of the tables is meant: `half-open` (as cohorts and COCO have it) or
            `inclusive`, for tables that hold corners as they were written.
        hit: Close enough is by `iou`, or by the distance of the `centre`s as a share of the longest edge of the
            reference box.
        threshold: Least IoU, or the share that the distance stays below (0.5: inside the radius).
        matching: Whom a prediction finds: `voc`, `coco`, `luna`.
        interpolation: Of precision over recall: `11-point`, `all-point`, `101-point`.
        max_detections: Most predictions of an image and class, the surest; none for all.
        images_without_reference: `count`: what is predicted there is false; `skip`: they take no part.
        cases_without_boxes: `count`: cases without any reference box are free of lesions; `unscored`: they are not
            labelled.
        confusion_score: Predictions below have no place in the table of confusion; none for all.
        linking: Of dimension 3, how lesions are made of boxes on slices.
    """

    dimension: Literal[2, 3]
    image: Literal["slice", "series", "scan"]
    pixel_rule: Literal["inclusive", "half-open"]
    hit: Measure
    threshold: float = Field(gt=0.0)
    matching: MatchRule
    interpolation: Interpolation
    max_detections: int | None = Field(default=None, ge=1)
    images_without_reference: Literal["count", "skip"]
    cases_without_boxes: Literal["count", "unscored"]
    confusion_score: float | None = None
    linking: Linking | None = None

    @model_validator(mode="after")
    def _check(self) -> BoxProtocol:
        if (self.dimension == 2) != (self.image == "slice"):
            raise ValueError("an image of dimension 2 is a slice, one of dimension 3 a series or a scan")
        if (self.dimension == 3) != (self.linking is not None):
            raise ValueError("linking belongs to dimension 3, which needs it")
        if self.linking is not None and (self.linking.merge_iou is None) != (self.image == "series"):
            raise ValueError("linking.merge_iou belongs to images that are scans, which need it")
        if self.dimension == 3 and self.pixel_rule != "half-open":
            raise ValueError("boxes of dimension 3 are compared in mm: pixel_rule is half-open")
        _check_threshold(self.hit, self.threshold)
        return self


class BoxMetric(Part):
    """A number of the whole cohort that comes from boxes by falling score.

    What is not said is taken from the profile's `boxes`.

    Attributes:
        name: `box_ap`, average precision at one threshold; `box_map`, its mean over `iou_range`; `froc_cpm`, the mean
            sensitivity at several rates of false predictions per image; `froc_sensitivity`, that at one rate.
        label: What the leaderboard calls it; by default its name.
        weight: Share in the ranking; 0 reports it only.
        iou_range: Of `box_map`, which needs it.
        false_positives: Rates per image; of `froc_cpm` 1/8 to 8 by default, of `froc_sensitivity` the only one.
        hit: As in `boxes`.
        threshold: As in `boxes`; needed beside `hit`.
        matching: As in `boxes`.
        interpolation: As in `boxes`, of `box_ap` and `box_map`.

    Examples:
        >>> BoxMetric(name="froc_cpm").rates
        (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    """

    name: BoxMetricName
    label: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_.]*$")
    weight: float = Field(default=0.0, ge=0.0, le=1.0)
    iou_range: IouRange | None = None
    false_positives: Annotated[tuple[float, ...], BeforeValidator(as_tuple)] | None = Field(default=None, min_length=1)
    hit: Measure | None = None
    threshold: float | None = Field(default=None, gt=0.0)
    matching: MatchRule | None = None
    interpolation: Interpolation | None = None

    @property
    def column(self) -> str:
        """What the leaderboard calls it."""
        return self.label or self.name

    @property
    def is_sweep(self) -> bool:
        """Whether it is read from the FROC curve; else it is an average precision."""
        return self.name in _SWEEPS

    @property
    def rates(self) -> tuple[float, ...]:
        """False predictions per image at which the FROC curve is read."""
        return self.false_positives or CPM_RATES

    def views(self, boxes: BoxProtocol) -> tuple[View, ...]:
        """The matchings that it is computed from, by rising threshold.

        Args:
            boxes: Of the profile, for what is not said here.
        """
        matching = self.matching or boxes.matching
        if self.iou_range is not None:
            return tuple(View("iou", threshold, matching) for threshold in self.iou_range.thresholds)
        return (View(self.hit or boxes.hit, self.threshold or boxes.threshold, matching),)

    @model_validator(mode="after")
    def _check(self) -> BoxMetric:
        if (self.iou_range is None) != (self.name != "box_map"):
            raise ValueError("iou_range belongs to box_map, which needs it")
        if self.name == "box_map" and (self.hit, self.threshold) != (None, None):
            raise ValueError("box_map takes its thresholds from iou_range")
        if (self.hit is None) != (self.threshold is None) and self.hit is not None:
            raise ValueError("hit needs a threshold beside it")
        if self.hit is not None and self.threshold is not None:
            _check_threshold(self.hit, self.threshold)
        self._check_kind()
        return self

    def _check_kind(self) -> None:
        if self.is_sweep and self.interpolation is not None:
            raise ValueError(f"{self.name} takes no interpolation")
        if not self.is_sweep and self.false_positives is not None:
            raise ValueError(f"{self.name} takes no false_positives")
        if self.name == "froc_sensitivity" and len(self.false_positives or ()) != 1:
            raise ValueError("froc_sensitivity needs false_positives with one rate")
        if any(rate <= 0 for rate in self.false_positives or ()):
            raise ValueError("false_positives are above 0")


def _check_threshold(hit: str, threshold: float) -> None:
    if hit == "iou" and threshold > 1.0:
        raise ValueError("a threshold of IoU is at most 1")
