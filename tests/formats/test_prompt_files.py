"""Prompt files, typed from the reference document."""

import json

import pytest

from oncohort.errors import FormatError, InputError, SettingsError
from oncohort.formats.prompt_files import DIALECTS, find_dialect, read_prompts, write_prompts
from oncohort.prompts import Prompt

SIMPLE = {"tumor": [[109, 103, 353], [99, 92, 178]], "background": [[84, 84, 264]]}
GC = {
    "version": {"major": 1, "minor": 0},
    "type": "Multiple points",
    "points": [
        {"point": [109, 103, 353], "name": "tumor"},
        {"point": [99, 92, 178], "name": "tumor"},
        {"point": [84, 84, 264], "name": "background"},
    ],
}
LONGITUDINAL = {
    "name": "Points of interest",
    "version": {"major": 1, "minor": 0},
    "type": "Multiple points",
    "points": [
        {"point": [332.34, 289.42, 109.59], "name": "1"},
        {"point": [184.26, 431.73, 197.18], "name": "lesion 12"},
    ],
}
FILES = {"simple": SIMPLE, "gc": GC, "longitudinal": LONGITUDINAL}


def put(tmp_path, value):
    path = tmp_path / "a_clicks.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


@pytest.mark.parametrize("name", DIALECTS)
def test_dialects_are_told_by_their_content(name):
    assert find_dialect(FILES[name]) == name


def test_both_dialects_of_one_case_hold_the_same_prompts(tmp_path):
    simple = read_prompts(put(tmp_path, SIMPLE), dialect="simple")
    assert [prompt.points[0].tolist() for prompt in simple] == [[109, 103, 353], [99, 92, 178], [84, 84, 264]]
    assert [prompt.step for prompt in simple] == [1, 2, 1]
    assert [prompt.polarity for prompt in simple] == ["foreground", "foreground", "background"]
    assert read_prompts(put(tmp_path, GC), dialect="gc") == simple
    assert read_prompts(put(tmp_path, GC)) == simple


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("asked", DIALECTS)
def test_a_file_read_in_another_dialect_raises_and_is_never_empty(tmp_path, name, asked):
    path = put(tmp_path, FILES[name])
    if name == asked:
        assert read_prompts(path, dialect=asked)
    else:
        with pytest.raises(FormatError, match=name):
            read_prompts(path, dialect=asked)


def test_longitudinal_points_are_decimal_and_name_their_lesion(tmp_path):
    prompts = read_prompts(put(tmp_path, LONGITUDINAL), origin="reader")
    assert [(prompt.lesion, prompt.step, prompt.origin) for prompt in prompts] == [
        ("1", 0, "reader"),
        ("12", 0, "reader"),
    ]
    assert prompts[0].points.tolist() == [[332.34, 289.42, 109.59]]


def test_scribbles_are_one_prompt_per_polarity(tmp_path):
    prompts = read_prompts(put(tmp_path, GC), kind="scribble")
    assert [(prompt.polarity, len(prompt.points), prompt.step) for prompt in prompts] == [
        ("foreground", 2, 1),
        ("background", 1, 1),
    ]


@pytest.mark.parametrize(
    "value",
    [{"tumor": [], "background": []}, {**GC, "points": []}, {**LONGITUDINAL, "points": []}],
)
def test_files_without_points_are_empty_on_purpose(tmp_path, value):
    assert read_prompts(put(tmp_path, value)) == []


@pytest.mark.parametrize(
    "value",
    [
        "",
        "null",
        "[]",
        "3",
        "{}",
        '{"tumor": ',
        "[" * 100000,
        {"tumour": [[1, 2, 3]]},
        {"tumor": [[1, 2, 3]], "gland": []},
        {"tumor": {"0": [1, 2, 3]}},
        {"tumor": [[1, 2]]},
        {"tumor": [[1, 2, 3, 4]]},
        {"tumor": [1, 2, 3]},
        {"tumor": [["1", "2", "3"]]},
        {"tumor": [[True, 2, 3]]},
        {"tumor": [[None, 2, 3]]},
        '{"tumor": [[NaN, 2, 3]]}',
        '{"tumor": [[Infinity, 2, 3]]}',
        '{"tumor": [[1' + "0" * 400 + ", 2, 3]]}",
        {**GC, "type": "Points"},
        {**GC, "version": {"major": 2, "minor": 0}},
        {**GC, "version": "1.0"},
        {**GC, "points": [{"point": [1, 2, 3]}]},
        {**GC, "points": [[1, 2, 3]]},
        {**GC, "points": [{"point": [1, 2, 3], "name": 7}]},
        {**GC, "points": [{"point": None, "name": "tumor"}]},
        {**GC, "points": [{"point": [1, 2, 3], "name": "tumor"}, {"point": [1, 2, 3], "name": "7"}]},
        {**LONGITUDINAL, "points": [{"point": [1, 2, 3], "name": " "}]},
    ],
)
def test_anything_else_is_refused_without_a_traceback(tmp_path, value):
    with pytest.raises(FormatError):
        read_prompts(put(tmp_path, value))


def test_a_missing_a_huge_and_a_binary_file_are_refused(tmp_path):
    path = tmp_path / "a_clicks.json"
    with pytest.raises(FormatError):
        read_prompts(path)
    path.write_bytes(b"\xff\x00")
    with pytest.raises(FormatError):
        read_prompts(path)
    with path.open("wb") as stream:
        stream.truncate((32 << 20) + 1)
    with pytest.raises(FormatError, match="bytes"):
        read_prompts(path)


def test_what_is_written_is_what_the_organisers_write(tmp_path):
    prompts = read_prompts(put(tmp_path, SIMPLE))
    write_prompts(tmp_path / "simple.json", prompts, dialect="simple")
    write_prompts(tmp_path / "gc.json", prompts, dialect="gc")
    write_prompts(tmp_path / "long.json", read_prompts(put(tmp_path, LONGITUDINAL)), dialect="longitudinal")
    assert json.loads((tmp_path / "simple.json").read_text()) == SIMPLE
    assert json.loads((tmp_path / "gc.json").read_text()) == GC
    assert json.loads((tmp_path / "long.json").read_text())["points"][1]["name"] == "12"
    assert read_prompts(tmp_path / "gc.json") == prompts


def test_wrong_requests_are_refused(tmp_path):
    path = put(tmp_path, SIMPLE)
    with pytest.raises(SettingsError):
        read_prompts(path, dialect="gcp")
    with pytest.raises(SettingsError):
        read_prompts(path, kind="box")
    with pytest.raises(SettingsError):
        write_prompts(path, [], dialect="gcp")
    with pytest.raises(SettingsError):
        write_prompts(path, [Prompt("click", "foreground", [[1, 2, 3]])], dialect="longitudinal")
    assert issubclass(SettingsError, InputError)
