import os

from oncohort.storage import content_key, file_stamp, sha256_bytes, sha256_file

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_sha256_is_the_published_one(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_bytes(b"abc") == sha256_file(tmp_path / "a") == ABC
    assert sha256_bytes(memoryview(b"abc")) == ABC


def test_content_keys_tell_parts_apart():
    assert content_key("a", {"x": 1, "y": [2]}) == content_key("a", {"y": [2], "x": 1})
    keys = {content_key(*parts) for parts in [("a", "b"), ("b", "a"), ("ab",), ("a", "b", None), (["a", "b"],), ()]}
    assert len(keys) == 6


def test_a_stamp_changes_with_size_and_time(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"123")
    os.utime(path, ns=(5, 1_000_000_007))
    assert file_stamp(path) == {"bytes": 3, "mtime_ns": 1_000_000_007}
