"""DICOM SEG written through highdicom and read back by it, by SimpleITK and by Oncohort (make test-extras)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from dicom_files import write_pet, write_series
from oncohort.formats.dicom.referenced import read_referenced_series
from oncohort.formats.dicom.rtstruct import read_rtstruct
from oncohort.formats.dicom.rtstruct_writing import write_rtstruct
from oncohort.formats.dicom.segmentation import Code
from oncohort.formats.dicom.segmentation_reading import read_segmentation
from oncohort.formats.dicom.segmentation_writing import (
    describe_segments,
    tracking_uid,
    write_fractions,
    write_segmentation,
)
from oncohort.labels import LabelScheme
from oncohort.sources.dicom.source import DicomSource
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = [pytest.mark.extras, pytest.mark.filterwarnings("ignore::UserWarning")]

NAMES = ("lesion", "liver", "oedema")
SCHEME = LabelScheme("x", {"lesion": 4, "liver": 2, "oedema": 9}, codes={"liver": "10200004"})


@pytest.fixture
def highdicom():
    return pytest.importorskip("highdicom")


@pytest.fixture(params=["CT", "PT"])
def series(request, tmp_path):
    write = write_series if request.param == "CT" else write_pet
    write(
        tmp_path / "in" / "scan", shape=(11, 7, 6), tags={"PatientName": "Müller", "SpecificCharacterSet": "ISO_IR 100"}
    )
    return read_referenced_series(tmp_path / "in" / "scan")


def label_map(grid, *, overlap):
    random = np.random.default_rng(5)
    masks = {name: random.random(grid.shape) > 0.6 for name in NAMES}
    for mask in masks.values():
        mask[:, :, 3] = False
    if not overlap:
        masks["liver"] &= ~masks["lesion"]
        masks["oedema"] &= ~(masks["lesion"] | masks["liver"])
    return LabelMap.from_masks(masks, grid, SCHEME)


def segments():
    described = describe_segments(SCHEME, algorithm="AUTOMATIC", algorithm_name="Threshold 4", lesions=["lesion"])
    identity = {"tracking_id": "lesion 1", "tracking_uid": tracking_uid("P1", "lesion 1")}
    where = (Code("10200004", "SCT", "Liver"),)
    return {**described, "lesion": replace(described["lesion"], anatomy=where, **identity)}


@pytest.mark.parametrize(("kind", "overlap"), [("BINARY", True), ("BINARY", False), ("LABELMAP", False)])
def test_labels_are_the_same_for_highdicom_and_for_us(highdicom, series, tmp_path, kind, overlap):
    written, said = label_map(series.geometry, overlap=overlap), segments()
    path = tmp_path / "in" / "seg.dcm"
    write_segmentation(path, written, series, said, kind=kind)
    back = read_segmentation(path)
    onto = back.label_map(series.geometry)
    assert (back.kind, back.series, back.study) == (kind, (series.images.uid,), "1.2.7")
    assert list(back.segments) == sorted(said.values(), key=lambda one: one.number)
    peer = highdicom.seg.segread(path)
    assert str(peer.PatientName) == "Müller"
    planes = peer.get_pixels_by_source_instance(
        list(series.images.sop_uids), segment_numbers=[1, 2, 3], ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )  # fmt: skip
    for name in NAMES:
        number = said[name].number
        assert np.array_equal(onto.mask(name), written.mask(name))
        assert np.array_equal(planes[..., number - 1].transpose(2, 1, 0) > 0, written.mask(name))
    told = peer.get_segment_description(said["lesion"].number)
    assert (told.tracking_id, str(told.tracking_uid)) == ("lesion 1", tracking_uid("P1", "lesion 1"))


def test_the_same_labels_give_the_same_bytes(highdicom, series, tmp_path):
    written = label_map(series.geometry, overlap=True)
    for name in ("a.dcm", "b.dcm"):
        write_segmentation(tmp_path / name, written, series, segments())
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()


def test_fractions_are_the_same(highdicom, series, tmp_path):
    grid = series.geometry
    values = np.random.default_rng(6).random(grid.shape).astype(np.float32)
    volume = Volume.from_array(values, grid, Unit.PROBABILITY)
    said = {"lesion": segments()["lesion"]}
    write_fractions(tmp_path / "p.dcm", {"lesion": volume}, series, said)
    back = read_segmentation(tmp_path / "p.dcm")
    assert np.abs(back.probability(1, grid).array - values).max() <= 0.5 / 255 + 1e-6
    peer = highdicom.seg.segread(tmp_path / "p.dcm")
    planes = peer.get_pixels_by_source_instance(
        list(series.images.sop_uids), segment_numbers=[1], ignore_spatial_locations=True, rescale_fractional=True
    )
    assert np.allclose(planes[..., 0].transpose(2, 1, 0), back.probability(1, grid).array, atol=1e-6)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_an_empty_mask_stays_one(highdicom, series, tmp_path, kind):
    scheme = LabelScheme("lesion", {"lesion": 1})
    empty = LabelMap.from_masks({"lesion": np.zeros(series.geometry.shape, bool)}, series.geometry, scheme)
    write_segmentation(tmp_path / "e.dcm", empty, series, describe_segments(scheme, algorithm="MANUAL"), kind=kind)
    back = read_segmentation(tmp_path / "e.dcm")
    assert back.names == ("lesion",)
    assert not back.label_map(series.geometry).foreground().any()


def test_what_was_written_is_ingested(highdicom, series, tmp_path):
    write_segmentation(tmp_path / "in" / "seg.dcm", label_map(series.geometry, overlap=True), series, segments())
    plan = DicomSource().plan(tmp_path / "in")
    result = DicomSource().convert(plan.cases[0], tmp_path / "out")
    role = "lesions" if series.images.uid == "1.2.4" else "lesions_ct"
    assert [row["role"] for row in result["volumes"]][1:] == [role]
    assert (plan.scheme.labels, result["refused"]) == ({"lesion": 1, "liver": 2, "oedema": 3}, [])
    (row,) = (row for row in result["structures"] if row["structure"] == "lesion")
    assert (row["lesion"], row["tracking_uid"]) == ("lesion 1", tracking_uid("P1", "lesion 1"))


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["liver.dcm", "partial_overlaps.dcm"])
def test_real_objects_are_written_again(highdicom, real_data, tmp_path, name):
    root = real_data("dicom_seg")
    series = read_referenced_series(root / "ct-3slice")
    found = read_segmentation(root / name)
    written = found.label_map(series.geometry)
    said = {one.label: replace(one, algorithm="MANUAL", algorithm_name="") for one in found.segments}
    write_segmentation(tmp_path / "again.dcm", written, series, said)
    again = read_segmentation(tmp_path / "again.dcm")
    assert again.segments == tuple(said.values())
    peer = highdicom.seg.segread(tmp_path / "again.dcm")
    planes = peer.get_pixels_by_source_instance(
        list(series.images.sop_uids), ignore_spatial_locations=True, assert_missing_frames_are_empty=True
    )
    for segment in found.segments:
        mask = written.mask(segment.label)
        assert np.array_equal(again.mask(segment.number, series.geometry), mask)
        assert np.array_equal(planes[..., segment.number - 1].transpose(2, 1, 0) > 0, mask)


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "liver.dcm",
        "partial_overlaps.dcm",
        "sparse-labelmap-noppv.dcm",
        "23x38x3/seg/label.seg",
        "24x38x3/seg/label.seg",
    ],
)
def test_real_objects_are_the_same_for_highdicom(highdicom, real_data, name):
    found = read_segmentation(real_data("dicom_seg") / name)
    peer = highdicom.seg.segread(real_data("dicom_seg") / name)
    numbers = [segment.number for segment in found.segments]
    volume = peer.get_volume(segment_numbers=numbers, allow_missing_positions=True)
    grid = found.grid()
    corner = volume.affine[:3, 3] * (-1, -1, 1)
    is_upside_down = round(float(grid.to_index([corner])[0, 2])) != 0
    for position, number in enumerate(numbers):
        mask = volume.array[..., position].transpose(2, 1, 0) > 0
        assert np.array_equal(mask[:, :, ::-1] if is_upside_down else mask, found.mask(number))


def test_the_page_of_dicom_objects_runs(highdicom, tmp_path, monkeypatch):
    write_pet(tmp_path / "scan" / "pet", shape=(6, 5, 4))
    series = read_referenced_series(tmp_path / "scan" / "pet")
    scheme = LabelScheme("lesion", {"lesion": 1})
    mask = np.random.default_rng(2).random(series.geometry.shape) > 0.5
    written = LabelMap.from_masks({"lesion": mask}, series.geometry, scheme)
    write_segmentation(tmp_path / "scan" / "seg.dcm", written, series, describe_segments(scheme, algorithm="MANUAL"))
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec((DOCS / "dicom-objects.md").read_text().split("```python\n")[1].split("```")[0], names)
    assert np.array_equal(names["again"].mask("lesion"), mask)
    assert np.array_equal(read_segmentation("out/seg.dcm").label_map().mask("lesion"), mask)


def test_simpleitk_reads_the_same_frames(highdicom, tmp_path):
    """Frames of whole bytes: SimpleITK 2.5 misreads all after the first where they are not."""
    write_series(tmp_path / "ct", shape=(12, 8, 6))
    series = read_referenced_series(tmp_path / "ct")
    written, said = label_map(series.geometry, overlap=True), segments()
    write_segmentation(tmp_path / "a.dcm", written, series, said)
    found = read_segmentation(tmp_path / "a.dcm")
    frames = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "a.dcm"))) > 0
    assert len(frames) == 15  # three segments on six slices, one of which is empty
    with found.pixels.reading() as frame_of:
        assert all(np.array_equal(frame_of(index) > 0, frame) for index, frame in enumerate(frames))
    for name in NAMES:
        shown = [frame for frame, one in zip(frames, found.frames, strict=True) if one.segment == said[name].number]
        assert sum(int(frame.sum()) for frame in shown) == int(written.mask(name).sum())


@pytest.mark.real_data
def test_overlapping_regions_of_a_whole_body_pet_survive_both_forms(highdicom, real_data, tmp_path):
    """Slices with uneven gaps (3.19 to 3.29 mm), GTV_Mass within GTV_Edema; voxels counted by the pixel-centre rule."""
    root = real_data("sts001_wholebody_pet") / "FDG_PET"
    series = read_referenced_series(root / "image")
    drawn = read_rtstruct(next((root / "mask").iterdir())).label_map(series.geometry)
    said = describe_segments(drawn.scheme, algorithm="MANUAL", lesions=drawn.scheme.labels)
    write_segmentation(tmp_path / "seg.dcm", drawn, series, said)
    write_rtstruct(tmp_path / "rs.dcm", drawn, series)
    segmented = read_segmentation(tmp_path / "seg.dcm").label_map(series.geometry)
    outlined = read_rtstruct(tmp_path / "rs.dcm").label_map(series.geometry)
    assert len(drawn.layers) == len(segmented.layers) == 2
    for name, voxels in (("GTV_Mass", 5095), ("GTV_Edema", 8058)):
        assert drawn.mask(name).sum() == voxels
        assert np.array_equal(segmented.mask(name), drawn.mask(name))
        assert np.array_equal(outlined.mask(name), drawn.mask(name))
