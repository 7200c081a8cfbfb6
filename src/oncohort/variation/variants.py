"""The variants of a profile: one parameter changed at a time, and which metrics that can touch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from oncohort.errors import SettingsError
from oncohort.metrics import Matching, Presence
from oncohort.metrics.metric import Direction, Metric
from oncohort.profiles import COHORT_METRICS, PRESENCE_METRICS, MatchingRule, MetricRule, Profile
from oncohort.variation.choices import AS_WRITTEN, Choices, Parameter, Variant

EMPTY_VALUES: dict[str, float | None] = {"no value": None, "0": 0.0, "1": 1.0}
"""What shares are given where a mask is empty."""

_EMPTY_WORDS = {
    Presence.BOTH_EMPTY: ("both_empty", "both empty"),
    Presence.REFERENCE_EMPTY: ("reference_empty", "reference empty"),
}
_BY_DEFINITION = " (FPV and FNV ask for any overlap by definition)"
_COUNTED = frozenset().union(*COHORT_METRICS.values())
_LESION_NEEDS = frozenset({"components", "one_to_one"})


@dataclass(frozen=True)
class Variation:
    """The variants of a profile, and why some choices have none.

    Args:
        variants: The profile as it is written, then one parameter changed at a time.
        without_effect: Reason by parameter: nothing that the profile measures depends on it.
        impossible: Reason by name: values that the profile cannot take.
    """

    variants: tuple[Variant, ...]
    without_effect: Mapping[Parameter, str]
    impossible: Mapping[str, str]

    @property
    def profile(self) -> Profile:
        """The profile as it is written."""
        return self.variants[0].profile


def vary_profile(profile: Profile, choices: Choices) -> Variation:
    """A variant per value of each chosen parameter that anything in the profile depends on.

    Values that the profile has already are left out.

    Raises:
        SettingsError: The profile is of boxes.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> found = vary_profile(load_profile("autopet-iii"), Choices(parameters=("connectivity", "matching")))
        >>> [variant.name for variant in found.variants], list(found.without_effect)
        (['as written', '6 neighbours', '26 neighbours'], ['matching'])
    """
    if profile.kind == "boxes":
        raise SettingsError(
            expected="a profile of masks",
            found=f"{profile.name}, which is of boxes",
            where="sensitivity",
            remedy="choose another profile",
        )
    variants = [Variant(None, AS_WRITTEN, profile, frozenset(profile.metrics))]
    without_effect: dict[Parameter, str] = {}
    impossible: dict[str, str] = {}
    for parameter in choices.parameters:
        reason = _why_not(parameter, profile, choices)
        if reason:
            without_effect[parameter] = reason
            continue
        for made in _MAKERS[parameter](profile, choices):
            if isinstance(made, Variant):
                variants.append(made)
            else:
                impossible.update([made])
    return Variation(tuple(variants), without_effect, impossible)


def columns_of_cohort(profile: Profile, variant: Variant) -> frozenset[str]:
    """The metrics of the cohort that a variant can change."""
    if variant.parameter == "truth":
        return frozenset(rule.column for rule in profile.cohort_metric if rule.name in PRESENCE_METRICS)
    is_of_lesions = variant.parameter in ("connectivity", "minimum-volume", "matching")
    return frozenset(
        rule.column
        for rule in profile.cohort_metric
        if rule.needs & variant.columns or (is_of_lesions and rule.name == "froc_cpm")
    )


def _why_not(parameter: Parameter, profile: Profile, choices: Choices) -> str:
    """Why no metric of the profile depends on the parameter; empty if one does."""
    if parameter == "connectivity":
        return _why_not_connected(profile)
    if parameter == "matching" and not _matched(profile):
        named = _of_lesions(profile) & {"fpv_ml", "fnv_ml"}
        return f"{profile.name} measures nothing that matches lesions{_BY_DEFINITION if named else ''}"
    if parameter == "truth":
        if not any(rule.name in PRESENCE_METRICS for rule in profile.cohort_metric):
            return f"{profile.name} asks nowhere whether a case is positive"
        if choices.truth_column is None and profile.target.truth_column is None:
            return "no column was named that says which cases are positive"
    if parameter == "empty" and not any(_has_empty_rule(rule) for rule in profile.metric):
        return f"{profile.name} measures facts only"
    return ""


def _why_not_connected(profile: Profile) -> str:
    if not _of_lesions(profile):
        return f"{profile.name} measures nothing of components"
    if profile.components is not None and profile.components.instances == "both":
        return f"{profile.name} takes the lesion numbers of both masks"
    return ""


def _of_lesions(profile: Profile) -> frozenset[str]:
    return frozenset(rule.column for rule in profile.metric if rule.metric.needs & _LESION_NEEDS)


def _matched(profile: Profile) -> frozenset[str]:
    """Metrics that the matching of the profile's components decides; not those with a matching of their own."""
    return frozenset(rule.column for rule in profile.metric if rule.is_of_matches and rule.matching is None)


Made = Variant | tuple[str, str]
"""A variant, or the name of a value and why it cannot be."""


def _connectivities(profile: Profile, choices: Choices) -> Iterator[Made]:
    components = profile.components
    for connectivity in choices.connectivities:
        if components is not None and connectivity != components.connectivity:
            changed = edited(profile, components=components.model_dump() | {"connectivity": connectivity})
            yield Variant("connectivity", f"{connectivity} neighbours", changed, _of_lesions(profile))


def _removals(profile: Profile, choices: Choices) -> Iterator[Made]:
    for removal in choices.removals:
        yield Variant("minimum-volume", removal.name, profile, frozenset(profile.metrics), removal=removal)


def _matchings(profile: Profile, choices: Choices) -> Iterator[Made]:
    components = profile.components
    if components is None:
        return
    for matching in choices.matchings:
        if (matching.rule, matching.threshold) != (components.matching, components.threshold):
            yield _matched_by(profile, matching)


def _matched_by(profile: Profile, matching: Matching) -> Made:
    """The profile with another matching; metrics that need a one-to-one one go, and the other weights grow."""
    name = MatchingRule(rule=matching.rule, threshold=matching.threshold).words
    kept = [rule for rule in profile.metric if matching.is_one_to_one or "one_to_one" not in rule.metric.needs]
    columns = {rule.column for rule in kept}
    total = sum(rule.weight for rule in kept) + sum(rule.weight for rule in profile.cohort_metric)
    if profile.ranking.tie_break not in columns or total <= 0 or not columns & _matched(profile):
        return name, "what the ranking needs is defined for lesions that are paired one to one only"
    components = profile.components.model_dump() if profile.components is not None else {}
    changed = edited(
        profile,
        components=components | {"matching": matching.rule, "threshold": matching.threshold},
        metric=tuple(_weighing(rule.model_dump(), total) for rule in kept),
        cohort_metric=tuple(_weighing(rule.model_dump(), total) for rule in profile.cohort_metric),
    )
    without = tuple(column for column in profile.metrics if column not in columns)
    return Variant("matching", name, changed, _matched(changed), without=without)


def _weighing(rule: dict[str, Any], total: float) -> dict[str, Any]:
    return rule if total == 1.0 else {**rule, "weight": rule["weight"] / total}


def _empty_rules(profile: Profile, choices: Choices) -> Iterator[Made]:
    for presence, (field, words) in _EMPTY_WORDS.items():
        for value_words, value in EMPTY_VALUES.items():
            rules = [rule.model_dump() | {field: _empty_rule(rule, presence, value)} for rule in profile.metric]
            touched = frozenset(
                old.column for old, new in zip(profile.metric, rules, strict=True) if new[field] != getattr(old, field)
            )
            if touched:
                changed = edited(profile, metric=tuple(rules))
                yield Variant("empty", f"{words}: {value_words}", changed, touched, only_where=presence)


def _empty_rule(rule: MetricRule, presence: Presence, value: float | None) -> Any:
    """What a metric is worth there: no value, what it measures, or for shares the value; counts stay as they are."""
    metric, present = rule.metric, rule.rule_for(presence)
    if not _has_empty_rule(rule):
        return present
    if value is None:
        return "undefined"
    if presence not in metric.undefined:
        return "measured"
    return value if _is_share(metric) else present


def _has_empty_rule(rule: MetricRule) -> bool:
    """Whether it is a choice what the metric is worth; counts and volumes feed other metrics and are facts."""
    return rule.metric.direction is not Direction.NONE and rule.name not in _COUNTED


def _is_share(metric: Metric) -> bool:
    return metric.unit == "1" and metric.direction is Direction.HIGHER


def _truths(profile: Profile, choices: Choices) -> Iterator[Made]:
    for column in dict.fromkeys((None, choices.truth_column)):
        if column != profile.target.truth_column:
            truth = "mask" if column is None else {"column": column}
            changed = edited(profile, target=profile.target.model_dump() | {"truth": truth})
            yield Variant("truth", truth_words(column), changed)


def truth_words(column: str | None) -> str:
    """What says that a case is positive, as tables call it.

    Examples:
        >>> truth_words("tumour"), truth_words(None)
        ('column tumour', 'mask')
    """
    return "mask" if column is None else f"column {column}"


_MAKERS: dict[Parameter, Callable[[Profile, Choices], Iterator[Made]]] = {
    "connectivity": _connectivities,
    "minimum-volume": _removals,
    "matching": _matchings,
    "empty": _empty_rules,
    "truth": _truths,
}


def edited(profile: Profile, **tables: Any) -> Profile:
    """The profile with some of its tables replaced, and validated again.

    Raises:
        pydantic.ValidationError: The changed profile breaks the schema.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> profile = load_profile("autopet-iii")
        >>> edited(profile, components={"connectivity": 6, "matching": "any-overlap"}).components.connectivity
        6
    """
    return Profile.model_validate({**profile.model_dump(), **tables})


def touched_columns(profile: Profile, variant: Variant) -> Collection[str]:
    """Every metric, of cases and of the cohort, that a variant can change."""
    return variant.columns | columns_of_cohort(profile, variant)
