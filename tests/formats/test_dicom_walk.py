"""The walk over elements gives what pydicom gives, or leaves the file to pydicom, or refuses it by name."""

import os
import struct
import time
import warnings
from collections import Counter
from pathlib import Path

import pytest
from benchmarks.dicom_headers import compare, write_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from dicom_files import save, write_pet, write_series, write_structures
from oncohort.formats.dicom import header as dicom_header
from oncohort.formats.dicom.elements import DEEPEST, UnknownHeader
from oncohort.formats.dicom.header import DicomHeader, read_header
from oncohort.formats.dicom.values import RefusedFile
from oncohort.formats.dicom.walk import TAGS

LITTLE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@pytest.fixture(autouse=True)
def _without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Paths:
    """Reads files by both paths, and counts which the walk left to pydicom."""

    def __init__(self, monkeypatch):
        self.monkeypatch, self.left = monkeypatch, 0

    def by_walk(self, path):
        parse = dicom_header.parse_header

        def counted(*arguments):
            self.left += 1
            return parse(*arguments)

        with self.monkeypatch.context() as patch:
            patch.setattr(dicom_header, "parse_header", counted)
            return read_header(path)

    def by_pydicom(self, path):
        def nothing(window):
            raise UnknownHeader

        with self.monkeypatch.context() as patch:
            patch.setattr(dicom_header, "walk_header", nothing)
            return read_header(path)

    def agree(self, path):
        found = self.by_walk(path)
        assert found == self.by_pydicom(path)
        return found


@pytest.fixture
def paths(monkeypatch):
    return Paths(monkeypatch)


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    ["sts_petct", "lung_pet_ct_dx", "suv_dro", "hard_ct", "sts001_wholebody_pet", "ct_organs", "dicom_seg", "rtstruct"],
)
def test_both_paths_agree_on_real_files(real_data, paths, name):
    files = sorted(path for path in real_data(name).rglob("*") if path.is_file())
    kinds = Counter(type(paths.agree(path)).__name__ for path in files[:: max(1, len(files) // 700)])
    assert kinds
    assert paths.left == 0  # of these, all are walked


@pytest.mark.parametrize("syntax", LITTLE)
def test_a_walked_series_is_what_pydicom_reads(tmp_path, paths, syntax):
    for path in (*write_series(tmp_path, syntax=syntax, shape=(5, 4, 12)), *write_pet(tmp_path, syntax=syntax)):
        assert isinstance(paths.agree(path), DicomHeader)
    assert paths.left == 0


def test_slices_laid_out_alike_keep_their_own_values(tmp_path, paths):
    files = write_series(
        tmp_path, shape=(5, 4, 30), uid="1.2.77", change=lambda data, k: setattr(data, "PatientWeight", f"{k + 10}")
    )
    found = [paths.agree(path) for path in files]
    assert [header.image.position_mm[2] for header in found] == [30.0 + 4 * k for k in range(30)]
    assert [header.facts["PatientWeight"] for header in found] == [str(k + 10) for k in range(30)]
    assert len({header.instance for header in found}) == 30


def test_a_file_of_one_size_and_another_layout_is_walked_anew(tmp_path, paths):
    for turn, (sex, station) in enumerate([("F", "AB"), ("F", "CD"), ("", "ABCD"), ("F", "EF"), ("", "EFGH")]):
        tags = {"PatientSex": sex, "StationName": station}
        (path,) = write_series(tmp_path / str(turn), shape=(5, 4, 1), tags=tags)
        assert paths.agree(path).facts.get("PatientSex", "") == sex


@pytest.mark.parametrize("syntax", LITTLE)
@pytest.mark.parametrize("undefined", [False, True])
def test_nested_sequences(tmp_path, paths, syntax, undefined):
    def nest(data, _):
        inner, middle, private = Dataset(), Dataset(), Dataset()
        inner.CodeValue, inner.PatientID = "not this", "nor this"
        middle.PurposeOfReferenceCodeSequence = [inner, inner]
        middle["PurposeOfReferenceCodeSequence"].is_undefined_length = undefined
        middle.is_undefined_length_sequence_item = undefined
        data.SourceImageSequence = [middle, Dataset()]
        data["SourceImageSequence"].is_undefined_length = undefined
        block = data.private_block(0x0011, "SOMEBODY", create=True)
        private.PatientID = "X"
        block.add_new(0x01, "SQ", [private])
        data[0x00111001].is_undefined_length = undefined

    (path,) = write_series(tmp_path, shape=(5, 4, 1), syntax=syntax, change=nest)
    assert paths.agree(path).patient == "P1"
    assert paths.left == 0


@pytest.mark.parametrize("syntax", LITTLE)
def test_icons_with_pixels_of_their_own(tmp_path, paths, syntax):
    def add_icon(data, _):
        icon = Dataset()
        icon.Rows, icon.PixelData = 1, b"\0" * 8
        icon["PixelData"].VR = "OW"
        data.IconImageSequence = [icon]
        data["IconImageSequence"].is_undefined_length = True

    (path,) = write_series(tmp_path, shape=(5, 4, 1), syntax=syntax, change=add_icon)
    assert paths.agree(path).image.rows == 4
    assert paths.left == 0


def test_the_private_time_of_ge(tmp_path, paths):
    def add_time(data, _):
        data.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", "20250101110000.00")

    for syntax in LITTLE:
        (path, *_) = write_pet(tmp_path / syntax, shape=(5, 4, 1), syntax=syntax, change=add_time)
        assert paths.agree(path).facts["GEScanDateTime"] == "20250101110000.00"
    assert paths.left == 0


def test_a_header_longer_than_the_first_piece(tmp_path, paths):
    def add_text(data, _):
        data.ImageComments = "x" * 9000
        data.add_new(0x00110010, "LO", "SOMEBODY")
        data.add_new(0x00111001, "OB", b"y" * 70_000)

    for syntax in LITTLE:
        for path in write_series(tmp_path / syntax, shape=(5, 4, 3), syntax=syntax, change=add_text):
            assert isinstance(paths.agree(path), DicomHeader)
    assert paths.left == 0


@pytest.mark.parametrize(
    ("tags", "syntax"),
    [
        ({}, ExplicitVRBigEndian),
        ({"SpecificCharacterSet": "ISO_IR 100", "PatientID": "M\u00fcller"}, ExplicitVRLittleEndian),
        ({"SpecificCharacterSet": "ISO_IR 13"}, ExplicitVRLittleEndian),
        ({"SpecificCharacterSet": "utf_16"}, ImplicitVRLittleEndian),
        ({"PatientID": "A\\B"}, ExplicitVRLittleEndian),
    ],
)
def test_what_the_walk_does_not_know_is_left_to_pydicom(tmp_path, paths, tags, syntax):
    (path,) = write_series(tmp_path, shape=(5, 4, 1), tags=tags, syntax=syntax)
    assert isinstance(paths.agree(path), DicomHeader)
    assert paths.left == 1


def test_explicit_elements_in_a_file_that_says_implicit(tmp_path, paths):
    (path,) = write_series(tmp_path, shape=(5, 4, 1))
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0"))
    paths.agree(path)
    assert paths.left == 1


def test_a_deflated_file_is_refused_without_inflating_it(tmp_path):
    (path,) = write_series(tmp_path, shape=(5, 4, 1))
    save(dcmread(path), path, DeflatedExplicitVRLittleEndian)
    assert read_header(path).reason == "compressed"


text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
ANY = st.dictionaries(
    st.sampled_from([name for name in TAGS if name not in ("PixelData", "SOPClassUID", "SpecificCharacterSet")]),
    text,
    max_size=8,
)


@given(values=ANY, implicit=st.booleans(), items=st.integers(0, 3), undefined=st.booleans(), pet=st.booleans())
@QUIET
def test_both_paths_agree_on_any_header(tmp_path, paths, values, implicit, items, undefined, pet):
    def change(data, _):
        for name, value in values.items():
            _set(data, name, value)
        data.OtherPatientIDsSequence = [_item(PatientID=str(number)) for number in range(items)]
        data["OtherPatientIDsSequence"].is_undefined_length = undefined

    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    write = write_pet if pet else write_series
    (path,) = write(tmp_path, shape=(5, 4, 1), syntax=syntax, change=change)
    paths.agree(path)


def _item(**values):
    data = Dataset()
    for name, value in values.items():
        setattr(data, name, value)
    return data


def _set(data, name, value):
    kind = Dataset()
    try:
        setattr(kind, name, int(value) if value.isdigit() and len(value) < 5 else value)
        save(kind, Path(os.devnull), ImplicitVRLittleEndian)
    except (TypeError, ValueError, struct.error, AttributeError, OSError):
        return
    data[name] = kind[name]


@given(data=st.data())
@settings(QUIET, max_examples=150)
def test_damage_never_gives_another_header_than_pydicom(tmp_path_factory, paths, data):
    """Flipped bytes and cuts: whatever the walk accepts, pydicom reads in the same way."""
    path = tmp_path_factory.getbasetemp() / "damaged.dcm"
    original = _originals(tmp_path_factory)[data.draw(st.integers(0, 3))]
    content = bytearray(original)
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(132, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(132, len(content)))] if data.draw(st.booleans()) else content)
    found = paths.by_walk(path)
    assert isinstance(found, (DicomHeader, RefusedFile))
    if isinstance(found, DicomHeader):
        assert found == paths.by_pydicom(path)


_MADE: list[bytes] = []


def _originals(tmp_path_factory):
    if not _MADE:
        folder = tmp_path_factory.mktemp("originals")
        for syntax in LITTLE:
            _MADE.append(write_pet(folder / syntax, shape=(5, 4, 1), syntax=syntax)[0].read_bytes())
            _MADE.append(write_series(folder / syntax, shape=(5, 4, 1), syntax=syntax)[0].read_bytes())
    return _MADE


def _with_elements(tmp_path, elements, syntax=ImplicitVRLittleEndian):
    """A slice with these bytes before its pixels, and nothing after them."""
    (path,) = write_series(tmp_path, shape=(5, 4, 1), syntax=syntax)
    content = path.read_bytes()
    head = content[: content.rindex(struct.pack("<HH", 0x7FE0, 0x0010))]
    path.write_bytes(head + elements)
    return path


HUGE = struct.pack("<HHI", 0x0029, 0x1010, 0xFFFFFFF0)
ITEM, END = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
OPEN = struct.pack("<HHI", 0x0040, 0x0275, 0xFFFFFFFF)


@pytest.mark.parametrize(
    ("elements", "reason", "word"),
    [
        (HUGE, "truncated", "(0029,1010) of 4294967280 bytes"),
        (OPEN, "truncated", "the file ends"),
        (OPEN + ITEM, "truncated", "the file ends"),
        (OPEN + struct.pack("<HHI", 0xFFFE, 0xE000, 1 << 30), "truncated", "(fffe,e000)"),
        ((OPEN + ITEM) * 5000, "broken DICOM", f"more than {DEEPEST} deep"),
        (struct.pack("<HHI", 0x0028, 0x1052, 1 << 21) + b"1" * (1 << 21), "broken DICOM", "2097152 bytes"),
    ],
)
def test_hostile_headers_are_refused_by_name(tmp_path, elements, reason, word):
    path = _with_elements(tmp_path, elements)
    if reason == "broken DICOM" and "bytes" in word:
        path.write_bytes(path.read_bytes() + struct.pack("<HHI", 0x7FE0, 0x0010, 40) + bytes(40))
    began = time.monotonic()
    found = read_header(path)
    assert time.monotonic() - began < 1
    assert (found.reason, word in found.detail) == (reason, True), found.detail


def test_a_million_empty_items_end(tmp_path):
    empty = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    path = _with_elements(tmp_path, OPEN + empty * 200_000)
    began = time.monotonic()
    assert read_header(path).reason == "truncated"
    assert time.monotonic() - began < 10


def test_a_structure_set_is_read_up_to_its_regions(tmp_path, paths):
    path = write_structures(tmp_path / "rs.dcm", {"A": [[(0, 0, 0), (1, 0, 0), (1, 1, 0)]]})
    assert paths.agree(path).modality == "RTSTRUCT"
    assert paths.left == 0


@pytest.mark.slow
@pytest.mark.parametrize("syntax", LITTLE)
def test_the_walk_is_at_least_eight_times_faster_than_pydicom(tmp_path, syntax):
    """Measured fourteen times on 20,000 files by `python -m benchmarks headers`."""
    assert compare("headers", write_files(tmp_path / "ct", 400, syntax)) > 8
