import numpy as np
import pytest

from oncohort.evaluation import MISSING, NO_IMAGE, UNREADABLE, Measured, compare, measure
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.profiles import load_profile, parse_profile
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

GRID = Geometry((4, 4, 4), np.diag([10.0, 10.0, 10.0, 1.0]))
FULL, NONE = np.ones(GRID.shape, bool), np.zeros(GRID.shape, bool)
HALF = FULL.copy()
HALF[2:] = False
AUTOPET = load_profile("autopet-iii")
LESIONS = load_profile("lesions")


def map_of(**masks):
    scheme = LabelScheme("lesion", {name: n for n, name in enumerate(masks, start=1)})
    return LabelMap.from_masks(masks, GRID, scheme)


def measured(reference, prediction, profile=AUTOPET, image=None, **more):
    first = map_of(lesion=reference)
    second = None if prediction is None else map_of(lesion=prediction)
    found = measure(compare(first, second, profile, image=image), profile, **more)
    return {one.metric: one.value if one.undefined is None else one.undefined for one in found}


def test_all_labels_together_are_the_reference():
    mass, oedema = NONE.copy(), NONE.copy()
    mass[:2], oedema[1:3] = True, True
    reference = map_of(mass=mass, oedema=oedema)
    assert len(reference.layers) == 2
    pairs = compare(reference, map_of(anything=mass | oedema), AUTOPET)
    assert measure(pairs, AUTOPET)[0] == Measured("lesion", "dice", 1.0, None)


def test_both_empty_costs_nothing_and_earns_no_dice():
    assert list(measured(NONE, NONE).values()) == ["reference_empty", 0.0, "reference_empty", 0.0]


@pytest.mark.parametrize(("mask", "expected"), [(NONE, "prediction_empty"), (FULL, 1.0)])
def test_the_profile_decides(mask, expected):
    text = AUTOPET.text.replace("prediction_empty = 0.0", 'prediction_empty = "undefined"', 1)
    assert measured(FULL, mask, parse_profile(text, where="test"))["dice"] == expected


@pytest.mark.parametrize("reason", [MISSING, UNREADABLE])
def test_what_is_absent_is_worst_or_undefined_with_its_reason(reason):
    assert measured(HALF, None, absent=reason) == {
        "dice": 0.0,
        "fpv_ml": reason,
        "fnv_ml": 32.0,
        "volume_difference_ml": reason,
    }
    assert list(measured(NONE, None, absent=reason).values()) == ["reference_empty", reason, "reference_empty", reason]


def test_a_profile_may_give_a_number_for_what_is_missing():
    text = AUTOPET.text.replace('both_empty = 0.0\nmissing = "undefined"', "both_empty = 0.0\nmissing = 999.0")
    assert measured(HALF, None, parse_profile(text, where="test"), absent=MISSING)["fpv_ml"] == 999.0


def test_uptake_without_an_image_has_no_value_and_says_so():
    found = measured(FULL, HALF, LESIONS, no_image=NO_IMAGE)
    assert found["suvmax_error"] == found["tlg_difference"] == NO_IMAGE
    assert found["dice"] == pytest.approx(2 / 3)


def test_uptake_is_measured_in_the_image():
    values = np.ones(GRID.shape, np.float32)
    values[3, 3, 3] = 9.0
    image = Volume.from_array(values, GRID, Unit.SUVBW)
    found = measured(FULL, HALF, LESIONS, image=image)
    assert found["suvmax_error"] == -8.0
    assert found["suvmean_error"] == pytest.approx(1.0 - 72 / 64)
    assert found["tlg_difference"] == pytest.approx(32 - 72)
