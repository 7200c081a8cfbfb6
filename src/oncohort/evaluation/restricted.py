"""Metrics that a profile measures in some cases only, and what a cohort without such cases means for them."""

from __future__ import annotations

from collections.abc import Sequence

from oncohort.cohort import Cohort
from oncohort.errors import MissingNeedError
from oncohort.profiles import MetricRule, Profile


def find_unmeasured(cohort: Cohort, cases: Sequence[str], profile: Profile) -> tuple[MetricRule, ...]:
    """The metrics of the profile that are for none of the cases, by `only`.

    Args:
        cohort: Holds the columns that `only` names.
        cases: Those that are scored.
        profile: Says which cases a metric is for.
    """
    facts = [cohort[case].facts for case in cases]
    return tuple(rule for rule in profile.metric if not any(rule.is_for(known) for known in facts))


def describe_unmeasured(cohort: Cohort, cases: Sequence[str], profile: Profile) -> str | None:
    """A sentence on the metrics that no scored case is measured in; None if there is none."""
    rules = find_unmeasured(cohort, cases, profile)
    if not rules:
        return None
    order = "; models have no order by this profile" if any(rule.weight for rule in rules) else ""
    return f"{profile.name}: no scored case is one of {_listed(rules)}{order}."


def require_measured(cohort: Cohort, cases: Sequence[str], profile: Profile) -> None:
    """Raise if a metric with a weight is for none of the cases, so that the profile gives no order.

    Raises:
        MissingNeedError: Names the metrics and their cases.
    """
    lacking = tuple(rule for rule in find_unmeasured(cohort, cases, profile) if rule.weight)
    if lacking:
        raise MissingNeedError(
            expected=f"cases in which {profile.name} measures every metric with a weight",
            found=f"none of {_listed(lacking)}",
            where=f"cohort {cohort.name!r}",
            remedy="score a cohort that has such cases, or take these metrics out of a profile of your own",
        )


def _listed(rules: Sequence[MetricRule]) -> str:
    return ", ".join(f"{rule.only_words} ({rule.column})" for rule in rules)
