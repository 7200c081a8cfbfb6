import itertools

import numpy as np
import pytest

from oncohort.geometry import Geometry
from oncohort.geometry.orientation import axis_permutation
from oncohort.reporting.drawing import Plane, coronal_maximum, shown_extent


def body() -> tuple[np.ndarray, Geometry]:
    """LPS voxels of 2 x 3 x 4 mm; a bright voxel at the left of the head, a fainter one behind it."""
    array = np.zeros((3, 4, 5), np.float32)
    array[2, 1, 4] = 9.0
    array[2, 3, 4] = 5.0
    array[0, 0, 0] = 2.0
    return array, Geometry((3, 4, 5), np.array([[-2.0, 0, 0, 10], [0, -3, 0, 20], [0, 0, 4, -30], [0, 0, 0, 1]]))


def reoriented(array: np.ndarray, geometry: Geometry, codes: str) -> tuple[np.ndarray, Geometry]:
    sources, flips = axis_permutation(geometry.orientation, codes)
    turned = array.transpose(sources)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    return turned, geometry.reorient(codes)


CODES = [
    "".join(letters) for order in itertools.permutations(("RL", "AP", "SI")) for letters in itertools.product(*order)
]


@pytest.mark.parametrize("codes", CODES)
def test_any_orientation_gives_the_same_view(codes: str) -> None:
    plane = coronal_maximum(*reoriented(*body(), codes))
    assert plane.pixels.shape == (5, 3)
    assert plane.pixels[4, 2] == 9.0  # head, patient's left
    assert plane.pixels[0, 0] == 2.0  # feet, patient's right
    assert plane.pixels.sum() == 11.0
    assert plane.spacing_mm == pytest.approx((4.0, 2.0))
    assert plane.origin_mm == pytest.approx((-30.0, -10.0))


def test_extent_is_the_edges_of_the_pixels() -> None:
    assert coronal_maximum(*body()).extent_mm == pytest.approx((-11.0, -5.0, -32.0, -12.0))


def test_a_mask_on_a_finer_grid_lies_at_the_same_millimetres() -> None:
    coarse = coronal_maximum(np.ones((4, 4, 4), bool), Geometry((4, 4, 4), np.diag([-4.0, -4.0, 4.0, 1.0])))
    affine = np.diag([-2.0, -2.0, 2.0, 1.0])
    affine[:3, 3] = (1.0, 1.0, -1.0)
    fine = coronal_maximum(np.ones((8, 8, 8), bool), Geometry((8, 8, 8), affine))
    assert fine.extent_mm == pytest.approx(coarse.extent_mm)


def test_padding_moves_the_origin_by_one_pixel() -> None:
    padded = Plane(np.ones((2, 3)), (4.0, 2.0), (0.0, 0.0)).padded()
    assert padded.pixels.shape == (4, 5)
    assert padded.origin_mm == (-4.0, -2.0)
    assert padded.rows_mm.tolist() == [-4.0, 0.0, 4.0, 8.0]
    assert padded.columns_mm.tolist() == [-2.0, 0.0, 2.0, 4.0, 6.0]


def test_shown_extent_keeps_masks_outside_the_body_and_stays_in_the_scan() -> None:
    pet = Plane(np.zeros((10, 10)), (10.0, 10.0), (0.0, 0.0))
    pet.pixels[5, 5] = 3.0
    mask = Plane(np.zeros((10, 10), bool), (10.0, 10.0), (0.0, 0.0))
    mask.pixels[9, 2] = True
    assert shown_extent(pet, [], air=0.5, margin_mm=10.0) == (35.0, 65.0, 35.0, 65.0)
    assert shown_extent(pet, [mask], air=0.5, margin_mm=10.0) == (5.0, 65.0, 35.0, 95.0)


def test_an_empty_scan_is_shown_whole() -> None:
    pet = Plane(np.full((3, 4), np.nan), (1.0, 1.0), (0.0, 0.0))
    assert shown_extent(pet, [], air=0.5, margin_mm=1.0) == pet.extent_mm


def test_voxels_without_a_number_hide_nothing() -> None:
    array = np.full((2, 3, 2), np.nan, np.float32)
    array[1, 1, 0] = 4.0
    plane = coronal_maximum(array, Geometry((2, 3, 2), np.diag([-1.0, -1.0, 1.0, 1.0])))
    assert plane.pixels[0, 1] == 4.0
    assert np.isnan(plane.pixels).sum() == 3
