import numpy as np
import pytest

from oncohort.geometry import Geometry
from oncohort.phantoms.canvas import Axes
from oncohort.phantoms.shapes import Bands, Column, Ellipsoid, Shape, Tube, Without

HALF = 40


def points() -> Axes:
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    affine[:3, 3] = (HALF, HALF, -HALF)
    edge = 2 * HALF + 1
    return Axes.of(Geometry((edge, edge, edge), affine))


def inside(shape: Shape) -> np.ndarray:
    everything = slice(None)
    return points().inside(shape, (everything, everything, everything))


def has(shape: Shape, *point: float) -> bool:
    x, y, z = (np.array([value], np.float32) for value in point)
    return bool(shape.contains(x, y, z)[0])


def test_an_ellipsoid_has_its_volume_and_its_centre():
    body = Ellipsoid((5.0, -7.0, 3.0), (20.0, 12.0, 9.0))
    mask = inside(body)
    assert mask.sum() / 1000 == pytest.approx(body.volume_ml, rel=0.01)
    assert body.volume_ml == pytest.approx(4 / 3 * np.pi * 20 * 12 * 9 / 1000)
    k, j, i = (axis.mean() for axis in np.nonzero(mask))
    assert (HALF - i, HALF - j, k - HALF) == pytest.approx((5.0, -7.0, 3.0), abs=0.05)


def test_turning_about_z_goes_from_x_to_y_and_about_y_from_x_to_z():
    about_z = Ellipsoid((0.0, 0.0, 0.0), (20.0, 4.0, 4.0), turn_z=30.0)
    along = 18 * np.cos(np.radians(30)), 18 * np.sin(np.radians(30))
    assert has(about_z, along[0], along[1], 0)
    assert not has(about_z, along[0], -along[1], 0)
    about_y = Ellipsoid((0.0, 0.0, 0.0), (20.0, 4.0, 4.0), turn_y=30.0)
    assert has(about_y, along[0], 0, along[1])
    assert not has(about_y, along[0], 0, -along[1])


def test_a_higher_power_fills_the_corners():
    assert has(Ellipsoid((0.0, 0.0, 0.0), (10.0, 10.0, 10.0), power=4.0), 7, 7, 0)
    assert not has(Ellipsoid((0.0, 0.0, 0.0), (10.0, 10.0, 10.0)), 7.2, 7.2, 0)


def test_a_column_widens_linearly_between_its_levels():
    column = Column(((0.0, 0.0, 0.0, 10.0, 5.0), (20.0, 4.0, 2.0, 20.0, 9.0)))
    assert has(column, 16.9, 1.0, 10) and not has(column, 17.1, 1.0, 10)
    assert has(column, 2.0, 7.9, 10) and not has(column, 2.0, 8.1, 10)
    assert not has(column, 0, 0, -0.1) and not has(column, 0, 0, 20.1)


def test_a_tube_is_a_cylinder_with_round_ends():
    tube = Tube(((0.0, 0.0, 0.0), (0.0, 0.0, 20.0)), 5.0)
    assert inside(tube).sum() == pytest.approx(np.pi * 25 * 20 + 4 / 3 * np.pi * 125, rel=0.03)
    assert has(tube, 0, 0, 24.9) and not has(tube, 0, 0, 25.1) and not has(tube, 3.6, 3.6, 10)


def test_bands_repeat_and_sink_towards_the_front():
    bands = Bands(Ellipsoid((0.0, 0.0, 0.0), (30.0, 30.0, 30.0)), pitch=10.0, thickness=4.0, slope=0.5)
    assert has(bands, 0, 0, 3.9) and not has(bands, 0, 0, 4.1) and has(bands, 0, 0, 10.1)
    assert has(bands, 0, 4, 1.9) and not has(bands, 0, 4, 2.1)


def test_without_takes_the_hole_away():
    shell = Without(Ellipsoid((0.0, 0.0, 0.0), (10.0, 10.0, 10.0)), Ellipsoid((0.0, 0.0, 0.0), (5.0, 5.0, 5.0)))
    assert has(shell, 7, 0, 0) and not has(shell, 3, 0, 0) and not has(shell, 11, 0, 0)


@pytest.mark.parametrize(
    "shape",
    [
        Ellipsoid((3.0, -4.0, 5.0), (20.0, 6.0, 10.0)),
        Ellipsoid((0.0, 0.0, 0.0), (25.0, 6.0, 10.0), turn_z=40.0, turn_y=20.0),
        Column(((-10.0, 5.0, 0.0, 8.0, 6.0), (15.0, -5.0, 3.0, 12.0, 9.0)), power=2.5),
        Tube(((-9.0, 3.0, 0.0), (9.0, -8.0, 10.0), (0.0, 0.0, 20.0)), 4.0),
        Bands(Ellipsoid((0.0, 0.0, 0.0), (12.0, 10.0, 20.0)), pitch=8.0, thickness=3.0),
        Without(Ellipsoid((0.0, 0.0, 0.0), (12.0, 10.0, 20.0)), Ellipsoid((0.0, 0.0, 0.0), (5.0, 5.0, 5.0))),
    ],
)
def test_no_point_lies_outside_the_bounds(shape: Shape):
    axes = points()
    everything, box = inside(shape), axes.box(shape)
    boxed = np.zeros_like(everything)
    boxed[box] = axes.inside(shape, box)
    assert everything.any()
    assert np.array_equal(boxed, everything)
