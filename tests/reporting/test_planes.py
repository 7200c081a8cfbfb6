import itertools

import numpy as np
import pytest

from oncohort.geometry import Geometry
from oncohort.geometry.orientation import axis_permutation
from oncohort.reporting.drawing import (
    AXIAL,
    CORONAL,
    SAGITTAL,
    VIEWS,
    WINDOWS,
    Plane,
    body_extent,
    coronal_maximum,
    grown,
    sampling,
    shortened,
    slice_plane,
)

CODES = [
    "".join(letters) for order in itertools.permutations(("RL", "AP", "SI")) for letters in itertools.product(*order)
]


def turned(array: np.ndarray, geometry: Geometry, codes: str) -> tuple[np.ndarray, Geometry]:
    sources, flips = axis_permutation(geometry.orientation, codes)
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    return array.transpose(sources)[steps], geometry.reorient(codes)


def rotated(degrees: float, shape: tuple[int, int, int] = (30, 34, 38)) -> Geometry:
    """A grid turned about all three axes, with voxels of 2 x 3 x 4 mm, round the origin."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    about_y = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    affine = np.eye(4)
    affine[:3, :3] = about_x @ about_y @ np.diag([-2.0, -3.0, 4.0])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) - 1) / 2
    return Geometry(shape, affine)


def positions(geometry: Geometry) -> np.ndarray:
    return geometry.to_mm(np.indices(geometry.shape).reshape(3, -1).T).reshape(*geometry.shape, 3)


def test_letters_are_those_of_radiology() -> None:
    """Left, right, bottom, top of the picture: an axial slice is seen from the feet, a sagittal one from the left."""
    assert AXIAL.letters == ("R", "L", "P", "A")
    assert CORONAL.letters == ("R", "L", "I", "S")
    assert SAGITTAL.letters == ("A", "P", "I", "S")


@pytest.mark.parametrize("codes", CODES)
def test_any_orientation_gives_the_same_planes(codes: str) -> None:
    """One voxel at the patient's left, front and head shines in the corner that the letters say."""
    array = np.zeros((5, 6, 7), np.int16)
    array[0, 5, 6] = 9  # RAS grid: i 0 is the left, j 5 the front, k 6 the head
    geometry = Geometry((5, 6, 7), np.diag([2.0, 3.0, 4.0, 1.0]))
    array, geometry = turned(array, geometry, codes)
    at = {
        "axial": (24.0, (5, 4), (3.0, 2.0)),
        "coronal": (15.0, (6, 4), (4.0, 2.0)),
        "sagittal": (0.0, (6, 0), (4.0, 3.0)),
    }
    for name, (depth, pixel, spacing) in at.items():
        plane = slice_plane(array, geometry, VIEWS[name], depth, interpolation="nearest", fill=0)
        assert np.argwhere(plane.pixels == 9).tolist() == [list(pixel)], name
        assert plane.spacing_mm == pytest.approx(spacing)
        assert plane.pixels.sum() == 9


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("degrees", [0.0, 7.0, 31.0])
def test_every_pixel_of_a_tilted_grid_lies_where_the_plane_says(view, degrees: float) -> None:
    """Oracle: a field that is linear in mm is interpolated without error, so a pixel tells its own place."""
    geometry = rotated(degrees)
    weights = np.array([1.0, 10.0, 100.0])
    array = (positions(geometry) @ weights).astype(np.float64)
    plane = slice_plane(array, geometry, view, 5.0, interpolation="linear", fill=np.nan)
    point = np.zeros((*plane.pixels.shape, 3))
    point[..., view.through] = 5.0
    point[..., view.across] = view.across_sign * plane.columns_mm[None, :]
    point[..., view.up] = plane.rows_mm[:, None]
    index = geometry.to_index(point.reshape(-1, 3)).reshape(point.shape)
    inside = ((index >= 0) & (index <= np.array(geometry.shape) - 1)).all(axis=-1)
    assert inside.mean() > 0.3
    assert np.abs(plane.pixels[inside] - (point @ weights)[inside]).max() < 0.05
    beyond = ((index < -0.51) | (index > np.array(geometry.shape) - 0.49)).any(axis=-1)
    assert np.isnan(plane.pixels[beyond]).all()


def test_a_depth_beyond_the_scan_is_filled() -> None:
    geometry = Geometry((3, 3, 1), np.diag([1.0, 1.0, 8.0, 1.0]))
    array = np.ones((3, 3, 1), np.int16)
    values = {
        depth: slice_plane(array, geometry, AXIAL, depth, interpolation="linear", fill=-1024).pixels.max()
        for depth in (-4.1, -3.9, 0.0, 3.9, 4.1)
    }
    assert values == {-4.1: -1024, -3.9: 1, 0.0: 1, 3.9: 1, 4.1: -1024}


def test_planes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MAX_PIXELS", 16)
    array = np.ones((200, 3, 2), np.uint8)
    plane = slice_plane(array, Geometry(array.shape, np.eye(4)), AXIAL, 0.0, interpolation="nearest", fill=0)
    assert plane.pixels.shape == (3, 16)
    assert plane.extent_mm[1] - plane.extent_mm[0] == pytest.approx(200, rel=0.08)


def test_masks_of_truth_values_can_be_cut() -> None:
    mask = np.zeros((4, 4, 4), bool)
    mask[1, 2, 3] = True
    plane = slice_plane(mask, Geometry((4, 4, 4), np.eye(4)), AXIAL, 3.0, interpolation="nearest", fill=0)
    assert np.argwhere(plane.pixels).tolist() == [[2, 2]]  # columns run towards the patient's left: 3 - 1


def test_the_maximum_of_a_tilted_grid_lies_where_it_is_in_the_patient() -> None:
    for degrees in (0.0, 20.0):
        geometry = rotated(degrees)
        ball = np.linalg.norm(positions(geometry) - np.array([10.0, -6.0, 20.0]), axis=-1) < 9
        for array in (ball, 5.0 * ball):
            plane = coronal_maximum(array, geometry)
            rows, columns = np.nonzero(plane.pixels > plane.pixels.max() / 2)
            assert plane.rows_mm[rows].mean() == pytest.approx(20.0, abs=1.5)
            assert plane.columns_mm[columns].mean() == pytest.approx(-10.0, abs=1.5)


def test_the_body_is_found_without_the_table_and_both_legs_are_kept() -> None:
    pixels = np.full((100, 100), -1000.0)
    pixels[20:60, 5:35] = pixels[20:60, 60:95] = 40.0
    pixels[5:7, :] = 100.0  # the table, 2 mm thick
    pixels[90:94, 90:94] = 40.0  # a hand rest
    assert body_extent(Plane(pixels, (1.0, 1.0), (0.0, 0.0)), above=-300) == (4.5, 94.5, 19.5, 59.5)
    assert body_extent(Plane(np.full((9, 9), -1000.0), (1.0, 1.0), (0.0, 0.0)), above=-300) is None


def test_extents_stay_in_their_limits() -> None:
    assert grown((0, 1, 0, 1), 5, (-2, 9, -9, 3)) == (-2, 6, -5, 3)
    assert shortened((0, 1, 0, 10), 4, -3) == (0, 1, 0, 4)
    assert shortened((0, 1, 0, 10), 40, 5) == (0, 1, 0, 10)


def test_windows_are_those_that_readers_set() -> None:
    """Mediastinum W 350 L 40 and lung W 1400 L -700: the description of Lung-PET-CT-Dx."""
    assert WINDOWS["mediastinum"].bounds == (-135, 215)
    assert WINDOWS["lung"].bounds == (-1400, 0)
    assert WINDOWS["lung"].words == "lung W 1400 L -700"
    assert all(window.width > 0 and window.name == name for name, window in WINDOWS.items())
