from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from oncohort.errors import GeometryError
from oncohort.formats.dicom.contours import rasterise
from oncohort.formats.dicom.rtstruct import read_rtstruct
from oncohort.formats.dicom.rtstruct_writing import mask_contours, write_rtstruct
from oncohort.formats.dicom.study import DicomStudy, WrittenSeries
from oncohort.geometry import Geometry

STUDY = DicomStudy("A", datetime(2026, 1, 5), {}, "x")
GRID = Geometry((7, 6, 4), [[-4.07, 0, 0, 55.5], [0, -4.07, 0, 21.3], [0, 0, 3.27, -10.1], [0, 0, 0, 1]])
SERIES = WrittenSeries("2.25.1", "1.2.840.10008.5.1.4.1.1.128", tuple(f"2.25.{k}" for k in range(10, 14)), GRID)


@settings(max_examples=60, deadline=None)
@given(arrays(np.bool_, GRID.shape))
def test_every_mask_comes_back_from_its_contours(mask):
    contours = [corners for _, corners in mask_contours(mask, GRID)]
    assert np.array_equal(rasterise(contours, GRID).mask, mask)


def test_a_hole_is_a_contour_of_its_own():
    mask = np.zeros(GRID.shape, bool)
    mask[1:4, 1:4, 2] = True
    mask[2, 2, 2] = False
    found = list(mask_contours(mask, GRID))
    assert [k for k, _ in found] == [2, 2]
    assert sorted(len(corners) for _, corners in found) == [4, 4]


def test_corners_lie_half_a_pixel_outside_the_outermost_centres():
    mask = np.zeros(GRID.shape, bool)
    mask[2:5, 3, 1] = True
    ((_, corners),) = mask_contours(mask, GRID)
    index = GRID.to_index(corners)
    assert np.allclose(index.min(axis=0), (1.5, 2.5, 1.0)) and np.allclose(index.max(axis=0), (4.5, 3.5, 1.0))


def test_a_file_comes_back_with_names_references_and_empty_regions(tmp_path: Path):
    rng = np.random.default_rng(3)
    masks = {"lesion": rng.random(GRID.shape) > 0.5, "nothing": np.zeros(GRID.shape, bool)}
    write_rtstruct(tmp_path / "deep" / "rt.dcm", masks, SERIES, STUDY)
    back = read_rtstruct(tmp_path / "deep" / "rt.dcm")
    assert back.names == ("lesion", "nothing")
    assert back.series == ("2.25.1",)
    assert back.frame_of_reference == STUDY.uid("frame of reference")
    assert back.instances == set(SERIES.sop_uids)
    for name, mask in masks.items():
        assert np.array_equal(rasterise(back.contours(name)[0], GRID).mask, mask)


def test_a_mask_of_another_shape_is_refused(tmp_path: Path):
    with pytest.raises(GeometryError, match="shape"):
        write_rtstruct(tmp_path / "rt.dcm", {"lesion": np.zeros((7, 6, 5), bool)}, SERIES, STUDY)
    assert not (tmp_path / "rt.dcm").exists()
