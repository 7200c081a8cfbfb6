import pytest

from oncohort.storage import parse_toml, read_settings_text
from oncohort.storage.settings_text import LARGEST_SETTINGS


def test_lines_end_alike_on_every_system(tmp_path):
    (tmp_path / "a.toml").write_bytes("name = 'é'\r\nsuv = 4\r\n".encode())
    assert read_settings_text(tmp_path / "a.toml") == "name = 'é'\nsuv = 4\n"


def test_a_file_far_too_large_is_not_read_to_its_end(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"#" * (LARGEST_SETTINGS + 1))
    with pytest.raises(ValueError, match="more than 4,000,000 bytes"):
        read_settings_text(tmp_path / "a.toml")
    (tmp_path / "a.toml").write_bytes(b"#" * LARGEST_SETTINGS)
    assert len(read_settings_text(tmp_path / "a.toml")) == LARGEST_SETTINGS


@pytest.mark.parametrize(("text", "words"), [("a = " + "[" * 100_000, "too deep"), ("a = [", "Invalid value")])
def test_text_that_is_no_toml_is_a_value_error(text, words):
    with pytest.raises(ValueError, match=words):
        parse_toml(text)
