"""Written protocols of benchmarks."""

from oncohort.profiles.boxes import BoxMetric, BoxProtocol, IouRange, Linking, View
from oncohort.profiles.differences import Difference, compare_profiles
from oncohort.profiles.metric_rules import (
    COHORT_METRICS,
    PRESENCE_METRICS,
    CohortMetric,
    EmptyRule,
    MetricRule,
    MissingRule,
)
from oncohort.profiles.parts import Components, MatchingRule, Ranking, Steps, Subsets, Target, TruthColumn
from oncohort.profiles.reading import list_profiles, load_profile, parse_profile
from oncohort.profiles.schema import Profile

__all__ = [
    "COHORT_METRICS",
    "PRESENCE_METRICS",
    "BoxMetric",
    "BoxProtocol",
    "CohortMetric",
    "Components",
    "Difference",
    "EmptyRule",
    "IouRange",
    "Linking",
    "MatchingRule",
    "MetricRule",
    "MissingRule",
    "Profile",
    "Ranking",
    "Steps",
    "Subsets",
    "Target",
    "TruthColumn",
    "View",
    "compare_profiles",
    "list_profiles",
    "load_profile",
    "parse_profile",
]
