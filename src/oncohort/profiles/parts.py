"""The parts of a profile that are not metrics: what is scored, what a lesion is, subsets, ranking."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from oncohort.storage import as_tuple

Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]
"""A list of texts."""


class Part(BaseModel):
    """One table of a profile: every key is known, typed and unchangeable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class TruthColumn(Part):
    """A column that says which cases are positive.

    Attributes:
        column: Of `cases.parquet`: yes and no, true and false, positive and negative, or 1 and 0.
    """

    column: str = Field(min_length=1)


class Target(Part):
    """Which masks are scored and how the scores call them.

    Attributes:
        role: Role of the reference in the cohort.
        structure: Name in the `structure` column of the one mask that all labels together are.
        structures: Instead of `structure`: `each` label of the label scheme, or names of its labels and groups.
        group_means: Whether each group of the label scheme is reported too, by the mean over all pairs of a
            case and a label of the group.
        image: Role of the image that uptake is measured in; needed by uptake metrics only.
        truth: What says that a case is positive, for the numbers of a cohort that ask it: `mask` (the reference
            holds a voxel), or a column of the cases.

    Examples:
        >>> Target(role="organs", structures="each").is_union
        False
    """

    role: str = Field(min_length=1)
    structure: str | None = Field(default=None, min_length=1)
    structures: Literal["each"] | Names | None = None
    group_means: bool = False
    image: str | None = Field(default=None, min_length=1)
    truth: Literal["mask"] | TruthColumn = "mask"

    @property
    def truth_column(self) -> str | None:
        """The column that says which cases are positive; None where the mask does."""
        return None if self.truth == "mask" else self.truth.column

    @property
    def is_union(self) -> bool:
        """Whether all labels together are one mask."""
        return self.structure is not None

    @model_validator(mode="after")
    def _check(self) -> Target:
        if (self.structure is None) == (self.structures is None):
            raise ValueError("say either structure (all labels together) or structures")
        if isinstance(self.structures, tuple) and len(set(self.structures)) != len(self.structures):
            raise ValueError("a structure is named twice")
        if self.structures == ():
            raise ValueError("structures names none")
        if self.group_means and self.structures != "each":
            raise ValueError("group_means are means over labels: structures is each")
        return self


Rule = Literal["any-overlap", "iou", "many-to-many"]
"""When a lesion is found."""


class MatchingRule(Part):
    """When a lesion is found.

    Attributes:
        rule: `any-overlap`: one shared voxel; `iou`: one to one, intersection over union of at least `threshold`,
            best assignment; `many-to-many`: any such pair, on both sides.
        threshold: Of `iou` and `many-to-many`, above 0 and up to 1.

    Examples:
        >>> MatchingRule(rule="iou", threshold=0.5).words
        'one to one, IoU of at least 0.5'
    """

    rule: Rule
    threshold: float | None = Field(default=None, gt=0.0, le=1.0)

    @property
    def words(self) -> str:
        """As tables call it."""
        if self.rule == "any-overlap":
            return "any overlap"
        kind = "one to one" if self.rule == "iou" else "many to many"
        return f"{kind}, IoU of at least {self.threshold:g}"

    @model_validator(mode="after")
    def _check(self) -> MatchingRule:
        require_threshold(self.rule, self.threshold)
        return self


def require_threshold(rule: Rule, threshold: float | None) -> None:
    """Raise unless a threshold is given just where a rule needs one.

    Raises:
        ValueError: It is not.
    """
    if (threshold is None) != (rule == "any-overlap"):
        raise ValueError("threshold belongs to matching iou and many-to-many, which need it")


class Components(Part):
    """What counts as one lesion and when it is found.

    Attributes:
        connectivity: 6 (faces), 18 (edges too) or 26 (corners too).
        matching: `any-overlap`: one shared voxel; `iou`: one to one, intersection over union of at least
            `threshold`, best assignment; `many-to-many`: any such pair, on both sides.
        threshold: Of `iou` and `many-to-many`, above 0 and up to 1.
        instances: `true`: a reference whose largest integer is above 1 holds one lesion per integer; `both`: the
            integers of both masks are lesions, whatever they are; `false`: lesions are connected components.
        size_edges_ml: Where size classes of lesions part, in ml, ascending; none for no classes.
        table: Whether every lesion is listed in `lesions.parquet` and `candidates.parquet`.

    Examples:
        >>> Components(connectivity=18, matching="iou", threshold=0.5).threshold
        0.5
    """

    connectivity: Literal[6, 18, 26]
    matching: Rule
    threshold: float | None = Field(default=None, gt=0.0, le=1.0)
    instances: bool | Literal["both"] = False
    size_edges_ml: Annotated[tuple[float, ...], BeforeValidator(as_tuple)] = ()
    table: bool = False

    @model_validator(mode="after")
    def _check(self) -> Components:
        require_threshold(self.matching, self.threshold)
        edges = (0.0, *self.size_edges_ml)
        if any(low >= high for low, high in pairwise(edges)):
            raise ValueError("size_edges_ml are above 0 and ascending")
        return self


class Steps(Part):
    """The course of an interaction: predictions of every state lie in `MODEL/step-<k>`.

    Attributes:
        states: How many there are, numbered from 0.
    """

    states: int = Field(ge=2)


class Subsets(Part):
    """How the cohort is divided before ranking.

    Attributes:
        columns: Columns of `cases.parquet` whose values together name a subset; none for one subset.
        without_columns: `one-subset`: a cohort that lacks one of them is treated as one subset, and the run says so.
    """

    columns: Names
    without_columns: Literal["one-subset"]


class Ranking(Part):
    """How models are put in order.

    Attributes:
        scheme: `rank-subset-means`: rank the mean of each metric per subset, average the ranks over subsets,
            weigh the metrics. `rank-mean-of-subsets`: average the means over subsets, rank, weigh.
            `rank-cohort-means`: rank the means over all cases whatever their subset, weigh.
        ties: `min`: equal values share the better place.
        tie_break: The metric whose mean decides between equal weighted ranks.
    """

    scheme: Literal["rank-subset-means", "rank-mean-of-subsets", "rank-cohort-means"]
    ties: Literal["min"]
    tie_break: str
