import numpy as np
import pytest

from lung_dx_boxes import slice_box
from oncohort.boxes import BoxReading, SliceStack, edges_mm, slice_positions_mm
from oncohort.geometry import Geometry


@pytest.mark.parametrize("signs", [(-1, -1, 1), (1, 1, 1), (-1, 1, 1), (1, 1, -1)])
def test_a_reading_on_a_volume_has_the_edges_of_its_voxel_box(signs):
    affine = np.diag([*np.array(signs) * (0.7, 0.8, 5.0), 1.0])
    affine[:3, 3] = [11.0, -7.0, 30.0]
    grid = Geometry((20, 20, 6), affine)
    stack = SliceStack.of_grid(grid, series="ct", frame="f")
    positions = slice_positions_mm(grid)
    boxes = [slice_box("ct", positions[k], (2, 3, 9, 12)) for k in (1, 2, 3)]
    reading = BoxReading(stack, "A", "r", tuple(sorted(boxes, key=lambda box: box.position_mm)))
    found = np.diff(reading.extent_mm, axis=1).reshape(-1)
    assert found == pytest.approx(np.diff(edges_mm([[[2, 9], [3, 12], [1, 4]]], grid)[0], axis=1).reshape(-1))
    assert reading.missing_slices == 0


def test_positions_of_an_axial_volume_are_those_of_the_dicom_headers():
    """RAS+ and LPS differ by half a turn round z, which changes no distance along row, column and normal."""
    origin, row, column = np.array([-120.0, -80.0, -234.0]), np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    to_ras = np.diag([-1.0, -1.0, 1.0])
    affine = np.eye(4)
    affine[:3] = np.column_stack([to_ras @ row * 0.84, to_ras @ column * 0.84, [0, 0, 5.0], to_ras @ origin])
    grid = Geometry((512, 512, 4), affine)
    stack = SliceStack.of_grid(grid, series="ct", frame="f")
    assert stack.origin_mm == (origin @ row, origin @ column)
    assert slice_positions_mm(grid).tolist() == [-234.0, -229.0, -224.0, -219.0]
    assert (stack.pixel_mm, stack.step_mm) == ((0.84, 0.84), 5.0)


def test_permuted_axes_have_their_own_planes():
    affine = np.array([[0, 0, 3.0, 0], [2.0, 0, 0, 0], [0, 4.0, 0, 0], [0, 0, 0, 1]])
    stack = SliceStack.of_grid(Geometry((5, 5, 3), affine), series="s", frame="f")
    assert (stack.pixel_mm, stack.step_mm, stack.directions) == ((2.0, 4.0), 3.0, (0, 1, 0, 0, 0, 1))
    assert slice_positions_mm(Geometry((5, 5, 3), affine)).tolist() == [0.0, 3.0, 6.0]
