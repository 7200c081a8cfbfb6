"""Every metric: one class of symmetry, unit, direction and undefined rule, and the laws that follow."""

import inspect
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.metrics import METRICS, Direction, Matching, PairSettings, Presence, Symmetry, compare_masks

UNITS = {"1": 0, "%": 0, "ml": 3, "mm": 1, "SUV": 0, "SUV*ml": 3}
"""Power of a length in each unit."""

SUFFIXES = {"ml": "_ml", "mm": "_mm", "%": "_percent"}
NEEDS = {"overlap", "components", "one_to_one", "voxel_surface", "element_surface", "uptake"}
NAMES = list(METRICS)
SPACING_MM = (5.0, 4.5, 6.0)
TOLERANCE_MM = 5.5
MARGIN = 3
"""Voxels between the masks and the border: spheres and surfaces see nothing of the border, wherever it is."""


def volumes(seed, shape=(9, 10, 13)):
    """Reference, prediction and image: boxes and single voxels, away from the border."""
    random = np.random.default_rng(seed)
    masks = np.zeros((2, *shape), bool)
    for _ in range(5):
        start, edges = random.integers(0, np.array(shape) - 2), random.integers(1, 4, 3)
        for mask in masks:
            at = np.maximum(start + random.integers(-1, 2, 3), 0)
            mask[tuple(slice(a, a + e) for a, e in zip(at, edges, strict=True))] = True
    masks |= random.random(masks.shape) < 0.01
    reference, prediction = (np.pad(mask, MARGIN) for mask in masks)
    return reference, prediction, random.random(reference.shape)


def measure(name, reference, prediction, image=None, *, spacing_mm=SPACING_MM, tolerance_mm=TOLERANCE_MM):
    pair = compare_masks(
        reference,
        prediction,
        spacing_mm=spacing_mm,
        settings=PairSettings(connectivity=18, matching=Matching("iou", 0.05)),
        image=np.ones(reference.shape) if image is None else image,
    )
    given_ = {"tolerance_mm": tolerance_mm}
    return METRICS[name].formula(pair, **{parameter: given_[parameter] for parameter in METRICS[name].parameters})


def close(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name):
    metric = METRICS[name]
    assert metric.name == name
    assert metric.description.endswith(".") and "\n" not in metric.description
    assert metric.unit in UNITS
    assert name.endswith(SUFFIXES.get(metric.unit, "")) and not (
        metric.unit in ("1", "SUV") and name.endswith(tuple(SUFFIXES.values()))
    )
    assert isinstance(metric.direction, Direction)
    assert (metric.twin is not None) == (metric.symmetry is Symmetry.TWIN)
    assert metric.needs and metric.needs <= NEEDS
    assert metric.missing_value in (None, 0.0)
    assert metric.missing_value is None or metric.direction is Direction.HIGHER


@pytest.mark.parametrize("name", NAMES)
def test_its_twin_mirrors_it(name):
    metric = METRICS[name]
    if metric.twin is None:
        return
    mirror = {Presence.REFERENCE_EMPTY: Presence.PREDICTION_EMPTY, Presence.PREDICTION_EMPTY: Presence.REFERENCE_EMPTY}
    twin = METRICS[metric.twin]
    assert twin.twin == name
    assert (twin.unit, twin.direction, twin.needs) == (metric.unit, metric.direction, metric.needs)
    assert twin.undefined == {mirror.get(presence, presence) for presence in metric.undefined}


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_the_keywords_of_the_formula(name):
    keywords = inspect.signature(METRICS[name].formula).parameters.values()
    assert {word.name for word in keywords if word.kind is word.KEYWORD_ONLY} == METRICS[name].parameters


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("presence", list(Presence))
def test_it_is_undefined_where_it_says_so_and_nowhere_else(name, presence):
    full = np.zeros((3, 3, 3), bool)
    full[1, 1, :2] = True
    reference = full & (presence in (Presence.BOTH_PRESENT, Presence.PREDICTION_EMPTY))
    prediction = full & (presence in (Presence.BOTH_PRESENT, Presence.REFERENCE_EMPTY))
    value = measure(name, reference, prediction)
    assert math.isnan(value) == (presence in METRICS[name].undefined)
    assert isinstance(value, float)


@pytest.mark.parametrize("name", NAMES)
def test_a_value_can_be_missing_exactly_if_there_is_a_reason_for_it(name):
    """Masks far apart, and an image without numbers."""
    reference, prediction = np.zeros((2, 5, 5, 5), bool)
    reference[0, 0, 0] = prediction[4, 4, 4] = True
    apart = measure(name, reference, prediction)
    blind = measure(name, reference, reference, np.full(reference.shape, np.nan))
    assert bool(METRICS[name].nan_reason) == (math.isnan(apart) or math.isnan(blind))


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_swapping_the_masks_does_what_the_symmetry_says(name, seed):
    reference, prediction, image = volumes(seed)
    metric = METRICS[name]
    there, back = measure(name, reference, prediction, image), measure(name, prediction, reference, image)
    expected = {
        Symmetry.SAME: there,
        Symmetry.NEGATED: -there,
        Symmetry.TWIN: measure(metric.twin or name, reference, prediction, image),
        Symmetry.NONE: back,
    }
    assert back == close(expected[metric.symmetry])


@pytest.mark.parametrize("name", [name for name in NAMES if METRICS[name].symmetry is Symmetry.NONE])
def test_symmetry_that_is_not_promised_is_not_there(name):
    """A split lesion, and one that was missed: the order of the masks matters."""
    reference, prediction = np.zeros((2, 3, 3, 12), bool)
    reference[1, 1, :9] = True
    prediction[1, 1, :4] = prediction[1, 1, 5:8] = prediction[1, 1, 10:] = True
    settings_ = PairSettings(connectivity=18, matching=Matching("many-to-many", 0.1))
    if name == "dice_of_numbers":  # the Dice of masks, unless the reference is numbered
        reference, settings_ = 3 * reference.astype(np.uint8), replace(settings_, reference_instances=True)
    image = np.arange(reference.size, dtype=float).reshape(reference.shape)
    choices = {"spacing_mm": SPACING_MM, "settings": settings_, "image": image}
    there = METRICS[name].formula(compare_masks(reference, prediction, **choices))
    back = METRICS[name].formula(compare_masks(prediction, reference, **choices))
    empty = METRICS[name].formula(compare_masks(reference, reference * 0, **choices))
    nothing = METRICS[name].formula(compare_masks(reference * 0, reference, **choices))
    assert there != back or empty != nothing


@pytest.mark.parametrize("name", NAMES)
@given(
    seed=st.integers(0, 10**6), axes=st.permutations([0, 1, 2]), flips=st.lists(st.booleans(), min_size=3, max_size=3)
)
@settings(max_examples=8, deadline=None)
def test_permuted_and_reversed_axes_change_nothing(name, seed, axes, flips):
    arrays = volumes(seed)
    turn = tuple(slice(None, None, -1 if flip else None) for flip in flips)
    turned = [array.transpose(axes)[turn] for array in arrays]
    spacing_mm = tuple(SPACING_MM[axis] for axis in axes)
    assert measure(name, *turned, spacing_mm=spacing_mm) == close(measure(name, *arrays))


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10**6), shift=st.tuples(*[st.integers(0, 5)] * 3))
@settings(max_examples=6, deadline=None)
def test_a_shift_of_both_masks_changes_nothing(name, seed, shift):
    arrays = volumes(seed)
    shifted = [np.pad(array, [(n, 5 - n) for n in shift]) for array in arrays]
    assert measure(name, *shifted) == close(measure(name, *arrays))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "suvpeak_error"])
@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_larger_voxels_scale_it_by_its_unit(name, factor):
    """But for SUVpeak: its sphere keeps its size."""
    arrays = volumes(4)
    once = measure(name, *arrays)
    spacing_mm = tuple(factor * edge for edge in SPACING_MM)
    scaled = measure(name, *arrays, spacing_mm=spacing_mm, tolerance_mm=factor * TOLERANCE_MM)
    assert math.isfinite(once)
    assert scaled == close(once * factor ** UNITS[METRICS[name].unit])


@pytest.mark.parametrize("name", NAMES)
def test_no_mask_is_better_than_the_reference_itself(name):
    reference, prediction, image = volumes(5)
    metric, value = METRICS[name], measure(name, reference, reference, image)
    if name == "lesion_tp":
        assert value == measure("reference_lesions", reference, reference)
    elif metric.direction is not Direction.NONE:
        assert value == {Direction.HIGHER: 1.0, Direction.LOWER: 0.0, Direction.ZERO: 0.0}[metric.direction]
    if metric.direction in (Direction.HIGHER, Direction.LOWER):
        worse = measure(name, reference, prediction & (image > 0.3), image)
        assert worse < value if metric.direction is Direction.HIGHER else worse > value


@pytest.mark.parametrize("name", NAMES)
def test_memory_order_type_and_byte_order_change_nothing(name):
    reference, prediction, image = volumes(6)
    expected = measure(name, reference, prediction, image)
    for order in "CF":
        as_bytes = prediction.astype(np.uint8)
        assert measure(name, np.asarray(reference, order=order), as_bytes, image.copy(order)) == close(expected)
    spread = np.zeros(tuple(2 * n for n in reference.shape), bool)
    spread[::2, ::2, ::2] = reference
    assert measure(name, spread[::2, ::2, ::2], np.asfortranarray(prediction), image) == close(expected)
    swapped = image.astype(image.dtype.newbyteorder())
    assert measure(name, reference.astype(">i2") * 7, prediction.astype(">u4") * 9, swapped) == close(expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_arrays_are_left_alone(name):
    arrays = volumes(7)
    for array in arrays:
        array.setflags(write=False)
    assert measure(name, *arrays) == measure(name, *volumes(7))
