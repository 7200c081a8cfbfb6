"""Written protocols of benchmarks."""

from oncohort.profiles.metric_rules import COHORT_METRICS, CohortMetric, EmptyRule, MetricRule, MissingRule
from oncohort.profiles.parts import Components, Ranking, Subsets, Target
from oncohort.profiles.reading import list_profiles, load_profile, parse_profile
from oncohort.profiles.schema import Profile

__all__ = [
    "COHORT_METRICS",
    "CohortMetric",
    "Components",
    "EmptyRule",
    "MetricRule",
    "MissingRule",
    "Profile",
    "Ranking",
    "Subsets",
    "Target",
    "list_profiles",
    "load_profile",
    "parse_profile",
]
