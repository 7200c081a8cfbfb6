"""What a profile says: the written protocol of a benchmark, without code."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from oncohort.profiles.boxes import BoxMetric, BoxProtocol, View
from oncohort.profiles.cohort_rules import check_missing, check_truth
from oncohort.profiles.kinds import check_kind
from oncohort.profiles.metric_rules import BETTER, CohortMetric, MetricRule
from oncohort.profiles.parts import Components, Part, Ranking, Steps, Subsets, Target
from oncohort.storage import as_tuple

FORMAT_VERSION = 1
"""Version of the profile format that this code reads."""


class Profile(Part):
    """The protocol of one benchmark.

    Attributes:
        type: Always `oncohort.profile`.
        format_version: Of the file format.
        name: As scores and study files call it.
        version: Of the protocol; it changes whenever a number could.
        kind: What is compared: `masks`, or `boxes` with a score.
        title: One line.
        source: Where the definitions come from.
        unit: What counts once: `case`; `patient`: the cases of a patient are averaged first; `pair`: the same, of
            two cases each (two tracers, two time points).
        missing: `worst`: cases without prediction are scored by the `missing` rule of each metric and counted;
            `error`: they stop the evaluation; `skip`: they have no value, are counted and cost nothing, as in an
            official script that leaves them out (of profiles whose name ends in `-official`).
        target: Which masks are scored.
        components: What a lesion is; needed by metrics of lesions and components only.
        steps: The states of an interaction; none for one prediction per case.
        boxes: How boxes are compared; of profiles of boxes only.
        subsets: How the cohort is divided before ranking.
        ranking: How models are put in order.
        metric: The metrics in the order of the tables.
        cohort_metric: Numbers of the whole cohort, in the order of the leaderboard.
        box_metric: Numbers of the whole cohort that come from boxes by falling score; they follow.
    """

    type: Literal["oncohort.profile"]
    format_version: Literal[1]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    version: str = Field(min_length=1)
    kind: Literal["masks", "boxes"] = "masks"
    title: str = Field(min_length=1)
    source: str
    unit: Literal["case", "patient", "pair"]
    missing: Literal["worst", "error", "skip"]
    target: Target
    components: Components | None = None
    steps: Steps | None = None
    boxes: BoxProtocol | None = None
    subsets: Subsets
    ranking: Ranking
    metric: Annotated[tuple[MetricRule, ...], BeforeValidator(as_tuple)] = Field(min_length=1)
    cohort_metric: Annotated[tuple[CohortMetric, ...], BeforeValidator(as_tuple)] = ()
    box_metric: Annotated[tuple[BoxMetric, ...], BeforeValidator(as_tuple)] = ()

    _text: str = PrivateAttr(default="")

    @property
    def text(self) -> str:
        """The file that the profile was read from, word for word; empty for one made in Python."""
        return self._text

    @property
    def metrics(self) -> tuple[str, ...]:
        """What the scores call the metrics, in order."""
        return tuple(rule.column for rule in self.metric)

    @property
    def needs(self) -> frozenset[str]:
        """What the metrics need to know of a pair of masks: `overlap`, `components`, `uptake`, surfaces."""
        needed = frozenset[str]().union(*(rule.metric.needs for rule in self.metric))
        has_table = self.components is not None and self.components.table
        return needed | {"components"} if has_table else needed

    @property
    def needs_image(self) -> bool:
        """Whether anything is measured in an image."""
        return self.target.image is not None and ("uptake" in self.needs or self.has_lesion_table)

    @property
    def has_lesion_table(self) -> bool:
        """Whether every lesion is listed beside the scores."""
        return self.components is not None and self.components.table

    @property
    def fact_columns(self) -> tuple[str, ...]:
        """Columns of `cases.parquet` that decide which metrics are measured, in order."""
        return tuple(dict.fromkeys(column for rule in self.metric for column in rule.only or {}))

    @property
    def of_cohort(self) -> tuple[CohortMetric | BoxMetric, ...]:
        """The numbers that only a whole cohort has, in the order of the leaderboard."""
        return (*self.cohort_metric, *self.box_metric)

    @property
    def views(self) -> tuple[View, ...]:
        """The matchings of boxes that the metrics ask for; the first one is that of the counts."""
        if self.boxes is None:
            return ()
        own = View(self.boxes.hit, self.boxes.threshold, self.boxes.matching)
        return tuple(dict.fromkeys([own, *(view for rule in self.box_metric for view in rule.views(self.boxes))]))

    def matching_of(self, rule: MetricRule) -> str | None:
        """The rule by which lesions match in a metric: its own, or that of the components; None without these."""
        if rule.matching is not None:
            return rule.matching.rule
        return None if self.components is None else self.components.matching

    def rule(self, column: str) -> MetricRule:
        """The rule of the metric that the scores call `column`.

        Raises:
            KeyError: The profile has no such metric.
        """
        for rule in self.metric:
            if rule.column == column:
                return rule
        raise KeyError(column)

    @model_validator(mode="after")
    def _check(self) -> Profile:
        self._check_names()
        check_kind(self)
        check_missing(self)
        check_truth(self)
        self._check_parts()
        self._check_structures()
        self._check_ranking()
        self._check_steps()
        return self

    def _check_names(self) -> None:
        columns = [*self.metrics, *(rule.column for rule in self.of_cohort)]
        twice = sorted(name for name, count in Counter(columns).items() if count > 1)
        if twice:
            raise ValueError(f"a metric is named twice ({', '.join(twice)}): give one of them a label")

    def _check_parts(self) -> None:
        lacking = [rule.column for rule in self.metric if "components" in rule.metric.needs]
        if self.kind == "masks" and self.components is None and lacking:
            raise ValueError(f"{', '.join(lacking)} of lesions: components says what a lesion is")
        lacking = [
            rule.column
            for rule in self.metric
            if "one_to_one" in rule.metric.needs and self.matching_of(rule) not in (None, "iou")
        ]
        if lacking:
            raise ValueError(f"{', '.join(lacking)} pairs each lesion once: matching is iou")
        lacking = [rule.column for rule in self.metric if rule.matching is not None and self.components is None]
        if lacking:
            raise ValueError(f"matching of {', '.join(lacking)}: components says what a lesion is")
        lacking = [rule.column for rule in self.metric if "uptake" in rule.metric.needs]
        if self.target.image is None and lacking:
            raise ValueError(f"{', '.join(lacking)} of uptake: target.image says in which image")
        for rule in self.cohort_metric:
            absent = sorted(rule.needs - set(self.metrics))
            if absent:
                raise ValueError(f"{rule.column} is computed from {', '.join(absent)}: add the metric")

    def _check_structures(self) -> None:
        known = (self.target.structure,) if self.target.is_union else self.target.structures
        if known == "each":
            return
        named = [name for rule in self.metric for name in rule.structures or ()]
        named += [rule.structure for rule in self.cohort_metric if rule.structure is not None]
        unknown = sorted(set(named) - set(known or ()))
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no structure of the target")

    def _check_steps(self) -> None:
        if any((rule.over_steps is None) != (self.steps is None) for rule in self.metric):
            raise ValueError("over_steps of every metric belongs to a profile with steps, which needs it")
        if self.steps is not None and (self.cohort_metric or self.has_lesion_table):
            raise ValueError("a profile with steps has no cohort_metric and no table of lesions")
        rules: dict[str, MetricRule] = {}
        for rule in self.metric if self.steps is not None else ():
            same = {"over_steps": None, "label": None, "weight": 0.0}
            if rules.setdefault(rule.name, rule).model_copy(update=same) != rule.model_copy(update=same):
                raise ValueError(f"{rule.name} has two rules for the same steps")

    def _check_ranking(self) -> None:
        is_of_boxes = self.ranking.tie_break in {rule.column for rule in self.box_metric}
        if self.ranking.tie_break not in self.metrics and not is_of_boxes:
            raise ValueError(f"tie_break {self.ranking.tie_break!r} is no metric of the profile")
        if not is_of_boxes and self.rule(self.ranking.tie_break).metric.direction not in BETTER:
            raise ValueError(f"tie_break {self.ranking.tie_break!r} has no better direction")
        total = sum(rule.weight for rule in self.metric) + sum(rule.weight for rule in self.of_cohort)
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"the weights sum to {total:g}, not to 1")
