from pathlib import Path

import pytest

from oncohort.errors import FormatError
from oncohort.formats.case_sheet import read_case_sheet, write_case_sheet


def read(folder: Path, text: str | bytes):
    path = folder / "cases.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_case_sheet(path)


def test_cells_are_text_or_numbers_and_empty_ones_are_left_out(tmp_path: Path):
    sheet = read(tmp_path, "\ufeffcase,patient,age_years,timepoint,tracer,note\nA, P1 ,61.5,2,,007\nB,P2,,,FDG,\n\n")
    assert sheet == {
        "A": {"patient": "P1", "age_years": 61.5, "timepoint": 2, "note": "007"},
        "B": {"patient": "P2", "tracer": "FDG"},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patient\nA\n", "a column `case`"),
        ("case,patient\nA,1\nA,2\n", "'A' in line 3"),
        ("case,patient\n,1\n", "every case once"),
        ("case\nA,1\n", "as many cells"),
        ("case,age_years\nA,old\n", "a number in column age_years, found 'old'"),
        (b"case\n\xff\n", "UTF-8"),
        ('case\n"A\n', "CSV"),
    ],
)
def test_a_wrong_sheet_is_refused_with_the_place(tmp_path: Path, text: str | bytes, message: str):
    with pytest.raises(FormatError, match=message):
        read(tmp_path, text)


def test_a_missing_sheet_is_refused_and_an_empty_one_is_empty(tmp_path: Path):
    with pytest.raises(FormatError, match=r"cases\.csv"):
        read_case_sheet(tmp_path / "cases.csv")
    write_case_sheet(tmp_path / "cases.csv", [])
    assert read_case_sheet(tmp_path / "cases.csv") == {}
