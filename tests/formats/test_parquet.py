import polars as pl
import pytest

from oncohort.errors import FormatError, OutputError
from oncohort.formats.parquet import read_table, staged_table, write_table

TABLE = pl.DataFrame({"case": ["A", None], "shape": [[1, 2], []], "own": [1.5, None]})


def test_a_table_comes_back_and_says_what_it_is(tmp_path):
    write_table(tmp_path / "a.parquet", TABLE, kind="oncohort.x", version="1.2")
    assert read_table(tmp_path / "a.parquet", kind="oncohort.x", version="1.2").equals(TABLE)
    metadata = pl.read_parquet_metadata(tmp_path / "a.parquet")
    assert (metadata["type"], metadata["format_version"]) == ("oncohort.x", "1.2")


@pytest.mark.parametrize("version", ["1.0", "1.9", "1"])
def test_a_later_minor_version_is_read(tmp_path, version):
    write_table(tmp_path / "a.parquet", TABLE, kind="x", version=version)
    assert read_table(tmp_path / "a.parquet", kind="x", version="1.0").height == 2


@pytest.mark.parametrize("version", ["2.0", "10.0", "0.9"])
def test_another_major_version_is_refused(tmp_path, version):
    write_table(tmp_path / "a.parquet", TABLE, kind="x", version=version)
    with pytest.raises(FormatError, match=f"expected format version 1.0, found version {version}"):
        read_table(tmp_path / "a.parquet", kind="x", version="1.0")


def test_another_type_is_refused(tmp_path):
    TABLE.write_parquet(tmp_path / "a.parquet")
    write_table(tmp_path / "b.parquet", TABLE, kind="y", version="1.0")
    for name, found in (("a", "None"), ("b", "y")):
        with pytest.raises(FormatError, match=f"a table of type x, found type {found}"):
            read_table(tmp_path / f"{name}.parquet", kind="x", version="1.0")


def test_missing_and_damaged_files_are_refused(tmp_path):
    write_table(tmp_path / "cut.parquet", TABLE, kind="x", version="1.0")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "cut.parquet").read_bytes()[:-9])
    (tmp_path / "text.parquet").write_text("no parquet")
    (tmp_path / "empty.parquet").write_bytes(b"")
    for name in ("cut", "text", "empty", "missing"):
        with pytest.raises(FormatError) as caught:
            read_table(tmp_path / f"{name}.parquet", kind="x", version="1.0")
        assert caught.value.where == str(tmp_path / f"{name}.parquet")


def test_a_name_with_wildcards_is_one_file(tmp_path):
    write_table(tmp_path / "a[1]*.parquet", TABLE, kind="x", version="1.0")
    assert read_table(tmp_path / "a[1]*.parquet", kind="x", version="1.0").height == 2


def test_a_staged_table_takes_its_place_at_the_end(tmp_path):
    with staged_table(tmp_path / "a.parquet", TABLE, kind="x", version="1.0"):
        assert not (tmp_path / "a.parquet").exists()
    assert (tmp_path / "a.parquet").exists()
    with (
        pytest.raises(RuntimeError),
        staged_table(tmp_path / "a.parquet", TABLE.head(0), kind="x", version="1.0"),
    ):
        raise RuntimeError
    assert read_table(tmp_path / "a.parquet", kind="x", version="1.0").height == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        write_table(tmp_path / "file" / "a.parquet", TABLE, kind="x", version="1.0")
