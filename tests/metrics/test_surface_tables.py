import numpy as np
import pytest

from oncohort.metrics.surface_tables import element_areas

SPACING_MM = (0.7, 1.3, 2.9)


def code(*corners):
    return sum(1 << (4 * a + 2 * b + c) for a, b, c in corners)


def test_plain_shapes_have_the_area_of_school_geometry():
    i, j, k = SPACING_MM
    areas = element_areas(SPACING_MM)
    slanted = [np.hypot(j, k) * i / 2, np.hypot(i, k) * j / 2, np.hypot(i, j) * k / 2]
    cut = np.sqrt((j * k) ** 2 + (i * k) ** 2 + (i * j) ** 2) / 8
    assert areas[0] == areas[255] == 0
    assert areas[code((0, 0, 0))] == pytest.approx(cut)
    assert areas[code((0, 0, 0), (1, 1, 1))] == pytest.approx(2 * cut)
    for axis in range(3):
        end = tuple(int(along == axis) for along in range(3))
        assert areas[code((0, 0, 0), end)] == pytest.approx(slanted[axis])
    face = [(0, b, c) for b in (0, 1) for c in (0, 1)]
    assert areas[code(*face)] == pytest.approx(j * k)
    assert areas[code(*face[:3])] == pytest.approx(j * k / 2 + 3 * cut)


def test_filled_and_empty_change_places_and_axes_turn():
    areas = element_areas(SPACING_MM)
    np.testing.assert_allclose(areas, areas[::-1], rtol=1e-15)
    bits = (np.arange(256)[:, None] >> np.arange(8) & 1).reshape(256, 2, 2, 2)
    for turn in ((1, 2, 0), (2, 1, 0), (0, 2, 1)):
        turned = bits.transpose(0, *(axis + 1 for axis in turn)).reshape(256, 8) @ (1 << np.arange(8))
        other = element_areas(tuple(SPACING_MM[axis] for axis in turn))
        np.testing.assert_allclose(other[turned], areas, rtol=1e-12)
        mirrored = bits[:, ::-1].reshape(256, 8) @ (1 << np.arange(8))
        np.testing.assert_allclose(areas[mirrored], areas, rtol=1e-12)


def test_equals_the_table_of_the_surface_distance_package():
    tables = pytest.importorskip("surface_distance.lookup_tables")
    bits = tables.ENCODE_NEIGHBOURHOOD_3D_KERNEL.ravel()
    codes = (np.arange(256)[:, None] >> np.arange(8) & 1) @ bits
    expected = tables.create_table_neighbour_code_to_surface_area(SPACING_MM)[codes]
    np.testing.assert_allclose(element_areas(SPACING_MM), expected, rtol=1e-12)
