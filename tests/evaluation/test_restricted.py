"""Metrics of some cases only, in a cohort that has none of these."""

import numpy as np
import pytest

from oncohort import rank
from oncohort.errors import InputError, MissingNeedError
from oncohort.evaluation import evaluate
from oncohort.variation import measure_sensitivity


@pytest.fixture
def only_fdg(world, helpers):
    block, grid, _ = helpers
    for number in range(7):
        case = f"P{number}"
        world.add(case, block(1, 1, 1), tracer="FDG")
        world.images[case] = np.full(grid.shape, 3.0, np.float32), grid
        world.predict("m", case, block(1, 1, 1))
    return world


def test_a_metric_that_no_case_is_measured_in_is_said(only_fdg):
    scores = evaluate(only_fdg.cohort(), only_fdg.folders("m"), profile="deep-psma")
    assert scores.run["notes"] == [
        "deep-psma: of 7 patients 7 have no pair of scored cases (P0, P1, P2, P3, P4 and 2 more).",
        "deep-psma: no scored case is one of tracer PSMA (suvmean_ratio_error); models have no order by this profile.",
    ]
    with pytest.raises(InputError, match="measured in cases of tracer PSMA only") as caught:
        rank(scores, bootstrap=0)
    assert "score a cohort that has such cases" in caught.value.remedy


def test_what_cannot_be_ranked_is_not_varied(only_fdg):
    with pytest.raises(MissingNeedError, match=r"none of tracer PSMA \(suvmean_ratio_error\)"):
        measure_sensitivity(only_fdg.cohort(), only_fdg.folders("m"), profile="deep-psma")
