"""Every metric: one class of symmetry, unit, direction and undefined rule, and the laws that follow."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.metrics import METRICS, Direction, Presence, Symmetry, compare_masks

UNITS = {"1": 0, "ml": 1}
"""Power of a volume in each unit."""

NAMES = list(METRICS)


def masks(seed, shape=(9, 10, 17)):
    random = np.random.default_rng(seed)
    return tuple(random.random(shape) < share for share in (0.04, 0.06))


def measure(name, reference, prediction, voxel_ml=0.25):
    pair = compare_masks(reference, prediction, voxel_ml=voxel_ml, connectivity=18)
    return METRICS[name].formula(pair)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name):
    metric = METRICS[name]
    assert metric.name == name
    assert metric.description.endswith(".") and "\n" not in metric.description
    assert metric.unit in UNITS
    assert metric.unit == "1" or name.endswith(f"_{metric.unit}")
    assert isinstance(metric.direction, Direction)
    assert (metric.twin is not None) == (metric.symmetry is Symmetry.TWIN)
    assert metric.twin is None or METRICS[metric.twin].twin == name
    assert Presence.BOTH_PRESENT not in metric.undefined


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("presence", list(Presence))
def test_it_is_undefined_where_it_says_so_and_nowhere_else(name, presence):
    full = np.zeros((3, 3, 3), bool)
    full[1, 1, :2] = True
    reference = full & (presence in (Presence.BOTH_PRESENT, Presence.PREDICTION_EMPTY))
    prediction = full & (presence in (Presence.BOTH_PRESENT, Presence.REFERENCE_EMPTY))
    value = measure(name, reference, prediction)
    assert math.isnan(value) == (presence in METRICS[name].undefined)


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_swapping_the_masks_does_what_the_symmetry_says(name, seed):
    reference, prediction = masks(seed)
    metric = METRICS[name]
    there, back = measure(name, reference, prediction), measure(name, prediction, reference)
    expected = {
        Symmetry.SAME: there,
        Symmetry.NEGATED: -there,
        Symmetry.TWIN: measure(metric.twin or name, reference, prediction),
    }
    assert back == pytest.approx(expected[metric.symmetry], abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
@given(
    seed=st.integers(0, 10**6), axes=st.permutations([0, 1, 2]), flips=st.lists(st.booleans(), min_size=3, max_size=3)
)
@settings(max_examples=15, deadline=None)
def test_permuted_and_reversed_axes_change_nothing(name, seed, axes, flips):
    reference, prediction = masks(seed)
    turn = tuple(slice(None, None, -1 if flip else None) for flip in flips)
    turned = [mask.transpose(axes)[turn] for mask in (reference, prediction)]
    assert measure(name, *turned) == pytest.approx(measure(name, reference, prediction), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_shift_of_both_masks_changes_nothing(name):
    reference, prediction = masks(3)
    shifted = [np.pad(mask, ((2, 0), (0, 3), (1, 5))) for mask in (reference, prediction)]
    assert measure(name, *shifted) == pytest.approx(measure(name, reference, prediction), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_larger_voxels_scale_it_by_its_unit(name):
    reference, prediction = masks(4)
    once, thrice = (measure(name, reference, prediction, voxel_ml=v) for v in (0.25, 0.75))
    assert once != 0
    assert thrice == pytest.approx(once * 3.0 ** UNITS[METRICS[name].unit])


@pytest.mark.parametrize("name", NAMES)
def test_no_mask_is_better_than_the_reference_itself(name):
    best = {Direction.HIGHER: 1.0, Direction.LOWER: 0.0, Direction.ZERO: 0.0}
    reference, _ = masks(5)
    assert measure(name, reference, reference) == best[METRICS[name].direction]


@pytest.mark.parametrize("name", NAMES)
def test_memory_order_and_type_change_nothing(name):
    reference, prediction = masks(6)
    expected = measure(name, reference, prediction)
    for order in "CF":
        assert measure(name, np.asarray(reference, order=order), prediction.astype(np.uint8)) == expected
    padded = np.zeros((18, 10, 34), bool)
    padded[::2, :, ::2] = reference
    assert measure(name, padded[::2, :, ::2], np.asfortranarray(prediction)) == expected
