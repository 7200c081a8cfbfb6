import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_oracles import flood, iou, matches

from oncohort.metrics import (
    Matching,
    PairSettings,
    compare_masks,
    lesion_rows,
    measure_uptake,
    size_class,
    size_classes,
)

SPACING_MM = (10.0, 5.0, 10.0)


def compare(reference, prediction, image=None, **choices):
    choices = {"connectivity": 18, "matching": Matching("many-to-many", 0.1)} | choices
    return compare_masks(reference, prediction, spacing_mm=SPACING_MM, settings=PairSettings(**choices), image=image)


def as_mask(lesion, shape):
    mask = np.zeros(shape, bool)
    mask[tuple(np.transpose(list(lesion)))] = True
    return mask


@given(seed=st.integers(0, 10**6), rule=st.sampled_from([("any-overlap", None), ("many-to-many", 0.2)]))
@settings(max_examples=25, deadline=None)
def test_every_lesion_has_its_row(seed, rule):
    random = np.random.default_rng(seed)
    reference, prediction = random.random((2, 4, 5, 6)) < random.choice([0.0, 0.1, 0.3], (2, 1, 1, 1))
    image = random.random(reference.shape)
    rows = lesion_rows(compare(reference, prediction, image, matching=Matching(*rule)), size_edges_ml=[0.6, 2])
    lesions = {"reference": flood(reference, 18), "prediction": flood(prediction, 18)}
    assert [(row.side, row.lesion) for row in rows] == [
        (side, n) for side, found in lesions.items() for n in range(1, len(found) + 1)
    ]
    pairs = matches(*lesions.values(), *rule)
    met = {
        "reference": lambda lesion: {
            frozenset(lesions["prediction"][p]) for r, p in pairs if lesions["reference"][r] == lesion
        },
        "prediction": lambda lesion: {
            frozenset(lesions["reference"][r]) for r, p in pairs if lesions["prediction"][p] == lesion
        },
    }
    other = {"reference": "prediction", "prediction": "reference"}
    numbers = lesion_numbers(compare(reference, prediction))
    for row in rows:
        lesion = numbers[row.side][row.lesion]
        assert lesion in lesions[row.side]
        uptake = measure_uptake(image, as_mask(lesion, image.shape), spacing_mm=SPACING_MM)
        assert (row.suv_max, row.suv_mean, row.suv_peak) == pytest.approx(
            (uptake.suv_max, uptake.suv_mean, uptake.suv_peak)
        )
        assert row.volume_ml == pytest.approx(0.5 * len(lesion))
        assert row.size_class == ("< 0.6 ml" if len(lesion) < 2 else "0.6 to 2 ml" if len(lesion) < 4 else ">= 2 ml")
        assert {frozenset(numbers[other[row.side]][n]) for n in row.matched} == met[row.side](lesion)
        assert list(row.matched) == sorted(row.matched)
        assert row.iou == pytest.approx(max((iou(lesion, one) for one in lesions[other[row.side]]), default=0.0))


def lesion_numbers(pair):
    """Voxels of each lesion by side and number."""
    found = {}
    for side, numbers in zip(("reference", "prediction"), pair.lesion_maps(), strict=True):
        places = np.argwhere(numbers)
        found[side] = {}
        for place in places:
            voxel = tuple((place + pair.box.start).tolist())
            found[side].setdefault(int(numbers[tuple(place)]), set()).add(voxel)
    return found


def test_lesions_keep_the_numbers_of_their_mask():
    reference = np.zeros((4, 4, 8), np.int32)
    reference[0, 0, :2], reference[0, 0, 2:4], reference[3, 3, 7] = 900, 20, 20
    image = np.arange(128.0).reshape(reference.shape)
    rows = lesion_rows(compare(reference, reference == 900, image, reference_instances=True))
    assert [(row.side, row.lesion, row.volume_ml, row.suv_max, row.matched) for row in rows] == [
        ("reference", 20, 1.5, 127.0, ()),
        ("reference", 900, 1.0, 1.0, (1,)),
        ("prediction", 1, 1.0, 1.0, (900,)),
    ]


@pytest.mark.parametrize("dtype", ["u1", ">u2", ">u4", "<u4", "i8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_kinds_of_numbers_and_memory_order_change_nothing(dtype, order):
    random = np.random.default_rng(8)
    reference, prediction = random.choice([0, 0, 0, 3, 7, 200], (2, 5, 6, 7))
    image = random.random(reference.shape)
    numbered = {"reference_instances": True, "prediction_instances": True}
    expected = lesion_rows(compare(reference, prediction, image, **numbered))
    assert len(expected) == 6
    spread = np.zeros((10, 6, 14), dtype)
    spread[::2, :, ::2] = prediction
    maps = np.asarray(reference, dtype, order=order), spread[::2, :, ::2]
    assert lesion_rows(compare(*maps, np.asarray(image, order=order), **numbered)) == expected


def test_no_image_no_uptake_no_edges_no_class():
    mask = np.ones((2, 2, 2), bool)
    row = lesion_rows(compare(mask, mask))[0]
    assert (row.suv_max, row.suv_mean, row.suv_peak, row.size_class) == (None, None, None, None)


def test_uptake_that_is_no_number_is_none():
    mask = np.ones((2, 2, 2), bool)
    row = lesion_rows(compare(mask, mask, np.full(mask.shape, np.nan)))[0]
    assert (row.suv_max, row.suv_mean, row.suv_peak) == (None, None, None)


def test_empty_masks_have_no_rows():
    empty = np.zeros((2, 2, 2), bool)
    assert lesion_rows(compare(empty, empty, np.zeros(empty.shape)), size_edges_ml=[1]) == []


def test_a_volume_on_an_edge_is_in_the_upper_class():
    assert size_classes([0.5, 10]) == ["< 0.5 ml", "0.5 to 10 ml", ">= 10 ml"]
    assert [size_class(v, [0.5, 10]) for v in (0, 0.5, 9.99, 10)] == [
        "< 0.5 ml",
        "0.5 to 10 ml",
        "0.5 to 10 ml",
        ">= 10 ml",
    ]
    assert size_class(3.0, []) is None
    assert size_classes([1, 2, 4])[2:] == ["2 to 4 ml", ">= 4 ml"]
    assert size_classes([2.5]) == ["< 2.5 ml", ">= 2.5 ml"]


@pytest.mark.parametrize("edges", [[0.0], [2, 1], [1, 1], [-1, 3], [float("nan")]])
def test_edges_must_ascend(edges):
    mask = np.ones((2, 2, 2), bool)
    with pytest.raises(ValueError, match="ascending"):
        lesion_rows(compare(mask, mask), size_edges_ml=edges)
