"""Written protocols of benchmarks."""

from oncohort.profiles.differences import Difference, compare_profiles
from oncohort.profiles.metric_rules import COHORT_METRICS, MISSED, CohortMetric, EmptyRule, MetricRule, MissingRule
from oncohort.profiles.parts import Components, Ranking, Steps, Subsets, Target
from oncohort.profiles.reading import list_profiles, load_profile, parse_profile
from oncohort.profiles.schema import Profile

__all__ = [
    "COHORT_METRICS",
    "MISSED",
    "CohortMetric",
    "Components",
    "Difference",
    "EmptyRule",
    "MetricRule",
    "MissingRule",
    "Profile",
    "Ranking",
    "Steps",
    "Subsets",
    "Target",
    "compare_profiles",
    "list_profiles",
    "load_profile",
    "parse_profile",
]
