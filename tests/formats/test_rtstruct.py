from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from dicom_files import square, write_series, write_structures
from oncohort.errors import FormatError, GeometryError
from oncohort.formats.dicom.contours import rasterise
from oncohort.formats.dicom.rtstruct import read_rtstruct
from oncohort.formats.dicom.series import read_series
from oncohort.geometry import Geometry
from oncohort.units import Unit
from oncohort.volume import Volume, reorient

UNIT_GRID = Geometry((8, 6, 3), np.eye(4))


def polygon(*corners, z=0.0):
    return np.array([[x, y, z] for x, y in corners], dtype=float)


def covered(*contours, grid=UNIT_GRID):
    return {tuple(int(x) for x in index) for index in np.argwhere(rasterise(contours, grid).mask)}


def block(i0, i1, j0, j1, k=0):
    return {(i, j, k) for i in range(i0, i1) for j in range(j0, j1)}


def test_contours_come_in_ras_with_their_references(tmp_path):
    path = write_structures(
        tmp_path / "rs.dcm", {"Mass": [square(1, 3, 5)], "Edema": []}, instances=["1.2.3.0", "1.2.3.1"]
    )
    found = read_rtstruct(path)
    assert found.names == ("Mass", "Edema")
    assert found.series == ("1.2.3",)
    assert found.frame_of_reference == "1.2.8"
    assert found.instances == {"1.2.3.0", "1.2.3.1"}
    (contours,) = found.contours("Mass")
    assert contours[0].tolist() == [[-1, -1, 5], [-3, -1, 5], [-3, -3, 5], [-1, -3, 5]]
    assert found.contours("Edema") == ((),)


def test_points_and_lines_are_passed_over(tmp_path):
    region = read_rtstruct(write_structures(tmp_path / "a", {"M": [square(0, 1, 0)]}, kind="POINT")).regions[0]
    assert (region.contours, region.passed_over) == ((), 1)


def test_a_region_without_name_gets_its_number(tmp_path):
    assert read_rtstruct(write_structures(tmp_path / "a", {"": [square(0, 1, 0)]})).names == ("ROI 1",)


@pytest.mark.parametrize("contour", [[(1.0, 2.0)], [(1.0,)], []])
def test_a_contour_that_is_no_list_of_points(tmp_path, contour):
    with pytest.raises(FormatError, match="coordinates"):
        read_rtstruct(write_structures(tmp_path / "a", {"M": [contour]}))


def test_other_files_are_refused(tmp_path):
    (tmp_path / "note").write_text("no structure set")
    with pytest.raises(FormatError, match="note"):
        read_rtstruct(tmp_path / "note")
    with pytest.raises(FormatError, match="another kind"):
        read_rtstruct(write_series(tmp_path / "ct")[0])
    with pytest.raises(FormatError):
        read_rtstruct(tmp_path / "none")


def test_only_centres_inside_count():
    assert covered(polygon((0.6, 0.6), (3.4, 0.6), (3.4, 2.4), (0.6, 2.4))) == block(1, 4, 1, 3)
    assert covered(polygon((0.6, 0.6), (0.9, 0.6), (0.9, 0.9), (0.6, 0.9))) == set()


def test_the_direction_of_a_contour_does_not_matter():
    outline = polygon((0.5, 0.2), (5.5, 1.7), (4.2, 4.6), (1.1, 3.3))
    assert covered(outline) == covered(outline[::-1]) == covered(np.roll(outline, 2, axis=0))


def test_edges_through_centres_count_once():
    left = covered(polygon((1, 1), (3, 1), (3, 3), (1, 3)))
    right = covered(polygon((3, 1), (5, 1), (5, 3), (3, 3)))
    assert left == block(1, 3, 1, 3)
    assert not left & right
    assert left | right == covered(polygon((1, 1), (5, 1), (5, 3), (1, 3)))


def test_a_contour_within_another_is_a_hole():
    outer = polygon((0.5, 0.5), (6.5, 0.5), (6.5, 4.5), (0.5, 4.5))
    inner = polygon((2.5, 1.5), (4.5, 1.5), (4.5, 3.5), (2.5, 3.5))
    assert covered(outer, inner) == block(1, 7, 1, 5) - block(3, 5, 2, 4)


def test_contours_may_reach_beyond_the_grid():
    assert covered(polygon((-9, -9), (2.5, -9), (2.5, 99), (-9, 99))) == block(0, 3, 0, 6)
    assert covered(polygon((5.5, 1.5), (99, 1.5), (99, 3.5), (5.5, 3.5))) == block(6, 8, 2, 4)


def test_each_contour_goes_to_its_slice():
    corners = ((0.5, 0.5), (2.5, 0.5), (2.5, 2.5), (0.5, 2.5))
    assert covered(polygon(*corners, z=2.1)) == block(1, 3, 1, 3, k=2)


def test_contours_beside_and_between_slices_are_counted():
    corners = ((0.5, 0.5), (2.5, 0.5), (2.5, 2.5))
    oblique = polygon(*corners)
    oblique[0, 2] = 0.6
    drawing = rasterise([polygon(*corners, z=-1), polygon(*corners, z=3), polygon(*corners, z=1.4), oblique], UNIT_GRID)
    assert (drawing.outside, drawing.astray, drawing.mask.any()) == (2, 2, False)


def test_a_turned_grid_gives_the_same_area():
    turn = np.eye(4)
    angle = np.radians(30)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    outline = polygon((0.6, 0.6), (3.4, 0.6), (3.4, 2.4), (0.6, 2.4))
    grid = Geometry((8, 6, 3), turn)
    assert covered(outline @ turn[:3, :3].T, grid=grid) == block(1, 4, 1, 3)


def test_slanted_edges_cross_where_they_should():
    triangle = polygon((0.2, 0.4), (6.8, 0.4), (0.2, 5.4))
    expected = {(i, j, 0) for i in range(1, 8) for j in range(1, 6) if (i - 0.2) / 6.6 + (j - 0.4) / 5 < 1}
    assert len(expected) == 15
    assert covered(triangle) == expected
    mirrored = triangle * [-1, 1, 1] + [7, 0, 0]
    assert covered(mirrored) == {(7 - i, j, k) for i, j, k in expected}


@pytest.mark.parametrize(("z", "astray"), [(1.24, 0), (1.26, 1), (0.76, 0), (0.74, 1)])
def test_a_contour_lies_within_a_quarter_gap_of_its_slice(z, astray):
    assert rasterise([polygon((0.5, 0.5), (2.5, 0.5), (2.5, 2.5), z=z)], UNIT_GRID).astray == astray


def test_a_disc_has_its_area():
    turns = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    grid = Geometry((100, 100, 1), np.eye(4))
    disc = polygon(*zip(50.2 + 40 * np.cos(turns), 49.7 + 40 * np.sin(turns), strict=True))
    assert rasterise([disc], grid).mask.sum() == pytest.approx(np.pi * 1600, rel=2e-3)


@pytest.mark.real_data
def test_all_48_shipped_masks_are_reproduced(real_data):
    root = real_data("sts_petct")
    compared = 0
    for folder in sorted((root / "dicom").iterdir()):
        for modality in ("CT", "PET"):
            geometry = read_series(folder / modality / "image").geometry
            structures = read_rtstruct(next((folder / modality / "mask").iterdir()))
            (contours,) = structures.contours(f"GTV_Mass_{modality}")
            drawing = rasterise(contours, geometry)
            shipped = nib.load(root / "nifti" / folder.name / f"{modality}_mask.nii.gz")
            volume = Volume.from_array(drawing.mask, geometry, Unit.LABEL)
            turned = reorient(volume, "".join(nib.aff2axcodes(shipped.affine)))
            assert np.array_equal(turned.array, np.asanyarray(shipped.dataobj) > 0), (folder.name, modality)
            assert (drawing.outside, drawing.astray) == (0, 0)
            compared += 1
    assert compared == 48


def test_a_structure_set_as_labels(tmp_path):
    write_series(tmp_path / "ct", shape=(10, 8, 3))
    grid = read_series(tmp_path / "ct").geometry
    regions = {"A": [square(-10, -2, 30)], "B": [square(-6, -2, 30), square(-6, -2, 34)], "none": []}
    found = read_rtstruct(write_structures(tmp_path / "rs.dcm", regions)).label_map(grid)
    assert found.scheme.labels == {"A": 1, "B": 2, "none": 3}
    assert (len(found.layers), found.state("none")) == (2, "empty")
    assert found.mask("B").sum(axis=(0, 1)).tolist()[2] == 0 < found.mask("B").sum()
    for height in (99, 32):
        away = read_rtstruct(write_structures(tmp_path / "away.dcm", {"A": [square(-10, -2, height)]}))
        with pytest.raises(GeometryError, match="slices"):
            away.label_map(grid)
