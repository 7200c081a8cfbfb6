"""The liver's sphere, and what lies above it."""

import numpy as np
import pytest

from oncohort.cohort import Case
from oncohort.errors import MissingNeedError
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.metrics.reference_region import reference_region
from oncohort.phantoms import phantom_patient
from oncohort.segmenters.liver_threshold import LiverThreshold
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

GRID = Geometry((24, 20, 22), np.diag([-4.0, -4.0, 4.0, 1.0]))  # i grows to the patient's left: LPS


def liver_of(*slices):
    mask = np.zeros(GRID.shape, bool)
    mask[slices] = True
    return mask


def test_the_sphere_lies_deepest_in_the_right_upper_part():
    liver = liver_of(slice(0, 24), slice(0, 20), slice(0, 22))
    image = np.zeros(GRID.shape)
    image[:12, :, 11:] = 2.0  # low i is the right side, high k is the head
    found = reference_region(image, liver, GRID)
    assert found.mean < 2.0  # the deepest place is the middle, whose sphere reaches into the colder parts
    quarter = reference_region(image, liver_of(slice(0, 12), slice(0, 20), slice(11, 22)), GRID)
    assert (quarter.mean, quarter.sd) == (2.0, 0.0)


def test_two_lobes_leave_the_right_one():
    liver = liver_of(slice(0, 9), slice(2, 18), slice(2, 20)) | liver_of(slice(12, 24), slice(2, 18), slice(2, 20))
    image = np.zeros(GRID.shape)
    image[:10] = 3.0
    assert reference_region(image, liver, GRID).mean == 3.0


def test_mean_and_sd_are_those_of_the_sphere_by_hand():
    random = np.random.default_rng(1)
    image = random.normal(2.0, 0.3, GRID.shape)
    liver = liver_of(slice(1, 13), slice(2, 18), slice(8, 21))
    found = reference_region(image, liver, GRID)
    places = GRID.to_mm(np.argwhere(np.ones(GRID.shape, bool)))
    near = (((places - found.centre_mm) ** 2).sum(axis=1) <= 15.0**2).reshape(GRID.shape)
    assert liver[near].all()
    assert (found.mean, found.sd, found.voxels) == pytest.approx((image[near].mean(), image[near].std(), near.sum()))


def test_a_thin_liver_has_no_region():
    assert reference_region(np.zeros(GRID.shape), liver_of(slice(0, 6), slice(0, 20), slice(0, 22)), GRID) is None
    assert reference_region(np.zeros(GRID.shape), np.zeros(GRID.shape, bool), GRID) is None
    with pytest.raises(ValueError, match="one shape"):
        reference_region(np.zeros((2, 2, 2)), np.zeros((2, 2, 2), bool), GRID)


def case_with(liver, suv, names=("liver",)):
    pet = Volume.from_array(suv.astype(np.float32), GRID, Unit.SUVBW)
    scheme = LabelScheme("organs", {name: value for value, name in enumerate(names, start=1)})
    organs = LabelMap.from_masks({names[0]: liver}, GRID, scheme)
    return Case("A", "A", {}, {"pet": lambda: pet, "organs": lambda: organs})


def test_the_mask_is_what_lies_above_mean_and_deviations():
    suv = np.random.default_rng(2).normal(2.0, 0.2, GRID.shape)
    liver = liver_of(slice(1, 13), slice(2, 18), slice(8, 21))
    found = LiverThreshold(mean_factor=1.5, sd_factor=2.0).segment(case_with(liver, suv))
    region = reference_region(suv.astype(np.float32), liver, GRID)
    cut = 1.5 * region.mean + 2 * region.sd
    assert np.array_equal(found.mask("lesion"), suv.astype(np.float32) >= cut)
    assert found.layers[0].record["suv"] == pytest.approx(cut)
    assert found.layers[0].record["warnings"] == []


def test_an_odd_liver_is_a_warning_and_none_is_refused():
    liver = liver_of(slice(1, 13), slice(2, 18), slice(8, 21))
    cold = LiverThreshold(mean_factor=1.0, sd_factor=2.0).segment(case_with(liver, np.full(GRID.shape, 0.5)))
    assert "0.50" in cold.layers[0].record["warnings"][0]
    segmenter = LiverThreshold(mean_factor=1.0, sd_factor=2.0)
    with pytest.raises(MissingNeedError, match="label 'liver' of organs"):
        segmenter.segment(case_with(liver, np.ones(GRID.shape), names=("spleen",)))
    with pytest.raises(MissingNeedError, match="empty liver"):
        segmenter.segment(case_with(np.zeros(GRID.shape, bool), np.ones(GRID.shape)))


def test_a_phantom_whose_organs_lie_on_the_ct():
    patient = phantom_patient(3, lesions=2)
    case = Case("A", "A", {}, {"pet": lambda: patient.pet, "organs": lambda: patient.organs})
    found = LiverThreshold(mean_factor=1.0, sd_factor=2.0).segment(case)
    record = found.layers[0].record
    liver = patient.organs.mask("liver")[::2, ::2, ::2]  # a PET voxel covers two CT voxels along each axis
    whole = patient.pet.array[liver]
    assert record["liver_mean"] == pytest.approx(np.median(whole), rel=0.05)
    assert 0.0 < record["liver_sd"] < whole.std()
    assert found.mask("lesion")[patient.lesions.mask("lesion")].mean() > 0.5
