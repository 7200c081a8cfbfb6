"""Source `dicom`: segmentations become masks as structure sets do, or are refused by name."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dicom_files import square, write_pet, write_series, write_structures
from oncohort.formats.cohort_folder import read_row
from oncohort.refusals import NO_IMAGE_REASONS, REMEDIES
from oncohort.sources.dicom.source import DicomSource
from segmentation_files import described, frame, write_seg

SOURCE = DicomSource()
SHAPE = (5, 4, 3)


def write_scans(folder, **tags):
    write_series(folder / "ct", shape=SHAPE, tags=tags)
    write_pet(folder / "pet", shape=SHAPE, tags=tags)


def masks(count, seed=0):
    return np.random.default_rng(seed).random((count, *SHAPE)) > 0.5


def frames_of(drawn):
    return [
        frame(k, mask[:, :, k].T.astype(np.uint8), n, uid=f"1.2.3.{k}")
        for n, mask in enumerate(drawn, 1)
        for k in range(SHAPE[2])
    ]


def refused(plan):
    return {row["path"]: row["reason"] for row in plan.refused}


def converted(folder, out, **more):
    plan = SOURCE.plan(folder, **more)
    (case,) = plan.cases
    json.dumps(case.key_parts())
    return plan, SOURCE.convert(case, out)


@pytest.mark.parametrize(("series", "role", "volume"), [("1.2.3", "lesions_ct", "ct"), ("1.2.4", "lesions", "pet")])
def test_overlapping_segments_on_a_series(tmp_path, series, role, volume):
    write_scans(tmp_path / "in")
    drawn = masks(2)
    lesions = [described(1, "A", TrackingID="L1", TrackingUID="1.9.1"), described(2, "B")]
    write_seg(tmp_path / "in" / "seg.dcm", frames_of(drawn), lesions, series=series)
    plan, result = converted(tmp_path / "in", tmp_path / "out")
    assert not plan.refused and not result["refused"] and not result["findings"]
    row = result["volumes"][-1]
    assert (row["role"], row["volume"], row["state"]) == (role, volume, "original")
    label_map = read_row(tmp_path / "out", plan.scheme, row)
    assert (plan.scheme.labels, len(label_map.layers)) == ({"A": 1, "B": 2}, 2)
    assert np.array_equal(label_map.mask("A"), drawn[0]) and np.array_equal(label_map.mask("B"), drawn[1])
    first, second = result["structures"]
    assert first == {
        "case": "P1",
        "volume": role,
        "structure": "A",
        "lesion": "L1",
        "measure": "segment_number",
        "value": 1.0,
        "unit": "1",
        "tracking_uid": "1.9.1",
        "category": "SCT 49755003 Morphologically Abnormal Structure",
        "type": "SCT 108369006 Neoplasm",
        "algorithm": "MANUAL",
    }
    assert (second["structure"], second["lesion"], second["tracking_uid"]) == ("B", None, None)


def test_a_label_map_object_beside_a_structure_set(tmp_path):
    write_scans(tmp_path / "in")
    stored = np.random.default_rng(1).integers(0, 3, SHAPE).astype(np.uint8)
    frames = [frame(k, stored[:, :, k].T, None) for k in range(SHAPE[2])]
    segments = [described(1, "A"), described(2, "Z")]
    write_seg(tmp_path / "in" / "seg.dcm", frames, segments, kind="LABELMAP")
    write_structures(tmp_path / "in" / "rs.dcm", {"M": [square(-10, -2, 30)]})
    plan, result = converted(tmp_path / "in", tmp_path / "out")
    assert [row["role"] for row in result["volumes"]] == ["pet", "ct", "lesions_ct", "lesions_ct.2"]
    assert plan.scheme.labels == {"A": 1, "M": 2, "Z": 3}
    label_map = read_row(tmp_path / "out", plan.scheme, result["volumes"][3])
    assert np.array_equal(label_map.mask("Z"), stored == 2)


def test_segments_can_be_selected_and_joined(tmp_path):
    write_scans(tmp_path / "in")
    drawn = masks(3)
    segments = [described(1, "lesion"), described(2, "organ"), described(3, "lesion")]
    write_seg(tmp_path / "in" / "seg.dcm", frames_of(drawn), segments)
    plan, result = converted(tmp_path / "in", tmp_path / "out", roi=["lesion"])
    label_map = read_row(tmp_path / "out", plan.scheme, result["volumes"][-1])
    assert np.array_equal(label_map.mask("lesion"), drawn[0] | drawn[2])
    assert [(row["structure"], row["value"]) for row in result["structures"]] == [("lesion", 1.0), ("lesion", 3.0)]
    assert refused(SOURCE.plan(tmp_path / "in", roi=["none"])) == {"seg.dcm": "region not selected"}


def test_an_empty_segment_is_an_empty_mask_and_a_finding(tmp_path):
    write_scans(tmp_path / "in")
    write_seg(tmp_path / "in" / "seg.dcm", frames_of(np.zeros((1, *SHAPE), bool)), [described(1, "A")])
    plan, result = converted(tmp_path / "in", tmp_path / "out")
    assert not read_row(tmp_path / "out", plan.scheme, result["volumes"][-1]).foreground().any()
    assert [row["evidence"] for row in result["findings"]] == ["lesions_ct: A covers no voxel"]


def test_slices_named_by_frames_stand_in_for_a_missing_series(tmp_path):
    write_scans(tmp_path)
    write_seg(tmp_path / "seg.dcm", frames_of(masks(1)), [described(1, "A")], series="")
    (case,) = SOURCE.plan(tmp_path).cases
    assert [(mask["role"], mask["form"]) for mask in case.work["masks"]] == [("lesions_ct", "SEG")]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"series": "9.9"}, "reference missing"),
        ({"tags": {"StudyInstanceUID": "9.7"}}, "reference mismatch"),
        ({"tags": {"SegmentSequence": [], "NumberOfFrames": 0}}, "broken DICOM"),
        ({"tags": {"PatientID": ""}}, "no identity"),
        ({"tags": {"NumberOfFrames": 99}}, "broken DICOM"),
    ],
)
def test_segmentations_that_no_case_can_use(tmp_path, more, reason):
    write_scans(tmp_path)
    frames = [{**one, "uid": "9.9.9"} for one in frames_of(masks(1))]
    write_seg(tmp_path / "seg.dcm", frames, [described(1, "A")], **more)
    plan = SOURCE.plan(tmp_path)
    assert refused(plan) == {"seg.dcm": reason}
    assert reason in REMEDIES and reason not in NO_IMAGE_REASONS


def test_fractions_are_refused_by_name(tmp_path):
    write_scans(tmp_path)
    frames = [frame(0, np.full((SHAPE[1], SHAPE[0]), 9, np.uint8))]
    write_seg(tmp_path / "seg.dcm", frames, [described(1, "A")], kind="FRACTIONAL")
    assert refused(SOURCE.plan(tmp_path)) == {"seg.dcm": "fractional segmentation"}


def test_a_segmentation_on_a_refused_series(tmp_path):
    write_series(tmp_path / "ct", shape=SHAPE, tags={"RescaleType": "US"})
    write_seg(tmp_path / "seg.dcm", frames_of(masks(1)), [described(1, "A")])
    assert refused(SOURCE.plan(tmp_path))["seg.dcm"] == "reference refused"


def test_segments_off_the_slices_are_refused(tmp_path):
    write_scans(tmp_path / "in")
    full = np.ones((SHAPE[1], SHAPE[0]), np.uint8)
    write_seg(tmp_path / "in" / "seg.dcm", [frame(0.5, full)], [described(1, "A")])
    _, result = converted(tmp_path / "in", tmp_path / "out")
    assert [row["role"] for row in result["volumes"]] == ["pet", "ct"]
    (row,) = result["refused"]
    assert (row["path"], row["reason"]) == ("seg.dcm", "segments off the slices")
    assert row["reason"] in REMEDIES


def test_a_segmentation_that_changed_since_the_plan(tmp_path):
    write_scans(tmp_path / "in")
    path = write_seg(tmp_path / "in" / "seg.dcm", frames_of(masks(1)), [described(1, "A")])
    (case,) = SOURCE.plan(tmp_path / "in").cases
    path.write_bytes(path.read_bytes() + b"\0\0")
    result = SOURCE.convert(case, tmp_path / "out")
    assert [row["reason"] for row in result["refused"]] == ["changed or unreadable"]


def test_contours_that_name_a_slice_that_is_not_there(tmp_path):
    write_scans(tmp_path)
    regions = {"A": [square(-10, -2, 30)], "B": [square(-10, -2, 30)]}
    write_structures(tmp_path / "rs.dcm", regions, instances=["1.2.3.0", "1.2.3.7"])
    plan = SOURCE.plan(tmp_path)
    assert refused(plan) == {"rs.dcm": "reference missing"}
    assert "1 of 2 slices" in plan.refused[0]["detail"] and "1.2.3.7" in plan.refused[0]["detail"]


@pytest.mark.real_data
def test_every_real_object_is_used_or_refused_by_name(real_data, tmp_path):
    root = real_data("dicom_seg")
    plan = SOURCE.plan(root)
    (case,) = plan.cases
    result = SOURCE.convert(case, tmp_path)
    assert [row["role"] for row in result["volumes"]] == ["ct", "lesions_ct", "lesions_ct.2"]
    counts = {}
    for row in result["volumes"][1:]:
        label_map = read_row(tmp_path, plan.scheme, row)
        counts |= {
            name: int(label_map.mask(name).sum()) for name in label_map.scheme.labels if label_map.mask(name).any()
        }
    # counted in the NRRD files with SimpleITK
    assert counts == {
        "Liver": 107098, "GREEN": 9602, "ORANGE": 11888, "PURPLE": 10743, "LIGHT_BLUE": 6693, "DARK_BLUE": 4713,
    }  # fmt: skip
    reasons = {path: reason for path, reason in refused(plan).items() if not path.endswith((".nrrd", "mf.dcm"))}
    on_us = {f"{size}x38x3/image/IMG000{n}.dcm": "not HU" for size in (23, 24) for n in (1, 2, 3)}
    on_refused = (
        "23x38x3/seg/label.seg",
        "24x38x3/seg/label.seg",
        *(f"sparse-labelmap-{n}.dcm" for n in ("noppv", "ppv5")),
    )
    assert reasons == {"LICENSE": "not DICOM", **on_us, **dict.fromkeys(on_refused, "reference refused")}


@pytest.mark.real_data
def test_real_structure_sets_are_used_or_refused_by_name(real_data):
    plan = SOURCE.plan(real_data("rtstruct"))
    assert [mask["regions"] for case in plan.cases for mask in case.work["masks"]] == [["ROI-1"]]
    assert refused(plan) == {
        "LICENSE": "not DICOM",
        "oriented_data/info.txt": "not DICOM",
        "empty/dummy_rt.dcm": "reference missing",
        "mock_data/invalid_reference_rt.dcm": "duplicate",
        "mock_data/non_existent_reference_rt.dcm": "reference missing",
        **{f"oriented_data/{n}.dcm": "no identity" for n in range(3)},
        "one_slice_data/0.dcm": "no identity",
    }


def test_contours_that_name_no_slice_of_the_series_at_all(tmp_path):
    write_scans(tmp_path)
    write_structures(tmp_path / "rs.dcm", {"A": [square(-10, -2, 30)]}, instances=["9.1", "9.2"])
    assert not SOURCE.plan(tmp_path).refused
