"""Sources told by what lies in a folder."""

import pytest

from oncohort.errors import InputError
from oncohort.sources import SOURCES, detect_source


def test_a_folder_above_the_data_names_the_folder_inside(tmp_path):
    (tmp_path / "above" / "set" / "ImageTr" / "PanTS_00000001").mkdir(parents=True)
    (tmp_path / "above" / "notes").mkdir()
    with pytest.raises(InputError) as caught:
        detect_source(tmp_path / "above")
    assert caught.value.found == f"none of them; it holds folders that are: {tmp_path / 'above' / 'set'} (pants)"
    assert detect_source(tmp_path / "above" / "set").name == "pants"


def test_a_folder_of_nothing_names_all_sources(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError) as caught:
        detect_source(tmp_path)
    assert caught.value.found == "none of them"
    assert all(name in caught.value.expected for name in SOURCES)
