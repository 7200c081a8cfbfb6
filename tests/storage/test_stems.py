import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oncohort.storage import decode_stem, encode_stem

REFUSED = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


@given(st.text())
@example("100%")
@example("%2F")
@example("../etc")
@example("CON")
@example("a. ")
def test_every_identifier_survives_and_is_a_file_name(identifier):
    stem = encode_stem(identifier)
    assert decode_stem(stem) == identifier
    assert not REFUSED.search(stem)
    assert stem[:1] not in {".", "-", " "} or not stem
    assert stem[-1:] not in {".", " "} or not stem
    assert stem.lower() not in {"con", "nul", "lpt1", "com9", "aux", "prn"}


@pytest.mark.parametrize(
    ("identifier", "stem"),
    [
        ("fdg_7b8d Ö", "fdg_7b8d Ö"),
        ("a/b\\c:d", "a%2Fb%5Cc%3Ad"),
        ("\x00\x1f\x7f", "%00%1F%7F"),
        ("-rf", "%2Drf"),
        (" a ", "%20a%20"),
        ("a.", "a%2E"),
        ("nul", "%6Eul"),
        ("com1", "%63om1"),
        ("COM9", "%43OM9"),
        ("lpt9", "%6Cpt9"),
        ("com0", "com0"),
        ("com10", "com10"),
        ("con.txt", "con.txt"),
        ("100%", "100%25"),
    ],
)
def test_encoding_is_written_down(identifier, stem):
    assert encode_stem(identifier) == stem


@given(st.text(), st.text())
def test_two_identifiers_never_share_a_stem(a, b):
    assert (a == b) == (encode_stem(a) == encode_stem(b))
