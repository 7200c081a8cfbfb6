"""Models side by side, with intervals."""

from oncohort.leaderboard.aggregates_file import read_aggregates, write_aggregates
from oncohort.leaderboard.cohort_metrics import COHORT_FORMULAS
from oncohort.leaderboard.comparing import COMPARISON_SCHEMA, compare_models
from oncohort.leaderboard.grid import ALL, MACRO, ScoreGrid, arrange_scores
from oncohort.leaderboard.group_tests import GROUP_TEST_SCHEMA, compare_groups
from oncohort.leaderboard.intervals import CONFIDENCE, IntervalKind
from oncohort.leaderboard.places import METHODS
from oncohort.leaderboard.ranking import RANK, RankMethod, overall_places, rank
from oncohort.leaderboard.schemes import rank_means
from oncohort.leaderboard.subgroups import SIZE_CLASS

__all__ = [
    "ALL",
    "COHORT_FORMULAS",
    "COMPARISON_SCHEMA",
    "CONFIDENCE",
    "GROUP_TEST_SCHEMA",
    "MACRO",
    "METHODS",
    "RANK",
    "SIZE_CLASS",
    "IntervalKind",
    "RankMethod",
    "ScoreGrid",
    "arrange_scores",
    "compare_groups",
    "compare_models",
    "overall_places",
    "rank",
    "rank_means",
    "read_aggregates",
    "write_aggregates",
]
