from __future__ import annotations

import random
import struct
import warnings

import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from dicom_files import save, write_pet, write_series, write_structures
from oncohort.formats.dicom.header import DicomHeader, read_header
from oncohort.formats.dicom.index import index_files
from oncohort.formats.dicom.values import RefusedFile


def refusal(path):
    found = read_header(path)
    assert isinstance(found, RefusedFile)
    assert found.path == str(path)
    return found.reason, found.detail


@pytest.fixture
def one_slice(tmp_path):
    return write_series(tmp_path / "ct", shape=(5, 4, 1))[0]


def test_a_ct_slice(one_slice):
    header = read_header(one_slice)
    assert isinstance(header, DicomHeader)
    identity = (header.patient, header.study, header.series, header.instance, header.modality, header.frame)
    assert identity == ("P1", "1.2.7", "1.2.3", "1.2.3.0", "CT", "1.2.8")
    assert header.bytes == one_slice.stat().st_size
    assert header.mtime_ns == one_slice.stat().st_mtime_ns
    image = header.image
    assert (image.columns, image.rows, image.dtype, image.bits_stored) == (5, 4, "<i2", 16)
    assert image.offset == one_slice.stat().st_size - 40
    assert image.position_mm == (-10.0, -20.0, 30.0)
    assert image.spacing_mm == (3.0, 2.0)
    assert (image.slope, image.intercept) == (1.0, -1000.0)


def test_a_pet_slice_carries_what_suv_needs(tmp_path):
    header = read_header(write_pet(tmp_path)[0])
    facts = header.facts
    assert facts["RadionuclideTotalDose"] == "368080000"
    assert facts["CorrectedImage"] == "DECY\\ATTN\\SCAT"
    assert facts["RadiopharmaceuticalCount"] == "1"
    assert facts["Radiopharmaceutical"] == "Fluorodeoxyglucose"


def test_codes_stand_in_for_the_tracer_name(tmp_path):
    from pydicom.dataset import Dataset

    nuclide, drug = Dataset(), Dataset()
    nuclide.CodeValue, drug.CodeValue, drug.CodeMeaning = "C-111A1", "C-B1031", "Fluorodeoxyglucose F^18^"
    tracer = {
        "Radiopharmaceutical": "",
        "RadionuclideCodeSequence": [nuclide],
        "RadiopharmaceuticalCodeSequence": [drug],
    }
    facts = read_header(write_pet(tmp_path, tracer=tracer)[0]).facts
    assert (facts["RadionuclideCode"], facts["Radiopharmaceutical"]) == ("C-111A1", "Fluorodeoxyglucose F^18^")


def test_a_pet_without_tracer(tmp_path):
    header = read_header(write_pet(tmp_path, tags={"RadiopharmaceuticalInformationSequence": []})[0])
    assert "RadiopharmaceuticalCount" not in header.facts


def test_a_structure_set_has_no_image(tmp_path):
    header = read_header(write_structures(tmp_path / "rs.dcm", {}))
    assert (header.modality, header.image) == ("RTSTRUCT", None)


def test_names_are_read_in_their_character_set(tmp_path):
    tags = {"SpecificCharacterSet": "ISO_IR 192", "PatientID": "Müller 1"}
    assert read_header(write_series(tmp_path, shape=(5, 4, 1), tags=tags)[0]).patient == "Müller 1"


@pytest.mark.parametrize(
    ("data", "reason", "detail"),
    [
        (b"", "empty file", "0 bytes"),
        (b"short", "not DICOM", "no DICM mark at byte 128"),
        (b"x" * 500, "not DICOM", "no DICM mark at byte 128"),
        (b"PK\x03\x04" + b"x" * 500, "not DICOM", "an archive: unpack it first"),
        (b"\0" * 128 + b"DICM", "broken DICOM", "neither SOPClassUID nor Modality"),
    ],
)
def test_files_that_are_none(tmp_path, data, reason, detail):
    path = tmp_path / "file"
    path.write_bytes(data)
    assert refusal(path) == (reason, detail)


def test_a_missing_file(tmp_path):
    assert refusal(tmp_path / "none")[0] == "broken DICOM"


@pytest.mark.parametrize(
    ("tags", "reason", "detail"),
    [
        (
            {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "Modality": "MR"},
            "not CT or PET",
            "modality MR, MR Image Storage",
        ),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33"}, "not an image", "Comprehensive SR Storage"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.2"}, "not an image", "RT Dose Storage"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.130"}, "multi-frame", "Enhanced PET Image Storage"),
        ({"PatientID": ""}, "no identity", "PatientID missing or empty"),
        ({"PatientID": " ", "SeriesInstanceUID": ""}, "no identity", "PatientID, SeriesInstanceUID missing"),
        ({"NumberOfFrames": 3}, "multi-frame", "one slice per file"),
        ({"Rows": 0}, "broken DICOM", "0 x 5 pixels"),
        ({"Rows": 400}, "broken DICOM", "40 bytes of pixel data instead of 4000"),
        ({"BitsAllocated": 12}, "broken DICOM", "16 bits in 12"),
        ({"HighBit": 14}, "broken DICOM", "high bit 14"),
        ({"SamplesPerPixel": 3}, "not grey", "MONOCHROME2"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "not grey", "MONOCHROME1"),
        ({"ImagePositionPatient": None}, "no geometry", "ImagePositionPatient is missing"),
        ({"PixelSpacing": [1, 2, 3][:1] * 3}, "no geometry", "3 values instead of 2"),
        ({"Columns": None}, "broken DICOM", ""),
    ],
)
def test_headers_that_cannot_be_used(tmp_path, tags, reason, detail):
    found = refusal(write_series(tmp_path, shape=(5, 4, 1), tags=tags)[0])
    assert found[0] == reason
    assert detail in found[1]


def test_a_deflated_file_has_no_decoder(one_slice):
    save(dcmread(one_slice), one_slice, DeflatedExplicitVRLittleEndian)
    reason, detail = refusal(one_slice)
    assert reason == "compressed"
    assert detail == "Deflated Explicit VR Little Endian: no decoder for it"


def test_no_pixel_data_at_all(one_slice):
    data = dcmread(one_slice)
    del data.PixelData
    save(data, one_slice, ExplicitVRLittleEndian)
    assert refusal(one_slice) == ("truncated", "the file ends before its pixel data")


def test_float_pixels(one_slice):
    data = dcmread(one_slice)
    del data.PixelData
    data.FloatPixelData = struct.pack("<20f", *range(20))
    save(data, one_slice, ExplicitVRLittleEndian)
    assert refusal(one_slice) == ("broken DICOM", "no integer pixel data")


def test_a_number_that_is_none(one_slice):
    data = one_slice.read_bytes().replace(b"-1000", b"-1O00")
    one_slice.write_bytes(data)
    assert refusal(one_slice) == ("broken DICOM", "RescaleIntercept is '-1O00.0'")


@pytest.mark.parametrize("kept", [0.5, 0.9, 0.999])
def test_every_truncated_file_is_refused(one_slice, kept):
    data = one_slice.read_bytes()
    one_slice.write_bytes(data[: int(len(data) * kept)])
    assert isinstance(read_header(one_slice), RefusedFile)


def test_cut_pixels_are_counted(one_slice):
    one_slice.write_bytes(one_slice.read_bytes()[:-3])
    assert refusal(one_slice) == ("truncated", "37 of 40 bytes of pixel data")


def test_random_damage_is_never_an_exception(tmp_path):
    originals = [write_pet(tmp_path / "a")[0], write_series(tmp_path / "b")[0]]
    path = tmp_path / "damaged"
    chance = random.Random(2026)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for turn in range(400):
            data = bytearray(originals[turn % 2].read_bytes())
            for _ in range(chance.randrange(1, 9)):
                data[chance.randrange(132, len(data))] = chance.randrange(256)
            path.write_bytes(data[: chance.randrange(132, len(data) + 1)])
            assert isinstance(read_header(path), (DicomHeader, RefusedFile))


def test_an_index_puts_every_file_in_one_place(tmp_path):
    paths = write_series(tmp_path / "ct") + write_pet(tmp_path / "pet")
    scout = write_series(
        tmp_path / "scout", uid="1.2.6", shape=(5, 4, 1), tags={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
    )
    copy = tmp_path / "zz.dcm"
    copy.write_bytes(paths[0].read_bytes())
    drawn = write_structures(tmp_path / "rs.dcm", {})
    calls = []
    index = index_files([*paths, *scout, copy, drawn], calls.append)
    assert {uid: len(slices) for uid, slices in index.series.items()} == {"1.2.3": 3, "1.2.4": 3}
    assert [header.path for header in index.structures] == [str(drawn)]
    assert {one.path: one.reason for one in index.refused} == {str(scout[0]): "localizer", str(copy): "duplicate"}
    assert (calls[-1].done, calls[-1].total) == (9, 9)


def test_different_files_with_one_instance_uid_are_both_kept(tmp_path):
    paths = write_series(tmp_path / "a", shape=(5, 4, 1)) + write_series(
        tmp_path / "b", shape=(5, 4, 1), tags={"PatientAge": "064Y"}
    )
    index = index_files(paths)
    assert len(index.series["1.2.3"]) == 2
    assert index.refused == ()


def test_unreadable_files(one_slice, monkeypatch):
    def closed(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", closed)
    assert refusal(one_slice) == ("unreadable", "Permission denied")


def test_twins_that_cannot_be_compared_are_both_kept(tmp_path, monkeypatch):
    def vanished(*_, **__):
        raise FileNotFoundError(2, "No such file")

    paths = write_series(tmp_path / "a", shape=(5, 4, 1)) + write_series(tmp_path / "b", shape=(5, 4, 1))
    monkeypatch.setattr("filecmp.cmp", vanished)
    assert index_files(paths).refused == ()
