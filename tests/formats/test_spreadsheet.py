"""Workbooks: what is written comes back, and hostile ones are refused without being read."""

import io
import random
import zipfile
from datetime import date, datetime, time

import openpyxl
import pytest

from oncohort.errors import FormatError
from oncohort.formats import spreadsheet
from oncohort.formats.spreadsheet import read_sheet, write_sheet

ROWS = [{"id": "PanTS_00000001", "age": 61, "spacing": 0.75, "known": True}, {"id": "x", "age": None}]
COLUMNS = ["id", "age", "spacing", "known"]
SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture
def book(tmp_path):
    write_sheet(tmp_path / "a.xlsx", ROWS, COLUMNS, sheet="PanTS_metadata")
    return tmp_path / "a.xlsx"


def rewritten(book, changes):
    """The workbook with some parts replaced (None removes one, new names are added)."""
    with zipfile.ZipFile(book) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts = {name: content for name, content in (parts | changes).items() if content is not None}
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return book


def page(rows):
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{namespace}"><sheetData>{rows}</sheetData></worksheet>'.encode()


def test_rows_come_back_with_their_types(book):
    found = read_sheet(book)
    assert found == [ROWS[0], {"id": "x", "age": None, "spacing": None, "known": None}]
    assert [type(value) for value in found[0].values()] == [str, int, float, bool]
    assert read_sheet(book, "PanTS_metadata") == found


def test_equal_rows_give_equal_bytes(book, tmp_path):
    write_sheet(tmp_path / "b.xlsx", ROWS, COLUMNS, sheet="PanTS_metadata")
    assert (tmp_path / "b.xlsx").read_bytes() == book.read_bytes()
    assert b"2000-01-01T00:00:00Z" in zipfile.ZipFile(book).read("docProps/core.xml")


def test_another_program_can_open_it(book):
    page = openpyxl.load_workbook(book)["PanTS_metadata"]
    assert [cell.value for cell in page[2]] == ["PanTS_00000001", 61, 0.75, True]


def test_dates_are_iso_text_and_formulas_are_values(tmp_path):
    other = openpyxl.Workbook()
    other.active.append(["day", "moment", "clock", "sum"])
    other.active.append([date(2026, 1, 5), datetime(2026, 1, 5, 8, 30), time(8, 30), "=1+1"])
    other.save(tmp_path / "a.xlsx")
    assert read_sheet(tmp_path / "a.xlsx") == [
        {"day": "2026-01-05", "moment": "2026-01-05T08:30:00", "clock": "08:30:00", "sum": None}
    ]


def test_text_is_never_a_formula_and_control_characters_are_escaped(tmp_path):
    write_sheet(tmp_path / "a.xlsx", [{"x": "=HYPERLINK(1)", "y": "a\x00b\nc"}], ["x", "y"])
    assert read_sheet(tmp_path / "a.xlsx") == [{"x": "=HYPERLINK(1)", "y": "a_x0000_b\nc"}]


def test_columns_without_a_name_or_with_one_twice_are_kept(tmp_path):
    other = openpyxl.Workbook()
    for row in ([], ["a", None, "a", "a", "a (2)"], [None] * 5, [1, 2, 3, 4, 5, 6]):
        other.active.append(row)
    other.save(tmp_path / "a.xlsx")
    names = ["a", "column B", "a (2)", "a (3)", "a (2) (2)", "column F"]
    assert read_sheet(tmp_path / "a.xlsx") == [dict(zip(names, [1, 2, 3, 4, 5, 6], strict=True))]


def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(book):
    with pytest.raises(FormatError, match="PanTS_metadata"):
        read_sheet(book, "other")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"a,b\n1,2\n", b"\xd0\xcf\x11\xe0 an old .xls", b"\x00" * 999], ids=range(5)
)
def test_what_is_no_workbook_is_refused(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(FormatError) as caught:
        read_sheet(tmp_path / "a.xlsx")
    assert caught.value.where == str(tmp_path / "a.xlsx")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.xlsx", tmp_path):
        with pytest.raises(FormatError):
            read_sheet(path)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + page('<row r="1"><c><v>&b;</v></c></row>').decode()


@pytest.mark.parametrize("text", [BOMB.encode(), (" " * 9000 + BOMB).encode(), ("\ufeff" + BOMB).encode("utf-16-le")])
def test_declarations_are_refused_in_any_encoding(book, text):
    with pytest.raises(FormatError, match="document type"):
        read_sheet(rewritten(book, {SHEET: text}))


def test_a_declaration_in_a_part_of_another_name_is_found(book):
    with pytest.raises(FormatError, match=r"document type declaration in xl/media/picture\.png"):
        read_sheet(rewritten(book, {"xl/media/picture.png": BOMB.encode()}))


def test_a_picture_in_a_workbook_does_no_harm(book):
    assert len(read_sheet(rewritten(book, {"xl/media/picture.png": b"\x89PNG\r\n\x1a\n" + bytes(99)}))) == 2


def test_sizes_are_bounded(book, monkeypatch):
    monkeypatch.setattr(spreadsheet, "LARGEST_WORKBOOK_BYTES", 100_000)
    assert read_sheet(book)
    with pytest.raises(FormatError, match="100000 bytes together"):
        read_sheet(rewritten(book, {"xl/media/zeros.bin": bytes(100_000)}))


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>',
        '<row r="1"><c r="ZZZ1"><v>1</v></c></row>',
        '<row r="1"><c r="ZZZZZZ1"><v>1</v></c></row>',
        '<row r="x"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>77</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>-7</v></c></row>',
        '<row r="1"><c r="A1" t="d"><v>soon</v></c></row>',
    ],
)
def test_impossible_cells_are_refused_quickly(book, rows):
    with pytest.raises(FormatError):
        read_sheet(rewritten(book, {SHEET: page(rows)}))


def test_too_many_cells_are_refused(book, monkeypatch):
    monkeypatch.setattr(spreadsheet, "MOST_CELLS", 7)
    with pytest.raises(FormatError, match="at most 7 cells"):
        read_sheet(book)


def test_an_empty_sheet_is_refused(tmp_path):
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    with pytest.raises(FormatError, match="empty sheet"):
        read_sheet(tmp_path / "a.xlsx")


def test_every_missing_part_gives_rows_or_a_refusal(book):
    parts = zipfile.ZipFile(book).namelist()
    whole = book.read_bytes()
    for part in parts:
        book.write_bytes(whole)
        outcome(rewritten(book, {part: None}))
        book.write_bytes(whole)
        outcome(rewritten(book, {part: b"<a/>"}))


def test_any_damaged_byte_gives_rows_or_a_refusal(book):
    whole, draw = book.read_bytes(), random.Random(5)
    for _ in range(300):
        data = bytearray(whole)
        data[draw.randrange(len(data))] = draw.randrange(256)
        book.write_bytes(bytes(data[: draw.choice([len(data), draw.randrange(len(data))])]))
        outcome(book)


def outcome(book):
    try:
        assert isinstance(read_sheet(book), list)
    except FormatError as error:
        assert error.where == str(book)


def test_a_part_that_claims_to_be_smaller_than_it_is_is_refused(book):
    buffer = io.BytesIO(rewritten(book, {SHEET: page(" " * 50_000)}).read_bytes())
    with zipfile.ZipFile(buffer) as archive:
        size = archive.getinfo(SHEET).file_size
    book.write_bytes(buffer.getvalue().replace(size.to_bytes(4, "little"), (600).to_bytes(4, "little")))
    with pytest.raises(FormatError):
        read_sheet(book)
