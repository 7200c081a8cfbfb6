"""What the choices change, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from oncohort.errors import shown
from oncohort.evaluation.comparing import UNUSED
from oncohort.leaderboard import RANK
from oncohort.leaderboard.columns import leaderboard_columns
from oncohort.profiles import EmptyRule, MatchingRule, MetricRule, Profile
from oncohort.reporting.choices_page import Choice
from oncohort.reporting.data import Column
from oncohort.reporting.numbers import format_number
from oncohort.variation.choices import AS_WRITTEN, PARAMETER_WORDS, Parameter, Variant
from oncohort.variation.tables import ENVELOPE, Row
from oncohort.variation.variants import touched_columns, truth_words
from oncohort.variation.varying import Sensitivity

_MOST = 3  # effects that are named


def describe_findings(found: Sensitivity, columns: Mapping[str, Column]) -> tuple[str, ...]:
    """The answer in a few sentences: do the places move, how far do the numbers, and what changes nothing."""
    return tuple(sentence for sentence in (_on_order(found), *_on_spans(found, columns), _on_idle(found)) if sentence)


def describe_choices(found: Sensitivity, columns: Mapping[str, Column]) -> tuple[Choice, ...]:
    """Every parameter that was varied."""
    return tuple(_choice(parameter, found, columns) for parameter in _parameters(found))


def _choice(parameter: Parameter, found: Sensitivity, columns: Mapping[str, Column]) -> Choice:
    profile = found.variation.profile
    variants = [variant for variant in found.variation.variants if variant.parameter == parameter]
    touched = {name for variant in variants for name in touched_columns(profile, variant)}
    labels = {column.name: column.label for column in leaderboard_columns(profile)}
    return Choice(
        name=parameter,
        description=PARAMETER_WORDS[parameter],
        written=_written(parameter, profile, labels),
        tried=tuple(_tried(variant, labels) for variant in variants),
        touches=("all",) if touched >= set(labels) else tuple(labels[name] for name in labels if name in touched),
        largest=_largest(parameter, found, columns),
        reordering=len({row["variant"] for row in _reordered(found) if row["parameter"] == parameter}),
    )


def _tried(variant: Variant, labels: Mapping[str, str]) -> str:
    lost = ", ".join(labels[name] for name in variant.without)
    return f"{variant.name} (without {lost})" if lost else variant.name


def _written(parameter: Parameter, profile: Profile, labels: Mapping[str, str]) -> str:
    components = profile.components or UNUSED
    match parameter:
        case "connectivity":
            return f"{components.connectivity} neighbours"
        case "minimum-volume":
            return f"nothing is removed (components have {components.connectivity} neighbours)"
        case "matching":
            return MatchingRule(rule=components.matching, threshold=components.threshold).words
        case "empty":
            return "; ".join(_rules(rule, labels[rule.column]) for rule in profile.metric if rule.weight)
        case "truth":
            return truth_words(profile.target.truth_column)


def _rules(rule: MetricRule, label: str) -> str:
    return f"{label}: both empty {_rule_words(rule.both_empty)}, reference empty {_rule_words(rule.reference_empty)}"


def _rule_words(rule: EmptyRule) -> str:
    return "no value" if rule == "undefined" else str(rule) if isinstance(rule, str) else f"{rule:g}"


def _largest(parameter: Parameter, found: Sensitivity, columns: Mapping[str, Column]) -> str:
    """The largest difference of each main metric, of the first few that differ at all."""
    rows = [row for row in found.choices.iter_rows(named=True) if row["parameter"] == parameter and row["difference"]]
    words: list[str] = []
    for name, column in columns.items():
        of_metric = [row for row in rows if row["metric"] == name]
        if of_metric and name != RANK and len(words) < _MOST:
            words.append(_effect(max(of_metric, key=lambda row: abs(row["difference"])), column))
    return "; ".join(words) or "none in this cohort"


def _effect(row: Row, column: Column) -> str:
    sign = "+" if row["difference"] > 0 else ""
    difference = f"{sign}{format_number(row['difference'], column.digits)}{_unit(column)}"
    return f"{column.label} {difference} ({row['model']}, {row['variant']})"


def _on_order(found: Sensitivity) -> str:
    variants = len(found.variation.variants) - 1
    if not variants:
        return "Nothing that the profile measures depends on the choices that were asked for."
    changed = list(dict.fromkeys(f"{row['parameter']}: {row['variant']}" for row in _reordered(found)))
    tried = f"{variants} other {'choice was' if variants == 1 else 'choices were'} tried on the same masks."
    if len(found.run["models"]) == 1:
        return tried
    if not changed:
        return f"{tried} None changes the order of the models in the overall ranking."
    named = shown(changed, _MOST, between="; ")
    verb = "changes" if len(changed) == 1 else "change"
    return f"{tried} {len(changed)} of them {verb} the order of the models in the overall ranking ({named})."


def _on_spans(found: Sensitivity, columns: Mapping[str, Column]) -> Iterator[str]:
    """Of the main metrics that move most, the model whose number does."""
    rows = [row for row in found.ranges.iter_rows(named=True) if row["parameter"] == ENVELOPE]
    moving = [_widest([row for row in rows if row["metric"] == name]) for name in columns if name != RANK]
    seen = [row for row in moving if row is not None and _is_seen(row, columns[row["metric"]])]
    for row in sorted(seen, key=_relative_width, reverse=True)[:_MOST]:
        column = columns[row["metric"]]
        value, low, high = (_printed(row[part], column) for part in ("value", "low", "high"))
        yield (
            f"{column.label} of {row['model']} is {value}{_unit(column)} as written; single other choices "
            f"give {low}{_by(row['low_variant'])} to {high}{_unit(column)}{_by(row['high_variant'])}."
        )


def _widest(rows: Sequence[Row]) -> Row | None:
    known = [row for row in rows if row["low"] is not None]
    return max(known, key=lambda row: row["high"] - row["low"], default=None)


def _is_seen(row: Row, column: Column) -> bool:
    """Whether the ends differ as they are printed."""
    return _printed(row["low"], column) != _printed(row["high"], column)


def _relative_width(row: Row) -> float:
    low, high = float(row["low"]), float(row["high"])
    return (high - low) / max(abs(low), abs(high))


def _by(variant: str) -> str:
    """The choice behind a number; nothing for the profile itself."""
    return "" if variant == AS_WRITTEN else f" ({variant})"


def _on_idle(found: Sensitivity) -> str:
    """Which parameters change no number, although metrics depend on them."""
    moving = {row["parameter"] for row in found.choices.iter_rows(named=True) if row["difference"]}
    idle = [parameter for parameter in _parameters(found) if parameter not in moving]
    if not idle:
        return ""
    reason = " (no case has an empty mask that the rules are about)" if idle == ["empty"] else ""
    return f"In this cohort nothing changes with {' and '.join(idle)}{reason}."


def _printed(value: float | None, column: Column) -> str:
    return "without value" if value is None else format_number(value, column.digits)


def _unit(column: Column) -> str:
    return f" {column.printed_unit}" if column.printed_unit else ""


def _reordered(found: Sensitivity) -> Sequence[Row]:
    """Changes of the overall order."""
    return [row for row in found.run["order_changes"] if row["metric"] == RANK]


def _parameters(found: Sensitivity) -> list[Parameter]:
    named = [variant.parameter for variant in found.variation.variants if variant.parameter is not None]
    return list(dict.fromkeys(named))
