"""Every segmenter: same grid out as in, deterministic, says what it is and needs."""

import sys
from pathlib import Path

import numpy as np
import pytest

from oncohort.cohort import Case
from oncohort.errors import MissingNeedError
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.segmenters import LESION_SCHEME, SEGMENTERS, make_segmenter
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume, reorient

PROGRAM = Path(__file__).parents[1] / "segmenters" / "threshold_program.py"
SETTINGS = {
    "threshold": {"suv": 2.5},
    "percent-of-max": {"percent": 41, "seed_suv": 4.0, "connectivity": 18},
    "liver-threshold": {"mean_factor": 1.0, "sd_factor": 2.0},
    "command": {"program": f"{sys.executable} {PROGRAM} {{pet}} {{mask}} 2.5"},
}


ORGANS = LabelScheme("organs", {"liver": 1})


@pytest.fixture
def case():
    random = np.random.default_rng(2026)
    suv = random.gamma(1.0, 2.0, (14, 12, 16)).astype(np.float32)
    affine = np.array([[-4.0, 0, 0, 20], [0, 4.0, 0, -7], [0, 0, 3.0, 5], [0, 0, 0, 1.0]])
    pet = Volume.from_array(suv, Geometry(suv.shape, affine), Unit.SUVBW)
    liver = np.ones(suv.shape, bool)
    organs = LabelMap.from_masks({"liver": liver}, pet.geometry, ORGANS)
    return Case("A", "A", {}, {"pet": lambda: pet, "organs": lambda: organs})


def test_every_segmenter_is_tried_here():
    assert set(SETTINGS) == set(SEGMENTERS)


@pytest.mark.parametrize("name", list(SEGMENTERS))
class TestContract:
    def test_it_describes_itself(self, name):
        segmenter = make_segmenter({"segmenter": name, **SETTINGS[name]})
        assert segmenter.name == name
        assert segmenter.description and "\n" not in segmenter.description
        assert segmenter.needs
        namespace = {type(segmenter).__name__: type(segmenter)}
        assert eval(repr(segmenter), namespace) == segmenter

    def test_the_mask_lies_on_the_grid_of_the_first_need(self, name, case):
        segmenter = make_segmenter({"segmenter": name, **SETTINGS[name]})
        found = segmenter.segment(case)
        assert found.geometry == case[segmenter.needs[0]].geometry
        assert found.scheme == LESION_SCHEME
        assert 0 < found.mask("lesion").sum() < found.mask("lesion").size

    def test_the_same_case_gives_the_same_mask_and_stays_as_it_was(self, name, case):
        segmenter = make_segmenter({"segmenter": name, **SETTINGS[name]})
        before = case.image("pet").array.copy()
        first, second = segmenter.segment(case), segmenter.segment(case)
        assert np.array_equal(first.mask("lesion"), second.mask("lesion"))
        assert np.array_equal(before, case.image("pet").array)

    def test_flipped_images_give_flipped_masks(self, name, case):
        segmenter = make_segmenter({"segmenter": name, **SETTINGS[name]})
        pet = case.image("pet")
        left, front, up = pet.geometry.orientation
        turned = reorient(pet, {"R": "L", "L": "R"}[left] + front + {"S": "I", "I": "S"}[up])
        flipped = Volume.from_array(turned.array, turned.geometry, pet.unit)
        organs = LabelMap(
            turned.geometry, (reorient(case.label_map("organs").layers[0], turned.geometry.orientation),), ORGANS
        )
        other = segmenter.segment(Case("B", "B", {}, {"pet": lambda: flipped, "organs": lambda: organs}))
        assert np.array_equal(other.mask("lesion")[::-1, :, ::-1], segmenter.segment(case).mask("lesion"))

    def test_an_empty_case_is_an_error_that_names_the_need(self, name):
        segmenter = make_segmenter({"segmenter": name, **SETTINGS[name]})
        with pytest.raises(MissingNeedError, match=segmenter.needs[0]):
            segmenter.segment(Case("A", "A", {}, {}))
