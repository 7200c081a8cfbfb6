import pickle

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncohort.errors import GeometryError
from oncohort.geometry import POSITION_TOLERANCE_MM, SLICE_TOLERANCE_MM, Box, Geometry

ALL_CODES = [
    "".join(nibabel.orientations.ornt2axcodes(np.column_stack([axes, signs])))
    for axes in ([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0])
    for signs in np.array(np.meshgrid([1, -1], [1, -1], [1, -1])).reshape(3, -1).T
]


def oblique(shape=(5, 6, 7), angle=0.3):
    c, s = np.cos(angle), np.sin(angle)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.diag([-1.5, 2.0, 3.25])
    affine[:3, 3] = [12.5, -34.0, 7.75]
    return Geometry(shape, affine)


def test_tolerances_are_the_published_ones():
    assert (POSITION_TOLERANCE_MM, SLICE_TOLERANCE_MM) == (0.01, 0.1)


def test_spacing_and_volume_of_an_oblique_grid():
    grid = oblique()
    assert grid.spacing_mm == pytest.approx((1.5, 2.0, 3.25))
    assert grid.voxel_mm3 == pytest.approx(9.75)
    assert grid.voxel_ml == pytest.approx(0.00975, rel=1e-12)
    sheared = Geometry((2, 2, 2), [[1, 0.5, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
    assert sheared.voxel_mm3 == pytest.approx(2.0)


def test_indices_and_millimetres_as_nibabel_has_them():
    grid = oblique()
    points = np.array([[0, 0, 0], [1, 2, 3], [4.5, -1, 6.25]])
    assert np.allclose(grid.to_mm(points), nibabel.affines.apply_affine(grid.affine, points), atol=1e-12)
    assert np.allclose(grid.to_index(grid.to_mm(points)), points, atol=1e-12)
    assert grid.to_mm([[0, 0, 0]]).tolist() == [[12.5, -34.0, 7.75]]


@given(st.lists(st.floats(-500, 500), min_size=3, max_size=3))
def test_to_index_inverts_to_mm(point):
    assert np.allclose(oblique().to_index(oblique().to_mm([point])), [point], atol=1e-9)


@pytest.mark.parametrize("codes", ALL_CODES)
def test_orientation_and_reorient_agree_with_nibabel(codes):
    image = nibabel.Nifti1Image(np.zeros(oblique().shape, np.uint8), oblique().affine)
    turn = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(image.affine), nibabel.orientations.axcodes2ornt(codes)
    )
    expected = image.as_reoriented(turn)
    found = oblique().reorient(codes)
    assert found.orientation == codes == "".join(nibabel.aff2axcodes(expected.affine))
    assert found.shape == expected.shape
    assert np.allclose(found.affine, expected.affine, atol=1e-12)
    assert found.reorient(oblique().orientation).is_same_grid(oblique())


@pytest.mark.parametrize("codes", ["", "RA", "RAX", "RRS", "RLS", "ras", "RASL"])
def test_impossible_codes_are_refused(codes):
    with pytest.raises(GeometryError, match="three letters"):
        oblique().reorient(codes)


def test_crop_moves_the_corner():
    box = Box((1, 2, 3), (5, 4, 7))
    part = oblique().crop(box)
    assert part.shape == (4, 2, 4)
    assert np.allclose(part.to_mm([[0, 0, 0], [1, 1, 1]]), oblique().to_mm([[1, 2, 3], [2, 3, 4]]))


@pytest.mark.parametrize("box", [Box((0, 0, 0), (0, 1, 1)), Box((-1, 0, 0), (2, 2, 2)), Box((0, 0, 0), (5, 6, 8))])
def test_crop_refuses_what_reaches_outside(box):
    with pytest.raises(GeometryError, match=r"a box inside \(5, 6, 7\)"):
        oblique().crop(box)


def moved(grid, *, shift=0.0, stretch=0.0):
    affine = grid.affine.copy()
    affine[0, 3] += shift
    affine[2, 2] += stretch
    return Geometry(grid.shape, affine)


def test_offset_is_the_greatest_over_all_corners():
    grid = Geometry((3, 4, 11), np.eye(4))
    assert grid.largest_offset_mm(moved(grid, shift=-3)) == pytest.approx(3)
    assert grid.largest_offset_mm(moved(grid, stretch=0.2)) == pytest.approx(2.0)  # ten steps of 0.2
    assert grid.largest_offset_mm(moved(grid, shift=3, stretch=0.4)) == pytest.approx(5.0)  # 3 and 4 at right angles
    flipped = Geometry((3, 4, 11), np.diag([-1.0, 1, 1, 1]))
    assert grid.largest_offset_mm(flipped) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("offset", "same"), [(0.0, True), (0.0099, True), (-0.0099, True), (0.0101, False), (1, False)]
)
def test_same_grid_on_both_sides_of_the_limit(offset, same):
    grid = Geometry((3, 4, 11), np.eye(4))
    assert grid.is_same_grid(moved(grid, shift=offset)) is same
    assert grid.is_same_grid(moved(grid, stretch=offset / 10)) is same


def test_same_grid_needs_the_same_shape_and_takes_another_tolerance():
    grid = Geometry((3, 4, 5), np.eye(4))
    assert not grid.is_same_grid(Geometry((3, 4, 6), np.eye(4)))
    assert grid.is_same_grid(moved(grid, shift=0.4), tolerance_mm=0.5)
    assert grid.is_same_grid(moved(grid, shift=0.5), tolerance_mm=0.5)  # the limit itself is allowed
    assert not grid.is_same_grid(moved(grid, shift=0.5), tolerance_mm=0.499)


def test_crop_may_take_everything():
    assert oblique().crop(Box((0, 0, 0), (5, 6, 7))) == oblique()


def test_require_same_grid_says_what_differs():
    grid = Geometry((3, 4, 11), np.diag([1.0, 1, 2, 1]))
    grid.require_same_grid(moved(grid, shift=0.005), what="the mask", where="a.nii.gz")
    with pytest.raises(
        GeometryError, match=r"a.nii.gz: expected the mask on the grid.*1 x 1 x 2 mm.*up to 0.5 mm away"
    ):
        grid.require_same_grid(moved(grid, shift=0.5), what="the mask", where="a.nii.gz")
    with pytest.raises(GeometryError, match=r"found shape \(3, 4, 10\)"):
        grid.require_same_grid(Geometry((3, 4, 10), grid.affine), what="the mask", where="a.nii.gz")


NAN = np.diag([1.0, 1, 1, 1])
NAN[0, 3] = np.nan
BAD = [
    ((2, 2), np.eye(4)),
    ((2, 2, 0), np.eye(4)),
    ((2, 2, 32768), np.eye(4)),
    ((2, 2, 2), np.eye(3)),
    ((2, 2, 2), NAN),
    ((2, 2, 2), np.diag([1.0, 1, np.inf, 1])),
    ((2, 2, 2), np.diag([1.0, 1, 1, 2])),
    ((2, 2, 2), np.diag([1.0, 1, 0, 1])),
    ((2, 2, 2), [[1, 1, 0, 0], [0, 1e-4, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
]


@pytest.mark.parametrize(("shape", "affine"), BAD)
def test_impossible_grids_are_refused(shape, affine):
    with pytest.raises(GeometryError, match="repair the header"):
        Geometry(shape, affine)


def test_the_limits_themselves_are_possible():
    assert Geometry((32767, 1, 1), np.diag([1e-5, 1e-5, 1e-5, 1])).shape == (32767, 1, 1)


def test_equal_grids_are_equal_values():
    grid, twin = oblique(), oblique()
    assert grid == twin
    assert hash(grid) == hash(twin)
    assert grid != moved(grid, shift=1e-9)
    assert grid != Geometry((5, 6, 8), grid.affine)
    assert grid != "a grid"
    back = Geometry((2, 2, 2), np.eye(4)).reorient("LPS").reorient("RAS")
    assert back == Geometry((2, 2, 2), np.eye(4))
    assert hash(back) == hash(Geometry((2, 2, 2), np.eye(4)))
    assert hash(Geometry((1, 1, 1), -np.diag([1.0, 1, 1, -1]))) == hash(Geometry((1, 1, 1), np.diag([-1.0, -1, -1, 1])))


def test_a_grid_cannot_be_changed():
    grid = oblique()
    for copy in (grid, pickle.loads(pickle.dumps(grid))):
        assert copy == grid
        with pytest.raises(ValueError, match="read-only"):
            copy.affine[0, 0] = 9
        with pytest.raises(AttributeError, match="frozen"):
            copy.shape = (1, 1, 1)


def test_a_grid_keeps_its_own_affine():
    affine = np.eye(4)
    grid = Geometry((1, 1, 1), affine)
    affine[0, 0] = 5
    assert grid.affine[0, 0] == 1


def test_repr_rebuilds_the_grid():
    assert eval(repr(oblique()), {"Geometry": Geometry}) == oblique()
