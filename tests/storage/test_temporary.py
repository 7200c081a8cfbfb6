"""Temporary folders: those of killed processes go, all others stay."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from oncohort.storage import temporary, temporary_folder

LEAVE = """
import os
from pathlib import Path
from oncohort.storage import temporary_folder
left = temporary_folder()
(Path(left.name) / "deep").mkdir()
(Path(left.name) / "deep" / "image.nii").write_text("of a patient")
print(left.name, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def there(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def left_by_a_killed_process():
    ran = subprocess.run([sys.executable, "-c", LEAVE], stdout=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == -9
    return Path(ran.stdout.strip())


def test_it_is_of_this_user_alone_and_goes_at_the_end(there):
    with temporary_folder() as name:
        assert Path(name).parent == there
        assert Path(name).stat().st_mode & 0o777 == 0o700
        (Path(name) / "file").write_text("x")
    assert list(there.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next(there):
    left = left_by_a_killed_process()
    assert (left / "deep" / "image.nii").is_file()
    with temporary_folder() as name:
        assert list(there.iterdir()) == [Path(name)]


def test_what_belongs_to_the_living_stays():
    with temporary_folder() as one, temporary_folder() as two:
        assert Path(one).is_dir()
        assert one != two


def test_only_folders_of_exactly_this_name_go(there):
    left = left_by_a_killed_process()
    parts = left.name.split("-")
    computer = "0" * 8 if parts[2] != "0" * 8 else "1" * 8
    others = [
        f"{left.name}x",
        f"x{left.name}",
        left.name.replace("oncohort", "Oncohort"),
        "-".join((*parts[:2], computer, parts[3])),
        "-".join((parts[0], "1", *parts[2:])),
        "-".join((parts[0], f"0{parts[1]}", *parts[2:])),
        "-".join((parts[0], "9" * 30, *parts[2:])),
        "oncohort-abcdefgh",
    ]
    for name in others:
        (there / name).mkdir()
    aside = there / "aside"
    left.rename(aside)
    left.symlink_to(aside)
    file = there / "-".join((*parts[:3], "a_file_0"))
    file.write_text("x")
    with temporary_folder() as name:
        found = {path.name for path in there.iterdir()}
    assert found == {*others, aside.name, left.name, file.name, Path(name).name}
    assert (aside / "deep" / "image.nii").is_file()


def test_folders_of_another_user_stay(monkeypatch):
    left = left_by_a_killed_process()
    monkeypatch.setattr(temporary.os, "getuid", lambda: left.stat().st_uid + 1)
    with temporary_folder():
        assert left.is_dir()


def test_a_process_of_another_user_is_alive(monkeypatch):
    def denied(process, signal):
        raise PermissionError

    left = left_by_a_killed_process()
    monkeypatch.setattr(os, "kill", denied)
    with temporary_folder():
        assert left.is_dir()
