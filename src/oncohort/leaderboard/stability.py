"""How much of an order is luck: places in the draws of the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.statistics.ranking import RankDistribution, kendall_taus, rank_distribution


@dataclass(frozen=True, eq=False)
class Stability:
    """The places of every model over the draws.

    Args:
        places: How often each model has each place.
        tau: Mean of Kendall's tau between the order of a draw and that of the data; None if no draw has an order.
    """

    places: RankDistribution
    tau: float | None

    def row(self, model: int) -> dict[str, Any]:
        """What the aggregates say of a model."""
        return {
            "rank_low": float(self.places.low[model]),
            "rank_high": float(self.places.high[model]),
            "first_share": float(self.places.first[model]),
            "place_shares": self.places.shares[model].tolist(),
            "tau": self.tau,
        }


NO_STABILITY: dict[str, Any] = dict.fromkeys(("rank_low", "rank_high", "first_share", "place_shares", "tau"))
"""The same without a bootstrap."""


def measure_stability(places: NDArray[np.int64], *, confidence: float) -> Stability | None:
    """The stability of an order; None without draws.

    Args:
        places: (1 + draws, models): row 0 of the data as they are.
        confidence: Share of the draws inside the interval of places.

    Examples:
        >>> places = np.array([[1, 2], [1, 2], [1, 2], [2, 1], [1, 2]])
        >>> found = measure_stability(places, confidence=0.95)
        >>> found.places.first.tolist(), found.tau
        ([0.75, 0.25], 0.5)
    """
    drawn = places[1:]
    if not drawn.shape[0]:
        return None
    taus = kendall_taus(drawn, places[0])
    known = taus[~np.isnan(taus)]
    return Stability(rank_distribution(drawn, confidence=confidence), float(known.mean()) if known.size else None)
