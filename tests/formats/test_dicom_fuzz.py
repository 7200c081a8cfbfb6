"""Damaged headers: refused or read, never a traceback, a long wait, or memory beyond the file's size."""

from __future__ import annotations

import random
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom_files import write_pet, write_series
from oncohort.errors import SuvRefusal
from oncohort.formats.dicom.header import DicomHeader, read_header
from oncohort.formats.dicom.values import RefusedFile
from oncohort.suv import SERIES_TAGS, SLICE_TAGS, pet_header, suv_alternatives, suv_factor

LENGTHS = (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x00\x00\x00\x00", b"\xfe\xff\x00\xe0")
ENCODINGS = (b"ISO_IR 192", b"ISO 2022 IR 87", b"GB18030", b"\xff\xfe\x00\x01", b"\\ISO_IR 100")


def damaged(original: bytes, source: random.Random) -> bytes:
    """One file with a few bytes, lengths, encodings or parts of it changed."""
    data = bytearray(original)
    for _ in range(source.randint(1, 4)):
        at = source.randrange(128, len(data)) if len(data) > 129 else 0
        kind = source.randrange(6)
        if kind == 0:
            data[at] = source.randrange(256)
        elif kind == 1:
            data[at : at + 4] = source.choice(LENGTHS)
        elif kind == 2:
            data[at:at] = source.choice(ENCODINGS)
        elif kind == 3:
            del data[at : at + source.randrange(1, 40)]
        elif kind == 4:
            data[at:at] = data[at : at + source.randrange(1, 200)]
        else:
            del data[at:]
    return bytes(data)


def run(folder, count):
    originals = [
        write(folder / f"{name}-{number}", syntax=syntax)[0].read_bytes()
        for number, syntax in enumerate((ImplicitVRLittleEndian, ExplicitVRLittleEndian))
        for name, write in (("ct", write_series), ("pet", write_pet))
    ]
    source, path, slowest, kinds = random.Random(2026), folder / "damaged.dcm", 0.0, set()
    tracemalloc.start()
    try:
        for _ in range(count):
            path.write_bytes(damaged(source.choice(originals), source))
            started = time.perf_counter()
            found = read_header(path)
            slowest = max(slowest, time.perf_counter() - started)
            assert isinstance(found, DicomHeader | RefusedFile)
            kinds.add("read" if isinstance(found, DicomHeader) else found.reason)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return slowest, peak, kinds


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_few_hundred_damaged_headers(tmp_path):
    slowest, peak, kinds = run(tmp_path, 400)
    assert slowest < 2.0
    assert peak < 32 * 2**20
    assert {"read", "broken DICOM", "truncated"} <= kinds


@pytest.mark.slow
def test_ten_thousand_damaged_headers(tmp_path):
    slowest, peak, _ = run(tmp_path, 10_000)
    assert slowest < 2.0
    assert peak < 64 * 2**20


WORDS = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.floats(),
    st.integers(),
    st.sampled_from(["BQML", "CNTS", "CPS", "GML", "CM2ML", "START", "ADMIN", "NONE", "ATTN\\DECY", "M", "F"]),
    st.sampled_from(["20250101", "110000", "20250101110000.00", "1e400", "-0", "70", "6586.2", "4\\4", "368080000"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from((*SERIES_TAGS, *SLICE_TAGS)), WORDS), min_size=1, max_size=3))
def test_any_tags_give_a_factor_or_a_refusal(slices):
    try:
        header = pet_header(slices, where="series")
        scale = suv_factor(header)
    except SuvRefusal as refusal:
        assert refusal.code
    else:
        assert all(factor > 0 for factor in scale.factors)
        suv_alternatives(header, scale, slices)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from((*SERIES_TAGS, *SLICE_TAGS)), WORDS), st.sampled_from(["START", "ADMIN", "NONE"])
)
def test_sound_headers_with_some_odd_tags_give_a_factor_or_a_refusal(changes, mode):
    base = {
        "Units": "BQML",
        "DecayCorrection": mode,
        "CorrectedImage": "ATTN\\DECY",
        "PatientWeight": "70",
        "SeriesDate": "20250101",
        "SeriesTime": "110000",
        "AcquisitionTime": "110000",
        "ActualFrameDuration": "300000",
        "RadionuclideTotalDose": "368080000",
        "RadionuclideHalfLife": "6586.2",
        "RadiopharmaceuticalStartTime": "100000",
    }
    tags = {**base, **changes}
    try:
        header = pet_header([tags], where="series")
        scale = suv_factor(header)
    except SuvRefusal as refusal:
        assert refusal.code
    else:
        assert all(factor > 0 for factor in scale.factors)
        suv_alternatives(header, scale, [tags])
