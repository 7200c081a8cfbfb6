"""What a profile says: the written protocol of a benchmark, without code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from oncohort.metrics import METRICS, Direction, Presence

FORMAT_VERSION = 1
"""Version of the profile format that this code reads."""

EmptyRule = Literal["measured", "undefined"] | float
"""`measured` (by the formula), `undefined` (no value, with the reason), or the value that is given instead."""


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Target(_Part):
    """Which mask is scored and how the scores call it.

    Attributes:
        role: Role of the reference in the cohort; all its labels together are the reference mask.
        structure: Name in the `structure` column.
    """

    role: str = Field(min_length=1)
    structure: str = Field(min_length=1)


class Components(_Part):
    """What counts as one lesion and when it is found.

    Attributes:
        connectivity: 6 (faces), 18 (edges too) or 26 (corners too).
        matching: `any-overlap`: one shared voxel clears a whole component.
    """

    connectivity: Literal[6, 18, 26]
    matching: Literal["any-overlap"]


class Subsets(_Part):
    """How the cohort is divided before ranking.

    Attributes:
        columns: Columns of `cases.parquet` whose values together name a subset; none for one subset.
        without_columns: `one-subset`: a cohort that lacks one of them is treated as one subset, and the run says so.
    """

    columns: Names
    without_columns: Literal["one-subset"]


class Ranking(_Part):
    """How models are put in order.

    Attributes:
        scheme: `rank-subset-means`: rank the mean of each metric per subset, average the ranks over subsets,
            weigh the metrics.
        ties: `min`: equal values share the better place.
        tie_break: The metric whose mean decides between equal weighted ranks.
    """

    scheme: Literal["rank-subset-means"]
    ties: Literal["min"]
    tie_break: str


class MetricRule(_Part):
    """One metric of the profile and what it is worth where a mask is empty or missing.

    Attributes:
        name: A metric of the registry.
        weight: Share in the ranking; 0 reports it only.
        aggregate: `mean` over the cases that have a value.
        reference_empty: Rule where only the prediction holds voxels.
        prediction_empty: Rule where only the reference holds voxels.
        both_empty: Rule where neither does.
        missing: Rule for a case without prediction: `as-empty` scores it like an empty prediction,
            `undefined` gives no value, with the reason `prediction_missing`.
    """

    name: str
    weight: float = Field(ge=0.0, le=1.0)
    aggregate: Literal["mean"]
    reference_empty: EmptyRule
    prediction_empty: EmptyRule
    both_empty: EmptyRule
    missing: Literal["as-empty", "undefined"]

    def rule_for(self, presence: Presence) -> EmptyRule:
        """What holds where the masks are present as `presence` says."""
        if presence is Presence.BOTH_PRESENT:
            return "measured"
        rules: dict[Presence, EmptyRule] = {
            Presence.REFERENCE_EMPTY: self.reference_empty,
            Presence.PREDICTION_EMPTY: self.prediction_empty,
            Presence.BOTH_EMPTY: self.both_empty,
        }
        return rules[presence]

    @model_validator(mode="after")
    def _check(self) -> MetricRule:
        if self.name not in METRICS:
            raise ValueError(f"no metric is called {self.name!r}; there are {', '.join(METRICS)}")
        metric = METRICS[self.name]
        for presence in sorted(metric.undefined):
            if self.rule_for(presence) == "measured":
                raise ValueError(f"{self.name} cannot be measured where {presence}: say undefined, or give a value")
        if self.weight and metric.direction is Direction.ZERO:
            raise ValueError(f"{self.name} has no better direction, so its weight is 0")
        return self


class Profile(_Part):
    """The protocol of one benchmark.

    Attributes:
        type: Always `oncohort.profile`.
        format_version: Of the file format.
        name: As scores and study files call it.
        version: Of the protocol; it changes whenever a number could.
        title: One line.
        source: Where the definitions come from.
        unit: What is drawn and averaged: each case counts once.
        missing: `worst`: cases without prediction are scored by the `missing` rule of each metric and counted;
            `error`: they stop the evaluation.
        metric: The metrics in the order of the tables.
    """

    type: Literal["oncohort.profile"]
    format_version: Literal[1]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    version: str = Field(min_length=1)
    title: str = Field(min_length=1)
    source: str
    unit: Literal["case"]
    missing: Literal["worst", "error"]
    target: Target
    components: Components
    subsets: Subsets
    ranking: Ranking
    metric: Annotated[tuple[MetricRule, ...], BeforeValidator(_as_tuple)] = Field(min_length=1)

    _text: str = PrivateAttr(default="")

    @property
    def text(self) -> str:
        """The file that the profile was read from, word for word; empty for one made in Python."""
        return self._text

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, in order."""
        return tuple(rule.name for rule in self.metric)

    @model_validator(mode="after")
    def _check(self) -> Profile:
        if len(set(self.metrics)) != len(self.metrics):
            raise ValueError("a metric is named twice")
        if self.ranking.tie_break not in self.metrics:
            raise ValueError(f"tie_break {self.ranking.tie_break!r} is no metric of the profile")
        if METRICS[self.ranking.tie_break].direction is Direction.ZERO:
            raise ValueError(f"tie_break {self.ranking.tie_break!r} has no better direction")
        total = sum(rule.weight for rule in self.metric)
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"the weights sum to {total:g}, not to 1")
        return self
