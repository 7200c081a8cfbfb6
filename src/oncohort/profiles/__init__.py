"""Written protocols of benchmarks."""

from oncohort.profiles.reading import list_profiles, load_profile, parse_profile
from oncohort.profiles.schema import EmptyRule, MetricRule, Profile

__all__ = ["EmptyRule", "MetricRule", "Profile", "list_profiles", "load_profile", "parse_profile"]
