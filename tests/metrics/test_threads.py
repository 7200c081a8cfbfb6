"""Pairs that four threads measure at once have the values that one thread gives them."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.metrics import METRICS, Matching, PairSettings, compare_masks

RULES = [Matching("iou", 0.1), Matching("any-overlap"), Matching("many-to-many", 0.1)]


def volumes(seed):
    """Reference, prediction and image of one pair, with dust."""
    random = np.random.default_rng(seed)
    coarse = random.random((2, 6, 7, 5)) < 0.35
    masks = coarse.repeat(3, axis=1).repeat(3, axis=2).repeat(4, axis=3)
    masks ^= random.random(masks.shape) < 0.03
    return masks[0], masks[1], random.random(masks[0].shape).astype(np.float32)


def measure(task):
    """Every metric of one pair under one rule of matching; panoptic quality asks for one-to-one."""
    (reference, prediction, image), rule = task
    rules = PairSettings(connectivity=18, matching=rule)
    pair = compare_masks(reference, prediction, spacing_mm=(2.0, 1.5, 3.0), settings=rules, image=image)
    known = {"tolerance_mm": 2.0}
    return {
        name: metric.formula(pair, **{parameter: known[parameter] for parameter in metric.parameters})
        for name, metric in METRICS.items()
        if rule.rule == "iou" or "one_to_one" not in metric.needs
    }


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_the_number_of_threads_changes_no_metric(seed):
    tasks = list(product([volumes(seed + n) for n in range(6)], RULES))
    alone = [measure(task) for task in tasks]
    assert set().union(*alone) == set(METRICS)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(measure, tasks))
    for one, other in zip(alone, together, strict=True):
        assert list(one) == list(other)
        assert np.array_equal(list(one.values()), list(other.values()), equal_nan=True)
