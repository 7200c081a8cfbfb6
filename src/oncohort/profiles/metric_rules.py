"""The metrics of a profile: what each is worth where masks are empty or missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from oncohort.metrics import METRICS, Direction, Metric, Presence
from oncohort.profiles.parts import MatchingRule, Names, Part

EmptyRule = Literal["measured", "undefined"] | float
"""`measured` (by the formula), `undefined` (no value, with the reason), or the value that is given instead."""

MissingRule = Literal["as-empty", "undefined"] | float
"""`as-empty` (scored like an empty prediction), `undefined` (no value, with the reason), or the value instead."""

BETTER = frozenset({Direction.HIGHER, Direction.LOWER})
"""Directions of metrics that can be ranked."""

FOUND, MISSED, FALSE = "lesion_tp", "lesion_fn", "lesion_fp"
"""The metrics that count found, missed and false lesions, unless a metric of cohorts names others."""

PRESENCE_METRICS = frozenset({"auc", "ap", "patient_sensitivity", "specificity"})
"""Metrics of a cohort that ask whether a case is positive."""

UNMATCHED_METRICS = frozenset(
    {
        "fpv_ml",
        "fnv_ml",
        "fnv_components_ml",
        "instance_dice",
        "instance_fp_ml",
        "instance_fn_ml",
        "dice_of_numbers",
        "reference_lesions",
        "prediction_lesions",
    }
)
"""Metrics of lesions that do not ask which of them match."""

COHORT_METRICS: dict[str, frozenset[str]] = {
    **dict.fromkeys(sorted(PRESENCE_METRICS), frozenset({"reference_volume_ml", "prediction_volume_ml"})),
    "tumour_sensitivity": frozenset({FOUND, MISSED}),
    "lesion_recall": frozenset({FOUND, MISSED}),
    "lesion_precision": frozenset({"prediction_lesions", FALSE}),
    "lesion_f1": frozenset({FOUND, FALSE, MISSED}),
    "froc_cpm": frozenset({"reference_lesions", "prediction_lesions"}),
}
"""Metrics of a whole cohort, with the metrics per case that they are computed from."""


_OVER_STEPS = {None: "", "last": "_last", "area": "_auc"}


class MetricRule(Part):
    """One metric of the profile and what it is worth where a mask is empty or missing.

    Attributes:
        name: A metric of the registry.
        label: What the scores call it; by default its name. Needed where one metric stands twice.
        weight: Share in the ranking; 0 reports it only.
        aggregate: `mean` over the cases that have a value.
        reference_empty: Rule where only the prediction holds voxels.
        prediction_empty: Rule where only the reference holds voxels.
        both_empty: Rule where neither does.
        missing: Rule for a case without prediction: `as-empty` scores it like an empty prediction,
            `undefined` gives no value, with the reason `prediction_missing`, a number is the value.
        structures: Only these of the target's structures; all by default.
        tolerance_mm: Of metrics that count what lies within a distance.
        matching: Of metrics that ask which lesions match: another rule than that of the components.
        over_steps: Of profiles with steps: the value of the `last` state, or the `area` under the values of all
            states by trapezoids of unit width, not divided by their number.
        only: Columns of `cases.parquet` with the value that a case must have to be measured; others have no row.
    """

    name: str
    label: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_.]*$")
    weight: float = Field(ge=0.0, le=1.0)
    aggregate: Literal["mean"]
    reference_empty: EmptyRule
    prediction_empty: EmptyRule
    both_empty: EmptyRule
    missing: MissingRule
    structures: Names | None = None
    tolerance_mm: float | None = Field(default=None, ge=0.0)
    matching: MatchingRule | None = None
    only: dict[str, str] | None = Field(default=None, min_length=1)
    over_steps: Literal["last", "area"] | None = None

    @property
    def column(self) -> str:
        """What the scores call the metric."""
        return self.label or f"{self.name}{_OVER_STEPS[self.over_steps]}"

    @property
    def only_words(self) -> str:
        """The cases that it is measured in, in words; empty for all."""
        return " and ".join(f"{column} {value}" for column, value in (self.only or {}).items())

    @property
    def unit(self) -> str:
        """Of the values; an area over steps has one of its own."""
        unit = self.metric.unit
        return f"{unit}*step" if self.over_steps == "area" and unit != "1" else unit

    @property
    def metric(self) -> Metric:
        """The metric of the registry."""
        return METRICS[self.name]

    @property
    def parameters(self) -> dict[str, float]:
        """What the formula needs beside the masks."""
        return {} if self.tolerance_mm is None else {"tolerance_mm": self.tolerance_mm}

    @property
    def is_of_matches(self) -> bool:
        """Whether the value depends on which lesions match."""
        is_of_lesions = bool(self.metric.needs & {"components", "one_to_one"})
        return is_of_lesions and self.name not in UNMATCHED_METRICS

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

    def measures(self, structure: str) -> bool:
        """Whether the metric is measured on `structure`."""
        return self.structures is None or structure in self.structures

    def is_for(self, facts: Mapping[str, Any]) -> bool:
        """Whether a case of which `facts` are known is measured.

        Args:
            facts: Values by column of `cases.parquet`.
        """
        return all(facts.get(column) == value for column, value in (self.only or {}).items())

    @model_validator(mode="after")
    def _check(self) -> MetricRule:
        if self.name not in METRICS:
            raise ValueError(f"no metric is called {self.name!r}; there are {', '.join(METRICS)}")
        if self.label is not None and self.label != self.name and self.label in METRICS:
            raise ValueError(f"label {self.label!r} is the name of another metric")
        self._check_parameters()
        if self.matching is not None and not self.is_of_matches:
            raise ValueError(f"{self.name} does not ask which lesions match: it takes no matching")
        for presence in sorted(self.metric.undefined):
            if self.rule_for(presence) == "measured":
                raise ValueError(f"{self.name} cannot be measured where {presence}: say undefined, or give a value")
        if self.weight and self.metric.direction not in BETTER:
            raise ValueError(f"{self.name} has no better direction, so its weight is 0")
        return self

    def _check_parameters(self) -> None:
        given, needed = set(self.parameters), self.metric.parameters
        if given != needed:
            words = f"needs {', '.join(sorted(needed))}" if needed else f"takes no {', '.join(sorted(given))}"
            raise ValueError(f"{self.name} {words}")


class CohortMetric(Part):
    """A number of the whole cohort, computed when models are ranked, from rows of the profile's metrics.

    Attributes:
        name: `auc`, `ap`, `patient_sensitivity`, `specificity` (of "the case holds the structure"), or the
            pooled `tumour_sensitivity`, `lesion_recall`, `lesion_precision`, `lesion_f1`; `froc_cpm` of the table of
            lesions.
        label: What the leaderboard calls it; by default its name.
        weight: Share in the ranking; 0 reports it only.
        structure: The structure it is computed for; None pools all.
        score: For `auc` and `ap`, the metric per case that says how sure the model is of a positive case.
        positive_ml: For `patient_sensitivity` and `specificity`, a case is predicted positive if more than
            this volume is predicted.
        found: For `tumour_sensitivity`, `lesion_recall` and `lesion_f1`, the metric per case that counts the
            found lesions.
        missed: For the same, the metric that counts the missed lesions.
        false: For `lesion_precision` and `lesion_f1`, the metric that counts the false lesions.

    Examples:
        >>> CohortMetric(name="auc").score
        'prediction_volume_ml'
    """

    name: str
    label: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_.]*$")
    weight: float = Field(default=0.0, ge=0.0, le=1.0)
    structure: str | None = None
    score: str = "prediction_volume_ml"
    positive_ml: float = Field(default=0.0, ge=0.0)
    found: str = FOUND
    missed: str = MISSED
    false: str = FALSE

    @property
    def column(self) -> str:
        """What the leaderboard calls it."""
        return self.label or self.name

    @property
    def needs(self) -> frozenset[str]:
        """The metrics per case that it is computed from."""
        scores = {self.score} if self.name in ("auc", "ap") else set()
        counts = {FOUND: self.found, MISSED: self.missed, FALSE: self.false}
        return frozenset(counts.get(name, name) for name in COHORT_METRICS[self.name]) | scores

    @model_validator(mode="after")
    def _check(self) -> CohortMetric:
        if self.name not in COHORT_METRICS:
            raise ValueError(f"no metric of cohorts is called {self.name!r}; there are {', '.join(COHORT_METRICS)}")
        for key, usual in (("found", FOUND), ("missed", MISSED), ("false", FALSE)):
            if getattr(self, key) != usual and usual not in COHORT_METRICS[self.name]:
                raise ValueError(f"{self.name} takes no {key}")
        return self
