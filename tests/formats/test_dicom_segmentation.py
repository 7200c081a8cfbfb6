from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from dicom_files import write_series
from oncohort.errors import FormatError, GeometryError, LabelError
from oncohort.formats.dicom.referenced import read_referenced_series
from oncohort.formats.dicom.segmentation_reading import parse_segmentation, read_segmentation
from oncohort.formats.dicom.series import read_series
from oncohort.formats.dicom.values import Unusable
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from segmentation_files import code, described, frame, write_seg

ROWS, COLUMNS, SLICES = 3, 5, 4
GRID = Geometry((COLUMNS, ROWS, SLICES), [[-2, 0, 0, 10], [0, -3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]])
"""The grid of `dicom_files.write_series` with this shape."""


def random_masks(count=3, seed=0, share=0.5):
    return np.random.default_rng(seed).random((count, COLUMNS, ROWS, SLICES)) < share


def frames_of(masks, *, slices=range(SLICES)):
    return [frame(k, mask[:, :, k].T.astype(np.uint8), n) for n, mask in enumerate(masks, 1) for k in slices]


def write_masks(path, masks, **more):
    return write_seg(path, frames_of(masks), [described(n, f"s{n}") for n in range(1, len(masks) + 1)], **more)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian])
def test_overlapping_segments_come_back_in_layers(tmp_path, syntax):
    masks = random_masks()
    assert (masks[0] & masks[1] & masks[2]).any()  # three layers are needed
    found = read_segmentation(write_masks(tmp_path / "a", masks, syntax=syntax))
    label_map = found.label_map(GRID)
    assert (found.kind, found.names, len(label_map.layers)) == ("BINARY", ("s1", "s2", "s3"), 3)
    for number, mask in enumerate(masks, 1):
        assert np.array_equal(label_map.mask(f"s{number}"), mask)
        assert np.array_equal(found.mask(number, GRID), mask)


def test_the_grid_of_the_frames_is_that_of_the_series(tmp_path):
    write_series(tmp_path / "ct", shape=GRID.shape)
    assert GRID.is_same_grid(read_series(tmp_path / "ct").geometry)
    assert read_segmentation(write_masks(tmp_path / "a", random_masks())).grid().is_same_grid(GRID)


def test_a_slice_without_frame_is_empty(tmp_path):
    mask = random_masks(1)
    frames = frames_of(mask, slices=[3, 0])
    found = read_segmentation(write_seg(tmp_path / "a", frames, [described(1, "s1")]))
    expected = mask[0].copy()
    expected[:, :, 1:3] = False
    assert found.grid().is_same_grid(GRID)
    assert np.array_equal(found.label_map().mask("s1"), expected)


def test_segments_that_do_not_overlap_share_a_layer(tmp_path):
    first, second = random_masks(2)
    found = read_segmentation(write_masks(tmp_path / "a", [first, second & ~first]))
    (layer,) = found.label_map(GRID).layers
    assert layer.array.tolist() == (first + 2 * (second & ~first)).tolist()


def test_segments_of_one_label_are_joined_and_keep_their_identity(tmp_path):
    masks = random_masks(2)
    lesions = [described(n, "lesion", TrackingID=f"L{n}", TrackingUID=f"1.9.{n}") for n in (1, 2)]
    found = read_segmentation(write_seg(tmp_path / "a", frames_of(masks), lesions))
    label_map = found.label_map(GRID)
    assert label_map.scheme.labels == {"lesion": 1}
    assert np.array_equal(label_map.mask("lesion"), masks[0] | masks[1])
    assert np.array_equal(found.mask(2, GRID), masks[1])
    assert [(one["number"], one["tracking_id"], one["tracking_uid"]) for one in found.record()["segments"]] == [
        (1, "L1", "1.9.1"),
        (2, "L2", "1.9.2"),
    ]
    assert label_map.layers[0].record == found.record()


def test_what_is_said_of_a_segment(tmp_path):
    more = {"AnatomicRegionSequence": [code("10200004", "Liver")], "SegmentAlgorithmName": "by eye"}
    tags = {"SpecificCharacterSet": "ISO_IR 192"}
    path = write_seg(tmp_path / "a", frames_of(random_masks(1)), [described(1, "Läsion", **more)], tags=tags)
    (segment,) = read_segmentation(path).segments
    assert (segment.label, segment.algorithm, segment.algorithm_name) == ("Läsion", "MANUAL", "by eye")
    assert (segment.category.value, segment.type.value, segment.type.meaning) == ("49755003", "108369006", "Neoplasm")
    assert [one.meaning for one in segment.anatomy] == ["Liver"]
    assert read_segmentation(path).scheme().codes == {"Läsion": "108369006"}


def test_references_and_frame_of_reference(tmp_path):
    frames = [{**one, "uid": f"1.2.3.{one['k']}"} for one in frames_of(random_masks(1))]
    found = read_segmentation(write_seg(tmp_path / "a", frames, [described(1, "s1")]))
    assert (found.series, found.patient, found.study, found.frame_of_reference) == (("1.2.3",), "P1", "1.2.7", "1.2.8")
    assert found.instances == {f"1.2.3.{k}" for k in range(SLICES)}


def test_a_label_map(tmp_path):
    stored = np.random.default_rng(1).integers(0, 3, (COLUMNS, ROWS, SLICES)).astype(np.uint8)
    frames = [frame(k, stored[:, :, k].T, None) for k in range(SLICES)]
    segments = [described(2, "b"), described(1, "a")]
    found = read_segmentation(write_seg(tmp_path / "a", frames, segments, kind="LABELMAP"))
    label_map = found.label_map(GRID)
    assert (label_map.scheme.labels, len(label_map.layers)) == ({"b": 2, "a": 1}, 1)
    assert np.array_equal(label_map.layers[0].array, stored)
    assert np.array_equal(found.mask(2, GRID), stored == 2)
    other = LabelScheme("other", {"a": 300, "b": 7})
    assert np.array_equal(found.label_map(GRID, scheme=other).layers[0].array, np.array([0, 300, 7])[stored])
    assert np.array_equal(found.label_map(GRID, only=["b"]).layers[0].array, 2 * (stored == 2))


def test_background_and_padding_of_a_label_map_are_no_segments(tmp_path):
    stored = np.random.default_rng(1).choice([0, 1, 5, 9], (COLUMNS, ROWS, SLICES)).astype(np.uint16)
    frames = [frame(k, stored[:, :, k].T, None) for k in range(SLICES)]
    background = described(9, "around")
    background.SegmentedPropertyTypeCodeSequence = [code("125040", "Background", "DCM")]
    tags = {"PixelPaddingValue": 5}
    path = write_seg(tmp_path / "a", frames, [background, described(1, "a")], kind="LABELMAP", tags=tags)
    found = read_segmentation(path)
    assert found.names == ("a",)
    assert np.array_equal(found.label_map(GRID).layers[0].array, stored == 1)


def test_a_number_that_no_segment_has(tmp_path):
    frames = [frame(0, np.full((ROWS, COLUMNS), 4, np.uint8), None)]
    found = read_segmentation(write_seg(tmp_path / "a", frames, [described(1, "a")], kind="LABELMAP"))
    with pytest.raises(FormatError, match=r"found \[4\]"):
        found.label_map(GRID)


def test_fractions(tmp_path):
    stored = np.random.default_rng(2).integers(0, 201, (COLUMNS, ROWS, SLICES)).astype(np.uint8)
    stored[0, 0, 0] = 100
    frames = [frame(k, stored[:, :, k].T) for k in range(SLICES)]
    found = read_segmentation(write_seg(tmp_path / "a", frames, [described(1, "s1")], kind="FRACTIONAL"))
    probability = found.probability(1, GRID)
    assert str(probability.unit) == "probability"
    assert np.allclose(probability.array, stored / 200, atol=1e-7)
    assert np.array_equal(found.label_map(GRID, threshold=0.5).mask("s1"), stored >= 100)
    assert np.array_equal(found.mask(1, GRID, threshold=1.0), stored == 200)
    for threshold in (None, 0.0, 1.5):
        with pytest.raises(FormatError, match="threshold"):
            found.label_map(GRID, threshold=threshold)
    with pytest.raises(FormatError, match="BINARY"):
        read_segmentation(write_masks(tmp_path / "b", random_masks(1))).probability(1)


def test_frames_turned_and_mirrored_by_right_angles(tmp_path):
    mask = random_masks(1)[0]
    plane = mask[:, :, 1].T
    last_row, last_column = 20 - 3 * (ROWS - 1), 10 - 2 * (COLUMNS - 1)
    turned = [
        frame(0, plane[::-1], position=(-10, -last_row, 34), orientation=(1, 0, 0, 0, -1, 0)),
        frame(0, plane[:, ::-1], position=(-last_column, -20, 34), orientation=(-1, 0, 0, 0, 1, 0)),
    ]
    for one in turned:
        found = read_segmentation(write_seg(tmp_path / "a", [one], [described(1, "s1")]))
        assert np.array_equal(found.mask(1, GRID)[:, :, 1], mask[:, :, 1])
        assert found.mask(1, GRID).sum() == plane.sum()
    swapped = frame(0, plane.T, position=(-10, -20, 34), orientation=(0, 1, 0, 1, 0, 0), spacing=(2, 3))
    found = read_segmentation(write_seg(tmp_path / "b", [swapped], [described(1, "s1")]))
    assert np.array_equal(found.mask(1, GRID)[:, :, 1], mask[:, :, 1])


def test_frames_across_the_slices(tmp_path):
    mask = random_masks(1)[0]
    upright = frame(0, mask[:, 2, :].T, position=(-10, -14, 30), orientation=(1, 0, 0, 0, 0, 1), spacing=(4, 2))
    found = read_segmentation(write_seg(tmp_path / "a", [upright], [described(1, "s1")]))
    assert np.array_equal(found.mask(1, GRID)[:, 2], mask[:, 2])


def test_a_frame_smaller_than_its_slice(tmp_path):
    small = frame(2, np.ones((2, 3), np.uint8), position=(-8, -17, 38))
    found = read_segmentation(write_seg(tmp_path / "a", [small], [described(1, "s1")])).mask(1, GRID)
    assert found.sum() == 6 and found[1:4, 1:3, 2].all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 4}, "voxels"),
        ({"k": 1.4}, "beside the voxels"),
        ({"position": (-9, -20, 30)}, "beside the voxels"),
        ({"position": (-12, -20, 30)}, "voxels"),
        ({"spacing": (3, 2.5)}, "beside the voxels"),
        ({"orientation": (0.8, 0.6, 0, -0.6, 0.8, 0)}, "orientation"),
    ],
)
def test_frames_off_the_grid_are_refused_unless_they_are_empty(tmp_path, change, message):
    full = {**frame(0, np.ones((ROWS, COLUMNS), np.uint8)), **change}
    found = read_segmentation(write_seg(tmp_path / "a", [full], [described(1, "s1")]))
    with pytest.raises(GeometryError, match=message):
        found.label_map(GRID)
    empty = {**full, "pixels": np.zeros((ROWS, COLUMNS), np.uint8)}
    assert not read_segmentation(write_seg(tmp_path / "b", [empty], [described(1, "s1")])).mask(1, GRID).any()


@pytest.mark.parametrize(
    ("heights", "message"),
    [((0, 1.5), "apart"), ((0, 1.4, 2), "apart"), ((0, 40000), "slices of"), ((0, 1.1), "apart")],
)
def test_frames_that_form_no_stack(tmp_path, heights, message):
    frames = [frame(k, np.ones((ROWS, COLUMNS), np.uint8)) for k in heights]
    with pytest.raises(GeometryError, match=message):
        read_segmentation(write_seg(tmp_path / "a", frames, [described(1, "s1")])).grid()


def test_names_that_are_asked_for_and_missing(tmp_path):
    found = read_segmentation(write_masks(tmp_path / "a", random_masks(1)))
    with pytest.raises(FormatError, match=r"segments \[1\]"):
        found.mask(2)
    with pytest.raises(LabelError):
        found.label_map(GRID, scheme=LabelScheme("other", {"x": 1}))


def test_frames_beside_each_other_and_without_a_gap(tmp_path):
    full = np.ones((ROWS, COLUMNS), np.uint8)
    beside = [frame(0, full), frame(0, full, position=(-5, -20, 34))]
    with pytest.raises(GeometryError, match="beside each other"):
        read_segmentation(write_seg(tmp_path / "a", beside, [described(1, "s1")])).grid()
    path = write_seg(tmp_path / "b", [frame(0, full)], [described(1, "s1")])
    measures = dcmread(path)
    sizes = measures.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    del sizes.SpacingBetweenSlices
    measures.save_as(path)
    assert read_segmentation(path).grid().spacing_mm == (2.0, 3.0, 9.0)
    del sizes.SliceThickness
    measures.save_as(path)
    with pytest.raises(GeometryError, match="do not tell"):
        read_segmentation(path).grid()


def reason_of(path):
    with pytest.raises(Unusable) as caught:
        parse_segmentation(path)
    with pytest.raises(FormatError, match="DICOM SEG"):
        read_segmentation(path)
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize(
    ("tags", "reason", "detail"),
    [
        ({"NumberOfFrames": 5}, "broken DICOM", "8 bytes of pixel data instead of 10"),
        ({"NumberOfFrames": 3}, "broken DICOM", "8 bytes of pixel data instead of 6"),
        ({"NumberOfFrames": 0}, "broken DICOM", "0 frames"),
        ({"NumberOfFrames": 1 << 30}, "broken DICOM", "8 bytes of pixel data instead of 2013265920"),
        ({"Rows": 65535, "Columns": 65535}, "broken DICOM", "65535 x 65535"),
        ({"Rows": 0}, "broken DICOM", "0 x 5"),
        ({"BitsAllocated": 8, "BitsStored": 8}, "broken DICOM", "8 bits in 8"),
        ({"SegmentationType": "SURFACE"}, "broken DICOM", "SURFACE"),
        ({"SegmentationType": "FRACTIONAL"}, "broken DICOM", "1 bits in 1"),
        ({"PerFrameFunctionalGroupsSequence": []}, "broken DICOM", "0 frames are described"),
        ({"SegmentSequence": []}, "broken DICOM", r"segments \[1\], which are not described"),
        ({"SegmentSequence": [described(1, "a"), described(1, "b")]}, "broken DICOM", r"\[1, 1\]"),
        ({"SharedFunctionalGroupsSequence": []}, "no geometry", "no PlaneOrientationSequence"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "not CT or PET", ""),
    ],
)
def test_headers_that_contradict_themselves(tmp_path, tags, reason, detail):
    path = write_masks(tmp_path / "a", random_masks(1), tags=tags)
    found = reason_of(path)
    assert found[0] == reason
    assert re.search(detail, found[1]), found[1]


def test_files_that_are_cut_or_something_else(tmp_path):
    path = write_masks(tmp_path / "a", random_masks(1))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert reason_of(path) == ("truncated", "7 of 8 bytes of pixel data")
    path.write_bytes(whole[:-20])
    assert reason_of(path)[0] in ("truncated", "broken DICOM")
    path.write_text("no DICOM")
    assert reason_of(path)[0] == "broken DICOM"
    assert reason_of(tmp_path / "none")[0] == "broken DICOM"
    assert reason_of(write_masks(tmp_path / "b", random_masks(1), syntax=ExplicitVRBigEndian))[0] == "compressed"


def test_a_file_that_shrank_after_it_was_read(tmp_path):
    path = write_masks(tmp_path / "a", random_masks(1))
    found = read_segmentation(path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(FormatError, match="bytes of frame"):
        found.mask(1)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"])
@pytest.mark.parametrize("kind", ["FRACTIONAL", "LABELMAP"])
def test_compressed_frames(tmp_path, kind, syntax):
    stored = np.random.default_rng(3).integers(0, 3, (40, 36, SLICES)).astype(np.uint8)
    frames = [frame(k, stored[:, :, k].T, None if kind == "LABELMAP" else 1) for k in range(SLICES)]
    path = write_seg(tmp_path / "a", frames, [described(1, "a"), described(2, "b")], kind=kind)
    data = dcmread(path)
    data.compress(syntax)
    data.save_as(path)
    found = read_segmentation(path)
    assert found.pixels.syntax == syntax
    if kind == "LABELMAP":
        assert np.array_equal(found.label_map().layers[0].array, stored)
    else:
        assert np.allclose(found.probability(1).array, stored / 200)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(FormatError, match="compressed"):
        read_segmentation(path).mask(1, threshold=0.1)
    path.write_bytes(whole)
    data.NumberOfFrames = SLICES - 1
    del data.PerFrameFunctionalGroupsSequence[-1]
    data.save_as(path)
    with pytest.raises(FormatError, match="several fragments"):
        read_segmentation(path).mask(1, threshold=0.1)


def test_compressed_frames_of_another_size(tmp_path):
    stored = np.ones((36, 40), np.uint8)
    path = write_seg(tmp_path / "a", [frame(0, stored, None)], [described(1, "a")], kind="LABELMAP")
    data = dcmread(path)
    data.compress("1.2.840.10008.1.2.4.90")
    data.Rows = 6000
    data.Columns = 1000
    data.save_as(path)
    with pytest.raises(FormatError, match="36 x 40 pixels of 1 x 8 bits, the header says 6000 x 1000"):
        read_segmentation(path).mask(1)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_files_give_masks_or_a_refusal(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "damaged"
    source, path = folder / "whole.dcm", folder / "damaged.dcm"
    if not source.exists():
        write_masks(source, random_masks(2))
    content = bytearray(source.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(132, len(content) - 1))
        content[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(132, len(content)) | st.just(len(content)))]))
    try:
        read_segmentation(path).label_map()
    except (FormatError, GeometryError, LabelError):
        return


TWINS = {
    "liver.dcm": ("ct-3slice", ["liver_seg.nrrd"]),
    "partial_overlaps.dcm": ("ct-3slice", [f"partial_overlaps-{n}.nrrd" for n in (1, 2, 3)]),
    "sparse-labelmap-noppv.dcm": ("24x38x3/image", ["sparse_labelmap_noppv_seg.nrrd"]),
    "sparse-labelmap-ppv5.dcm": ("24x38x3/image", ["sparse_labelmap_ppv5_seg.nrrd"]),
    "23x38x3/seg/label.seg": ("23x38x3/image", ["23x38x3/nrrd/label.nrrd"]),
    "24x38x3/seg/label.seg": ("24x38x3/image", ["24x38x3/nrrd/label.nrrd"]),
}
"""DICOM SEG objects of dcmqi, the series they refer to, and the NRRD files in which the same segments lie."""


@pytest.mark.real_data
@pytest.mark.parametrize("name", TWINS)
def test_every_object_gives_the_masks_of_its_twin(real_data, name):
    import SimpleITK

    root = real_data("dicom_seg")
    folder, files = TWINS[name]
    twins = [SimpleITK.ReadImage(str(root / file)) for file in files]
    arrays = [SimpleITK.GetArrayFromImage(twin).transpose(2, 1, 0) for twin in twins]
    found = read_segmentation(root / name)
    series = read_referenced_series(root / folder)
    assert found.series == (series.images.uid,)
    own, onto = found.label_map(), found.label_map(series.geometry)
    assert own.geometry.is_same_grid(series.geometry)
    assert np.allclose(own.geometry.affine[:3, 3] * (-1, -1, 1), twins[0].GetOrigin(), atol=1e-4)
    assert np.allclose(own.geometry.spacing_mm, twins[0].GetSpacing(), atol=1e-6)
    assert len(own.layers) == len(files)
    for segment in found.segments:
        (twin,) = (array == segment.number for array in arrays if (array == segment.number).any())
        assert np.array_equal(own.mask(segment.label), twin)
        assert np.array_equal(onto.mask(segment.label), twin)
    covered = {int(value) for array in arrays for value in np.unique(array)} - {0, *found.padding}
    assert covered == {segment.number for segment in found.segments}


@pytest.mark.real_data
def test_identity_of_a_real_segment(real_data):
    (segment,) = read_segmentation(real_data("dicom_seg") / "sparse-labelmap-ppv5.dcm").segments
    assert (segment.number, segment.label, segment.tracking_id, segment.tracking_uid) == (1, "Liver", "Liver", "1.2.3")
    assert (segment.type.scheme, segment.type.value) == ("SCT", "10200004")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_ten_thousand_damaged_files_give_masks_or_a_refusal(tmp_path):
    random = np.random.default_rng(2026)
    labels = random.integers(0, 3, (COLUMNS, ROWS, SLICES)).astype(np.uint8)
    maps = [frame(k, labels[:, :, k].T, None) for k in range(SLICES)]
    described_maps = [described(1, "a"), described(2, "b")]
    sources = [
        write_masks(tmp_path / "binary", random_masks(2)).read_bytes(),
        write_masks(tmp_path / "implicit", random_masks(2), syntax=ImplicitVRLittleEndian).read_bytes(),
        write_seg(tmp_path / "map", maps, described_maps, kind="LABELMAP").read_bytes(),
    ]
    path, outcomes = tmp_path / "damaged", {}
    for number in range(10_000):
        content = np.frombuffer(sources[number % 3], np.uint8).copy()
        places = random.integers(132, content.size, random.integers(1, 9))
        content[places] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.integers(256)], places.size)
        whole = content.tobytes()
        path.write_bytes(whole[: random.integers(132, len(whole))] if number % 10 == 0 else whole)
        try:
            read_segmentation(path).label_map()
            outcome = "read"
        except (FormatError, GeometryError, LabelError) as error:
            outcome = type(error).__name__
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert outcomes["read"] > 1000 and outcomes["FormatError"] > 1000
