from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from oncohort.sources.walking import refused_row, relative, walk_folder


def names(root: Path):
    return [relative(root, path) for path in walk_folder(root).files]


def reasons(root: Path):
    return {row["path"]: row["reason"] for row in walk_folder(root).refused}


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "root"
    for name in ("b/2", "b/1", "a/x/3", "c"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def test_files_come_in_order(tree):
    assert names(tree) == ["c", "a/x/3", "b/1", "b/2"]


def test_linked_files_are_taken(tree, tmp_path):
    (tmp_path / "far").write_text("far")
    (tree / "link").symlink_to(tmp_path / "far")
    assert "link" in names(tree)


def test_linked_folders_are_entered_once(tree, tmp_path):
    far = tmp_path / "far"
    far.mkdir()
    (far / "4").write_text("4")
    (far / "home").symlink_to(tree)
    (tree / "one").symlink_to(far)
    (tree / "two").symlink_to(far)
    (tree / "b" / "again").symlink_to(tree / "a")
    assert names(tree) == ["c", "a/x/3", "b/1", "b/2", "one/4"]
    assert reasons(tree) == {"two": "duplicate", "one/home": "duplicate", "b/again": "duplicate"}


def test_links_that_lead_nowhere_are_refused(tree):
    (tree / "lost").symlink_to(tree / "none")
    assert reasons(tree) == {"lost": "unreadable"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_pipes_are_never_opened(tree):
    os.mkfifo(tree / "pipe")
    assert reasons(tree) == {"pipe": "not DICOM"}


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text elsewhere")
def test_names_that_are_no_text_are_escaped(tree):
    odd = os.fsencode(tree) + b"/od\xffd"
    Path(os.fsdecode(odd)).write_text("odd")
    assert r"od\xffd" in names(tree)


def test_unreadable_folders_are_refused(tree, monkeypatch):
    original = os.scandir

    def scandir(path):
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert reasons(tree) == {"a": "unreadable"}


class Locked:
    """An entry of a folder whose size nobody may ask for."""

    def __init__(self, entry):
        self.name, self.path, self.is_dir, self.is_symlink = entry.name, entry.path, entry.is_dir, entry.is_symlink

    def stat(self):
        raise PermissionError(13, "Permission denied", self.path)


def test_unreadable_entries_are_refused(tree, monkeypatch):
    original = os.scandir

    def scandir(path):
        with original(path) as entries:
            return nullcontext([Locked(entry) if entry.name == "c" else entry for entry in entries])

    monkeypatch.setattr(os, "scandir", scandir)
    assert reasons(tree) == {"c": "unreadable"}
    assert names(tree) == ["a/x/3", "b/1", "b/2"]


def test_stamps_are_those_of_the_file_system(tree):
    for stamp in walk_folder(tree).stamps:
        status = Path(stamp.path).stat()
        assert (stamp.bytes, stamp.mtime_ns) == (status.st_size, status.st_mtime_ns)


def test_rows_are_relative(tmp_path):
    row = refused_row(tmp_path, tmp_path / "a" / "b", "why", "because")
    assert row == {"path": "a/b", "reason": "why", "detail": "because"}


def test_a_path_on_another_drive_stays_absolute(monkeypatch):
    def no_common_drive(path, start):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", no_common_drive)
    assert relative(Path("/set"), "/data/a.nii.gz") == "/data/a.nii.gz"
