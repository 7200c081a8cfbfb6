"""Fixtures that all tests share."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import tempfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent

# Property tests try the same examples in every run; `--hypothesis-profile exploring` (make explore) tries new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("exploring", derandomize=False, deadline=None, print_blob=True)
settings.load_profile("repeatable")


def pytest_collection_finish() -> None:
    """What thousands of tests hold is for good: no later collection of garbage looks at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """A function that gives the folder of one real data set, unpacked and checked, or skips the test."""

    def folder_of(name: str) -> Path:
        root = os.environ.get("ONCOHORT_DATA")
        if not root or not Path(root).is_dir():
            pytest.skip("real data: ONCOHORT_DATA does not name a folder (see tests/real_data.toml)")
        plain = Path(root) / name
        if plain.is_dir():
            return plain
        archive = Path(root) / f"{name}.zip"
        if not archive.is_file():
            pytest.skip(f"real data: {name} is not in ONCOHORT_DATA (see tests/real_data.toml)")
        return _unpacked(archive, name)

    return folder_of


def _unpacked(archive: Path, name: str) -> Path:
    digest = _expected_sha256(archive.name)
    target = Path(tempfile.gettempdir()) / f"oncohort-test-data-{os.getuid()}" / digest[:16]
    if not target.is_dir():
        with archive.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        assert found == digest, f"{archive} is not the file of the manifest"
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=target.parent))
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(partial)
        try:
            partial.rename(target)
        except OSError:  # another test process was first
            shutil.rmtree(partial)
    return target / name


def _expected_sha256(name: str) -> str:
    manifest = tomllib.loads((HERE / "real_data.toml").read_text())
    return str(next(entry["sha256"] for entry in manifest["file"] if entry["name"] == name))
