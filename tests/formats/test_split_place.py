"""Where a split is written: no other file is ever lost."""

import json

import pytest

from oncohort.errors import OutputError
from oncohort.formats.split_file import place_split, read_split, require_split_place
from oncohort.splits import Split

ONE = Split({"a": "a", "b": "b"}, test=("a",), folds=(("b",),), seed=1)
OTHER = Split({"a": "a", "b": "b"}, test=("b",), folds=(("a",),), seed=1)


def test_the_same_split_stays_as_it_is_and_another_is_refused(tmp_path):
    place = tmp_path / "deep" / "split.json"
    place_split(place, ONE)
    place.write_text(place.read_text() + "\n")
    before = place.read_text()
    place_split(place, ONE)
    assert place.read_text() == before
    with pytest.raises(OutputError) as caught:
        place_split(place, OTHER)
    assert "another split, 1 folds, 1 test cases, seed 1, strata none" in caught.value.found
    assert "--overwrite" in caught.value.remedy
    assert place.read_text() == before
    place_split(place, OTHER, overwrite=True)
    assert read_split(place).test == ("b",)


def test_an_edited_split_is_replaced_on_request_only(tmp_path):
    place = tmp_path / "split.json"
    edited = json.dumps({**ONE.to_dict(), "test": ["b"]})
    place.write_text(edited)
    with pytest.raises(OutputError, match="an edited split"):
        place_split(place, ONE)
    assert place.read_text() == edited
    place_split(place, ONE, overwrite=True)
    assert read_split(place).content_hash == ONE.content_hash


@pytest.mark.parametrize("text", ["", "my notes", "[]", "{}", '{"type": "oncohort.cohort"}', '{"type": ["x"]}', "\x00"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_split_is_never_replaced(tmp_path, text, overwrite):
    place = tmp_path / "mine.txt"
    place.write_text(text)
    for attempt in (lambda: require_split_place(place), lambda: place_split(place, ONE, overwrite=overwrite)):
        with pytest.raises(OutputError, match="no split") as caught:
            attempt()
        assert "--overwrite" not in caught.value.remedy
    assert place.read_text() == text


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_and_links_are_refused(tmp_path, overwrite):
    with pytest.raises(OutputError, match="a folder"):
        place_split(tmp_path, ONE, overwrite=overwrite)
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "nowhere.json")
    with pytest.raises(OutputError):
        place_split(link, ONE, overwrite=overwrite)
    assert link.is_symlink()
