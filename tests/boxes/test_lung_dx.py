"""Lung-PET-CT-Dx A0002 as it is delivered: two reconstructions, 18 XML files."""

import xml.etree.ElementTree as ET

import numpy as np
import pydicom
import pytest

from oncohort.boxes import (
    LUNG_TISSUE,
    LinkSettings,
    MergeSettings,
    SliceBox,
    SliceStack,
    from_corners,
    link_boxes,
    merge_readings,
    weak_mask,
)

pytestmark = pytest.mark.real_data
TAGS = [
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "PixelSpacing",
]


def vector(values):
    return np.array([float(value) for value in values])


@pytest.fixture(scope="module")
def headers(real_data):
    folder = real_data("lung_pet_ct_dx")
    files = sorted(folder.rglob("*.dcm"))
    return folder, {path: pydicom.dcmread(path, specific_tags=TAGS, stop_before_pixels=True) for path in files}


def axes_of(header):
    row, column = np.split(vector(header.ImageOrientationPatient), 2)
    return row, column, np.cross(row, column)


def make_stacks(headers):
    series = {}
    for header in headers.values():
        series.setdefault(header.SeriesInstanceUID, []).append(header)
    stacks = {}
    for uid, slices in series.items():
        row, column, normal = axes_of(slices[0])
        positions = sorted(vector(one.ImagePositionPatient) @ normal for one in slices)
        origin = vector(slices[0].ImagePositionPatient)
        rows_mm, columns_mm = vector(slices[0].PixelSpacing)
        stacks[uid] = SliceStack(
            series=uid,
            frame=slices[0].FrameOfReferenceUID,
            directions=(*row, *column),
            origin_mm=(origin @ row, origin @ column),
            pixel_mm=(columns_mm, rows_mm),
            step_mm=float(np.median(np.diff(positions))),
        )
    return stacks


def read_xml(folder, headers, pixel_rule):
    slices = {header.SOPInstanceUID: header for header in headers.values()}
    for path in sorted(folder.rglob("*.xml")):
        header = slices[path.stem]
        _, _, normal = axes_of(header)
        for drawn in ET.parse(path).getroot().iter("object"):
            corners = [int(drawn.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")]
            (i, j) = from_corners([corners], pixel_rule=pixel_rule, pixel_base=0)[0].tolist()
            yield SliceBox(
                header.SeriesInstanceUID,
                path.stem,
                float(vector(header.ImagePositionPatient) @ normal),
                (tuple(i), tuple(j)),
                drawn.findtext("name").upper(),
                "radiologist",
            )


def lesions(headers, pixel_rule):
    folder, files = headers
    boxes = list(read_xml(folder, files, pixel_rule))
    assert len(boxes) == 18
    readings = link_boxes(boxes, stacks=make_stacks(files), settings=LinkSettings(0.2, 3))
    return merge_readings(readings, settings=MergeSettings(0.3))


# lung_pet_ct_dx.md section 4: 0.646484375 mm, step 8; 8 and 10 slices; mean 2D IoU 0.777186, IoU3D 0.643654
def test_the_two_readings_are_one_lesion(headers):
    (lesion,) = lesions(headers, "half-open")
    assert sorted(len(reading.boxes) for reading in lesion.readings) == [8, 10]
    assert {reading.stack.pixel_mm for reading in lesion.readings} == {(0.646484375, 0.646484375)}
    assert [reading.stack.step_mm for reading in lesion.readings] == pytest.approx([8.0, 8.0])
    (pair,) = lesion.agreement
    assert pair.iou_3d == pytest.approx(0.643654, abs=5e-7)
    assert pair.iou_2d == pytest.approx(0.777186, abs=5e-7)
    (edges,) = lesions(headers, "inclusive")
    assert edges.agreement[0].iou_3d == pytest.approx(0.645024, abs=5e-7)  # measured here: no published number


def test_the_weak_mask_of_a_reading_lies_in_its_boxes_and_is_tissue(headers):
    _, files = headers
    (lesion,) = lesions(headers, "inclusive")
    reading = lesion.readings[0]
    paths = {header.SOPInstanceUID: path for path, header in files.items()}
    slices = [pydicom.dcmread(paths[box.slice_uid]) for box in reading.boxes]
    image = np.stack(
        [one.pixel_array.T * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in slices], axis=2
    )
    boxes = np.array([box.box for box in reading.boxes])
    found = weak_mask(image, boxes, np.arange(len(slices)), settings=LUNG_TISSUE)
    inside = np.zeros_like(found.mask)
    for number, (i, j) in enumerate(boxes.astype(int)):
        inside[slice(*i), slice(*j), number] = True
    share = found.mask.sum() / inside.sum()
    assert found.empty.size == 0
    assert not (found.mask & ~inside).any()
    assert 0.4 < share < 0.98
    assert np.median(image[found.mask]) > -150
