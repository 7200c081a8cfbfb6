"""What a profile may say of missing predictions and of positive cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncohort.profiles.metric_rules import PRESENCE_METRICS

if TYPE_CHECKING:
    from oncohort.profiles.schema import Profile

OFFICIAL = "-official"
"""End of the name of a profile that does what a published script does."""


def check_missing(profile: Profile) -> None:
    """Raise if a profile skips missing predictions and is not the copy of a script, or asks what is then unknown.

    Raises:
        ValueError: With the reason.
    """
    if profile.missing != "skip":
        return
    if not profile.name.endswith(OFFICIAL):
        raise ValueError(
            f"missing is skip only in profiles whose name ends in {OFFICIAL}: skipped cases flatter a model"
        )
    if profile.kind == "boxes":
        raise ValueError("missing is skip: boxes are pooled over all cases")
    if profile.steps is not None:
        raise ValueError("missing is skip: a state that is skipped leaves the area over steps without meaning")
    of_all_cases = PRESENCE_METRICS | {"froc_cpm"}
    named = [rule.column for rule in profile.cohort_metric if rule.name in of_all_cases]
    if named:
        raise ValueError(f"missing is skip: {', '.join(named)} would be of other cases for every model")


def check_truth(profile: Profile) -> None:
    """Raise if a column says which cases are positive and nothing asks, or several structures do.

    Raises:
        ValueError: With the reason.
    """
    if profile.target.truth_column is None:
        return
    structures = {rule.structure for rule in profile.cohort_metric if rule.name in PRESENCE_METRICS}
    if not structures:
        raise ValueError(f"target.truth is of {', '.join(sorted(PRESENCE_METRICS))}: add one, or leave it out")
    if len(structures) > 1:
        raise ValueError("target.truth: one column cannot say of several structures whether they are there")
