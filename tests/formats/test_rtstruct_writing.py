from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from pydicom import dcmread

from dicom_files import write_series
from oncohort.errors import GeometryError, LabelError
from oncohort.formats.dicom.contours import rasterise
from oncohort.formats.dicom.referenced import read_referenced_series
from oncohort.formats.dicom.rtstruct import read_rtstruct
from oncohort.formats.dicom.rtstruct_writing import mask_contours, write_contours, write_rtstruct
from oncohort.formats.dicom.study import DicomStudy, WrittenSeries
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.volume import LabelMap

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
    write_contours(tmp_path / "deep" / "rt.dcm", masks, SERIES, STUDY)
    back = read_rtstruct(tmp_path / "deep" / "rt.dcm")
    assert back.names == ("lesion", "nothing")
    assert back.series == ("2.25.1",)
    assert back.frame_of_reference == STUDY.uid("frame of reference")
    assert back.instances == set(SERIES.sop_uids)
    for name, mask in masks.items():
        assert np.array_equal(rasterise(back.contours(name)[0], GRID).mask, mask)


def test_a_mask_of_another_shape_is_refused(tmp_path: Path):
    with pytest.raises(GeometryError, match="shape"):
        write_contours(tmp_path / "rt.dcm", {"lesion": np.zeros((7, 6, 5), bool)}, SERIES, STUDY)
    assert not (tmp_path / "rt.dcm").exists()


OBLIQUE = [0.9541666, -0.2080757, 0.2151061, 0.2785886, 0.880128, -0.3843997]
"""ImageOrientationPatient of a real oblique CT (rt-utils, oriented_data)."""


def rings(shape):
    """Holes, an island in a hole, pixels that touch at a corner, and all four borders."""
    mask = np.zeros(shape, bool)
    mask[0:9, 0:9, 0] = True
    mask[2:7, 2:7, 0] = False
    mask[4, 4, 0] = True
    mask[[0, 1, 2], [0, 1, 2], 1] = True
    mask[:, :, 2] = True
    return mask


@pytest.mark.parametrize("orientation", [[1, 0, 0, 0, 1, 0], OBLIQUE])
def test_labels_on_a_series_come_back_identical(tmp_path: Path, orientation):
    across = np.cross(orientation[:3], orientation[3:])

    def place(data, k):
        data.ImageOrientationPatient = orientation
        data.ImagePositionPatient = [float(value) for value in np.array([-10.5, 20.25, 33]) + 4 * k * across]

    write_series(tmp_path / "ct", shape=(11, 10, 3), change=place, tags={"StudyTime": "1015", "PatientName": "N^N"})
    series = read_referenced_series(tmp_path / "ct")
    masks = {"mass": rings(series.geometry.shape), "oedema": np.random.default_rng(1).random((11, 10, 3)) > 0.5}
    labels = LabelScheme("lesions", {"mass": 1, "oedema": 2, "none": 3})
    label_map = LabelMap.from_masks({**masks, "none": np.zeros((11, 10, 3), bool)}, series.geometry, labels)
    write_rtstruct(tmp_path / "out" / "rs.dcm", label_map, series)
    back = read_rtstruct(tmp_path / "out" / "rs.dcm")
    assert (back.names, back.series, back.frame_of_reference) == (("mass", "oedema", "none"), ("1.2.3",), "1.2.8")
    assert back.instances == {"1.2.3.0", "1.2.3.1", "1.2.3.2"}
    for name, mask in masks.items():
        drawing = rasterise(back.contours(name)[0], series.geometry)
        assert np.array_equal(drawing.mask, mask)
        assert (drawing.outside, drawing.astray) == (0, 0)
    assert back.contours("none") == ((),)


def test_a_structure_set_belongs_to_the_study_of_its_series(tmp_path: Path):
    write_series(tmp_path / "ct", tags={"StudyTime": "1015", "PatientName": "N^N", "StudyDescription": "Bauch"})
    series = read_referenced_series(tmp_path / "ct")
    mask = np.ones((5, 4, 3), bool)
    label_map = LabelMap.from_masks({"mass": mask}, series.geometry, LabelScheme("x", {"mass": 1, "unknown": 2}))
    known = LabelMap(label_map.geometry, label_map.layers, label_map.scheme, frozenset({"mass"}))
    for name in ("a.dcm", "b.dcm"):
        write_rtstruct(tmp_path / name, known, series)
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
    data = dcmread(tmp_path / "a.dcm")
    expected = ("P1", "N^N", "1.2.7", "20250101", "1015", "1.2.8")
    keywords = ("PatientID", "PatientName", "StudyInstanceUID", "StudyDate", "StudyTime", "FrameOfReferenceUID")
    assert tuple(data[keyword].value for keyword in keywords) == expected
    assert data.StructureSetROISequence[0].ReferencedFrameOfReferenceUID == "1.2.8"
    study = data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
    assert study.ReferencedSOPInstanceUID == "1.2.7"
    assert read_rtstruct(tmp_path / "a.dcm").names == ("mass",)
    write_rtstruct(tmp_path / "c.dcm", label_map, series)
    assert dcmread(tmp_path / "c.dcm").SOPInstanceUID != data.SOPInstanceUID
    assert read_rtstruct(tmp_path / "c.dcm").names == ("mass", "unknown")


def test_labels_that_a_structure_set_cannot_hold(tmp_path: Path):
    write_series(tmp_path / "ct")
    series = read_referenced_series(tmp_path / "ct")
    mask = np.ones((5, 4, 3), bool)
    for name in ("x" * 65, "a\\b", " a"):
        label_map = LabelMap.from_masks({name: mask}, series.geometry, LabelScheme("x", {name: 1}))
        with pytest.raises(LabelError, match="names of up to 64"):
            write_rtstruct(tmp_path / "rs.dcm", label_map, series)
    elsewhere = Geometry((5, 4, 3), np.eye(4))
    with pytest.raises(GeometryError, match="grid"):
        label_map = LabelMap.from_masks({"a": mask}, elsewhere, LabelScheme("x", {"a": 1}))
        write_rtstruct(tmp_path / "rs.dcm", label_map, series)
    assert not list(tmp_path.glob("*.dcm"))


@pytest.mark.real_data
def test_real_lesions_come_back_identical(real_data, tmp_path: Path):
    from matplotlib.path import Path as Outline

    folder = real_data("rtstruct") / "mock_data"
    (tmp_path / "ct").mkdir()
    for name in ("ct_1.dcm", "ct_2.dcm"):
        (tmp_path / "ct" / name).write_bytes((folder / name).read_bytes())
    series = read_referenced_series(tmp_path / "ct")
    (contours,) = read_rtstruct(folder / "rt.dcm").contours("ROI-1")
    mask = rasterise(contours, series.geometry).mask
    centres = np.argwhere(np.ones(series.geometry.shape[:2]))
    inside = np.zeros(series.geometry.shape[:2], bool)
    for contour in contours:
        inside ^= Outline(series.geometry.to_index(contour)[:, :2]).contains_points(centres).reshape(inside.shape)
    assert inside.sum() > 100 and (mask.any(axis=2) ^ inside).sum() == 0
    label_map = LabelMap.from_masks({"ROI-1": mask}, series.geometry, LabelScheme("x", {"ROI-1": 1}))
    write_rtstruct(tmp_path / "rs.dcm", label_map, series)
    (again,) = read_rtstruct(tmp_path / "rs.dcm").contours("ROI-1")
    assert np.array_equal(rasterise(again, series.geometry).mask, mask)


@pytest.mark.filterwarnings("error")
def test_values_that_break_the_rules_of_their_vr_are_passed_on_silently(tmp_path: Path):
    with pytest.warns(UserWarning):
        write_series(tmp_path / "ct", tags={"AccessionNumber": "9" * 18})
    series = read_referenced_series(tmp_path / "ct")
    scheme = LabelScheme("x", {"mass": 1})
    label_map = LabelMap.from_masks({"mass": np.ones((5, 4, 3), bool)}, series.geometry, scheme)
    write_rtstruct(tmp_path / "rs.dcm", label_map, series, algorithm="MANUAL")
    data = dcmread(tmp_path / "rs.dcm")
    assert data.StructureSetROISequence[0].ROIGenerationAlgorithm == "MANUAL"
    with pytest.warns(UserWarning):
        assert data.AccessionNumber == "9" * 18
