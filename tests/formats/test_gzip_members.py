import gzip
import io

import numpy as np
import pytest

from oncohort.errors import FormatError
from oncohort.formats.gzip_members import MEMBER_BYTES, compress, read_bytes

NOISE = np.random.default_rng(0).integers(0, 256, 3000, dtype=np.uint8).tobytes()


def zipped(data):
    return b"".join(compress(memoryview(data)))


@pytest.mark.parametrize("size", [0, 1, 3000, MEMBER_BYTES, MEMBER_BYTES + 1, 2 * MEMBER_BYTES + 77])
def test_every_gzip_reader_reads_the_members(size, tmp_path):
    data = (NOISE * (size // 3000 + 1))[:size]
    members = list(compress(memoryview(data)))
    assert len(members) == max(1, -(-size // MEMBER_BYTES))
    assert gzip.decompress(b"".join(members)) == data
    (tmp_path / "a.gz").write_bytes(b"".join(members))
    assert read_bytes(tmp_path / "a.gz") == data
    assert read_bytes(tmp_path / "a.gz", size) == data


def test_equal_data_give_equal_bytes_without_a_time():
    assert zipped(NOISE) == zipped(NOISE)
    assert zipped(NOISE)[4:8] == bytes(4)


def test_files_of_other_writers_are_read(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(NOISE, 9))
    (tmp_path / "b").write_bytes(NOISE)
    for name in ("a.gz", "b"):
        assert read_bytes(tmp_path / name) == NOISE
        assert read_bytes(tmp_path / name, 10) == NOISE[:10]
        assert read_bytes(tmp_path / name, 5000) == NOISE
        assert read_bytes(tmp_path / name, 10**15) == NOISE


def test_no_more_is_expanded_than_asked_for(tmp_path):
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb") as stream:
        for _ in range(64):
            stream.write(bytes(1 << 20))
    (tmp_path / "a.gz").write_bytes(bomb.getvalue())
    assert len(read_bytes(tmp_path / "a.gz", 348)) == 348
    assert len(read_bytes(tmp_path / "a.gz")) == 64 << 20


@pytest.mark.parametrize("cut", [5, 12, 1000, 2900])
def test_a_cut_file_is_a_format_error(tmp_path, cut):
    (tmp_path / "a.gz").write_bytes(zipped(NOISE)[:cut])
    with pytest.raises(FormatError, match=r"a\.gz: expected a readable file"):
        read_bytes(tmp_path / "a.gz")


def test_a_flipped_bit_never_passes_unseen(tmp_path):
    text = b"voxel " * 300 + NOISE[:200]
    whole = zipped(text)
    for position in range(len(whole)):
        broken = bytearray(whole)
        broken[position] ^= 0x20
        (tmp_path / "a.gz").write_bytes(broken)
        try:
            found = read_bytes(tmp_path / "a.gz")
        except FormatError:
            continue
        assert found == text or position < 10, position


def test_a_missing_file_is_a_format_error(tmp_path):
    for path in (tmp_path / "none.gz", tmp_path):
        with pytest.raises(FormatError):
            read_bytes(path)
