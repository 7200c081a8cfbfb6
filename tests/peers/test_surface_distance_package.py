"""Surface elements as google-deepmind/surface-distance defines them: the same numbers within 1e-6."""

import numpy as np
import pytest
import surface_distance as package
from peer_masks import SPACINGS, of_labels, random_labels, real_organs, real_tumour

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:surface_distance")
TOLERANCES_MM = (0.0, 1.0, 2.0, 5.0)


def expected(reference, prediction, spacing_mm):
    """What the package says of two masks."""
    box = package.compute_surface_distances(reference, prediction, spacing_mm)
    there, back = package.compute_average_surface_distance(box)
    areas = box["surfel_areas_gt"].sum(), box["surfel_areas_pred"].sum()
    values = {f"nsd {mm}": package.compute_surface_dice_at_tolerance(box, mm) for mm in TOLERANCES_MM}
    return values | {
        "assd_elements_directed_mm": (there + back) / 2,
        "assd_elements_mm": (there * areas[0] + back * areas[1]) / sum(areas),
    }


def found(measure):
    values = {f"nsd {mm}": measure("nsd", tolerance_mm=mm) for mm in TOLERANCES_MM}
    names = ("assd_elements_directed_mm", "assd_elements_mm")
    return values | {name: measure(name) for name in names}


def assert_same(reference, prediction, spacing_mm):
    measured = of_labels(reference, prediction, spacing_mm)
    assert measured
    for label, measure in measured.items():
        truth = expected(reference == label, prediction == label, spacing_mm)
        assert found(measure) == pytest.approx(truth, abs=1e-6), label


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@pytest.mark.parametrize("seed", range(3))
def test_random_labels(seed, spacing_mm):
    assert_same(*random_labels(seed), spacing_mm)


def test_single_voxels_and_masks_at_the_border():
    reference = np.zeros((9, 8, 7), np.uint8)
    reference[0, 0, 0] = reference[8, 7, 6] = 1
    reference[:, :, 0] = 2
    prediction = np.zeros_like(reference)
    prediction[4, 4, 4], prediction[:, :2, 1:3] = 1, 2
    assert_same(reference, prediction, (2.0, 1.0, 0.5))


@pytest.mark.real_data
def test_real_organs(real_data):
    assert_same(*real_organs(real_data("ct_organs")))


@pytest.mark.real_data
def test_real_tumour(real_data):
    reference, prediction, _, spacing_mm = real_tumour(real_data("sts_petct"), "STS_001")
    assert_same(reference.astype(np.uint8), prediction.astype(np.uint8), spacing_mm)
