"""Models side by side, with intervals."""

from oncohort.leaderboard.aggregates_file import read_aggregates, write_aggregates
from oncohort.leaderboard.grid import ALL, ScoreGrid, arrange_scores
from oncohort.leaderboard.ranking import CONFIDENCE, RANK, overall_places, rank

__all__ = [
    "ALL",
    "CONFIDENCE",
    "RANK",
    "ScoreGrid",
    "arrange_scores",
    "overall_places",
    "rank",
    "read_aggregates",
    "write_aggregates",
]
