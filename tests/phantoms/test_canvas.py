import numpy as np

from oncohort.geometry import Geometry
from oncohort.phantoms.body import Part
from oncohort.phantoms.canvas import Axes, paint
from oncohort.phantoms.shapes import Ellipsoid
from oncohort.phantoms.tissues import Tissue

GRID = Geometry((5, 4, 3), [[-2.0, 0, 0, 4], [0, -2.0, 0, 3], [0, 0, 2.0, -1], [0, 0, 0, 1]])


def test_axes_are_the_voxel_centres():
    axes = Axes.of(GRID)
    assert axes.x.tolist() == [4, 2, 0, -2, -4]
    assert axes.y.tolist() == [3, 1, -1, -3]
    assert axes.z.tolist() == [-1, 1, 3]
    assert axes.scaled((2.0, 1.0, 0.5)).x.tolist() == [2, 1, 0, -1, -2]
    assert axes.scaled((2.0, 1.0, 0.5)).z.tolist() == [-2, 2, 6]


def test_a_part_takes_the_place_of_those_tissues_alone_that_it_may():
    tissues = np.zeros((3, 4, 5), np.uint8)
    tissues[:, :, 2] = Tissue.FAT
    everywhere = Ellipsoid((0.0, 0.0, 0.0), (50.0, 50.0, 50.0))
    paint(tissues, Axes.of(GRID), [Part(Tissue.LIVER, everywhere, frozenset({Tissue.FAT}))])
    assert set(np.unique(tissues[:, :, 2])) == {Tissue.LIVER}
    assert (tissues == Tissue.LIVER).sum() == 12


def test_later_parts_cover_earlier_ones_and_parts_beside_the_grid_do_nothing():
    tissues = np.zeros((3, 4, 5), np.uint8)
    ball = Ellipsoid((-4.0, 1.0, 1.0), (1.0, 1.0, 1.0))
    away = Ellipsoid((90.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    anything = frozenset(Tissue)
    paint(
        tissues,
        Axes.of(GRID),
        [Part(tissue, shape, anything) for tissue, shape in ((4, ball), (Tissue.LIVER, ball), (6, away))],
    )
    assert np.argwhere(tissues).tolist() == [[1, 1, 4]]
    assert tissues[1, 1, 4] == Tissue.LIVER
