"""Runs against the decoder of pydicom, and runs that do not fit."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.pixels.decoders.rle import _rle_decode_segment

from oncohort.formats.dicom.rle import unpack_frame, unpack_runs


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=128), st.tuples(st.integers(2, 128), st.integers(0, 255)))))
def test_runs_of_both_kinds(runs):
    packed, expected = b"", b""
    for run in runs:
        literal = isinstance(run, bytes)
        packed += bytes([len(run) - 1]) + run if literal else bytes([257 - run[0], run[1]])
        expected += run if literal else bytes([run[1]]) * run[0]
    assert bytes(_rle_decode_segment(packed)) == expected
    assert unpack_runs(packed, len(expected)) == expected
    with pytest.raises(ValueError, match="instead of"):
        unpack_runs(packed, len(expected) + 1)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_give_what_the_other_decoder_gives_or_an_error(packed, count):
    try:
        found = unpack_runs(packed, count)
    except ValueError:
        return
    assert found == bytes(_rle_decode_segment(packed))[:count]


@pytest.mark.parametrize("packed", [b"", b"\x05\1\2", b"\xfe", b"\x80" * 9, b"\xf0\1", b"\x04\1\2\3\4\5"])
def test_what_does_not_fit(packed):
    with pytest.raises(ValueError, match="instead of 3"):
        unpack_runs(packed, 3)


@given(st.binary(max_size=100))
def test_any_header_is_an_error_or_pixels(frame):
    with suppress(ValueError):
        assert unpack_frame(frame, (2, 3), 2).shape == (2, 3)


def test_the_first_segment_holds_the_high_bytes():
    header = b"".join(one.to_bytes(4, "little") for one in (2, 64, 67)).ljust(64, b"\0")
    assert unpack_frame(header + b"\1\1\2" + b"\1\3\4", (1, 2), 2).tolist() == [[0x0103, 0x0204]]
