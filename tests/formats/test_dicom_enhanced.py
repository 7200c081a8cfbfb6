"""Multi-frame objects give the volume that the same slices give as classic files."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from dicom_files import DRO_FACTOR
from multiframe_files import ENHANCED_CT, ENHANCED_PET, LEGACY_CT, LEGACY_PET, write_frames, write_implicit
from oncohort.conversion import convert
from oncohort.errors import FormatError, SuvRefusal
from oncohort.formats.dicom.header import read_frames, read_header
from oncohort.formats.dicom.series import read_pet, read_series
from oncohort.formats.dicom.values import RefusedFile
from oncohort.ingestion import ingest

K = np.indices((5, 4, 3))[2]
STORED = np.tensordot([1, 10, 100], np.indices((5, 4, 3)), 1)  # i + 10 j + 100 k
AFFINE = [[-2, 0, 0, 10], [0, -3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]]


@pytest.mark.parametrize("sop_class", [ENHANCED_CT, LEGACY_CT])
def test_frames_of_a_ct_with_their_slopes_and_positions(tmp_path, sop_class):
    write_frames(tmp_path / "a.dcm", sop_class)
    volume = read_series(tmp_path)
    assert np.array_equal(volume.array, STORED * (K + 1) - 1000)
    assert volume.array.dtype == np.int16
    assert np.allclose(volume.geometry.affine, AFFINE)
    assert volume.record["slope"] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("sop_class", [ENHANCED_PET, LEGACY_PET])
def test_frames_of_a_pet_in_suv(tmp_path, sop_class):
    """70 kg, 368.08 MBq, one hour before the decay correction: the factor of the reference object."""
    write_frames(tmp_path / "a.dcm", sop_class)
    volume = read_pet(tmp_path)
    assert volume.record["rule"] == "bqml-start"
    assert np.allclose(volume.array, STORED * (K + 1) * DRO_FACTOR, rtol=2e-6)
    assert volume.record["reference_time"]["instant"] == "2025-01-01T11:00:00"
    assert np.allclose(volume.geometry.affine, AFFINE)


@pytest.mark.parametrize("sop_class", [ENHANCED_CT, LEGACY_PET])
def test_implicit_files(tmp_path, sop_class):
    write_implicit(tmp_path / "a" / "a.dcm", sop_class)
    write_frames(tmp_path / "b" / "a.dcm", sop_class)
    assert np.array_equal(read_series(tmp_path / "a").array, read_series(tmp_path / "b").array)


def test_decay_corrected_to_the_injection(tmp_path):
    def at_injection(data):
        data.DecayCorrectionDateTime = "20250101100000"

    write_frames(tmp_path / "a.dcm", ENHANCED_PET, change=at_injection)
    volume = read_pet(tmp_path)
    assert volume.record["rule"] == "bqml-admin"
    assert volume.record["factor"] == pytest.approx(1000 * 70 / 368.08e6, rel=1e-9)


def test_a_pet_that_says_no_units_is_refused(tmp_path):
    def unitless(data):
        for frame in data.PerFrameFunctionalGroupsSequence:
            del frame.RealWorldValueMappingSequence

    write_frames(tmp_path / "a.dcm", ENHANCED_PET, change=unitless)
    with pytest.raises(SuvRefusal) as caught:
        read_pet(tmp_path)
    assert caught.value.code == "unsupported_units"


def test_convert_writes_a_row_for_each_frame(tmp_path):
    write_frames(tmp_path / "in" / "a.dcm", LEGACY_PET)
    (row,) = convert(tmp_path / "in", out=tmp_path / "out").series
    with (tmp_path / "out" / row["slices"]).open() as stream:
        rows = list(csv.DictReader(stream))
    assert [one["sop_instance_uid"] for one in rows] == ["1.2.3.5#3", "1.2.3.5#2", "1.2.3.5#1"]
    assert [one["acquired"] for one in rows] == ["20250101110000", "20250101110100", "20250101110200"]
    assert [float(one["slope"]) for one in rows] == [1.0, 2.0, 3.0]
    assert [one["frame_reference_time_ms"] for one in rows] == ["30000", "90000", "150000"]
    assert json.loads((tmp_path / "out" / row["sidecar"]).read_text())["FrameDuration"] == [60.0]


def test_ingest_takes_them_as_a_series(tmp_path):
    write_frames(tmp_path / "in" / "a.dcm", ENHANCED_CT)
    cohort = ingest("dicom", tmp_path / "in", out=tmp_path / "out")
    assert cohort["P1"].roles == ("ct",)
    assert np.array_equal(cohort["P1"]["ct"].array, STORED * (K + 1) - 1000)
    assert cohort.tables.refused.is_empty()


def test_a_file_that_is_there_twice_counts_once(tmp_path):
    for name in ("a", "b"):
        write_frames(tmp_path / "in" / f"{name}.dcm", ENHANCED_CT)
    done = convert(tmp_path / "in", out=tmp_path / "out")
    assert done.series[0]["shape"] == [5, 4, 3]
    assert [(row["path"], row["reason"]) for row in done.refused] == [("b.dcm", "duplicate")]


def too_many(data):
    data.NumberOfFrames = 4


def no_number(data):
    data["NumberOfFrames"].value = "1"


def too_few_pixels(data):
    data.PixelData = data.PixelData[:-40]


def without_positions(data):
    for frame in data.PerFrameFunctionalGroupsSequence:
        del frame.PlanePositionSequence


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (too_many, "broken DICOM"),
        (no_number, "broken DICOM"),
        (too_few_pixels, "broken DICOM"),
        (without_positions, "no geometry"),
    ],
)
def test_objects_that_contradict_themselves(tmp_path, change, reason):
    path = write_frames(tmp_path / "a.dcm", ENHANCED_CT, change=change)
    found = read_frames(path)
    assert isinstance(found, RefusedFile)
    assert found.reason == reason


@pytest.mark.parametrize("cut", [2, 60, 400])
def test_a_cut_file(tmp_path, cut):
    path = write_frames(tmp_path / "a.dcm", ENHANCED_CT)
    path.write_bytes(path.read_bytes()[:-cut])
    assert isinstance(read_frames(path), RefusedFile)
    with pytest.raises(FormatError):
        read_series(tmp_path)


def test_the_header_alone_says_multi_frame(tmp_path):
    found = read_header(write_frames(tmp_path / "a.dcm", ENHANCED_PET))
    assert isinstance(found, RefusedFile)
    assert (found.reason, found.detail) == ("multi-frame", "Enhanced PET Image Storage")


@pytest.mark.filterwarnings("ignore")
def test_any_damage_is_a_refusal(tmp_path):
    path = write_frames(tmp_path / "a.dcm", LEGACY_PET)
    whole = path.read_bytes()
    random = np.random.default_rng(2026)
    for _ in range(150):
        content = bytearray(whole)
        for at in random.integers(132, len(whole), 3):
            content[at] = random.integers(256)
        path.write_bytes(content)
        try:
            assert read_series(tmp_path).array.ndim == 3
        except (FormatError, SuvRefusal):
            continue
