import numpy as np
import pytest

from oncohort.evaluation import Measured, measure
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.profiles import load_profile, parse_profile
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

GRID = Geometry((4, 4, 4), np.diag([10.0, 10.0, 10.0, 1.0]))
FULL, NONE = np.ones(GRID.shape, bool), np.zeros(GRID.shape, bool)


def reference_of(**masks):
    scheme = LabelScheme("lesion", {name: n for n, name in enumerate(masks, start=1)})
    return LabelMap.from_masks(masks, GRID, scheme)


def prediction_of(mask):
    return Volume.from_array(mask.astype(np.uint8), GRID, Unit.LABEL)


def test_all_labels_together_are_the_reference():
    mass, oedema = NONE.copy(), NONE.copy()
    mass[:2], oedema[1:3] = True, True
    reference = reference_of(mass=mass, oedema=oedema)
    assert len(reference.layers) == 2
    dice = measure(reference, prediction_of(mass | oedema), load_profile("autopet-iii"))[0]
    assert dice == Measured("dice", 1.0, None)


def test_both_empty_costs_nothing_and_earns_no_dice():
    found = measure(reference_of(lesion=NONE), prediction_of(NONE), load_profile("autopet-iii"))
    assert [(m.value, m.undefined) for m in found] == [
        (None, "reference_empty"),
        (0.0, None),
        (None, "reference_empty"),
        (0.0, None),
    ]


@pytest.mark.parametrize(
    ("rule", "mask", "expected"),
    [
        ("prediction_empty = 0.0", NONE, Measured("dice", None, "prediction_empty")),
        ("prediction_empty = 0.0", FULL, Measured("dice", 1.0, None)),
    ],
)
def test_the_profile_decides(rule, mask, expected):
    text = load_profile("autopet-iii").text.replace(rule, 'prediction_empty = "undefined"', 1)
    found = measure(reference_of(lesion=FULL), prediction_of(mask), parse_profile(text, where="test"))
    assert found[0] == expected
