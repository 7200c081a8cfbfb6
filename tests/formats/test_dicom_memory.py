"""Headers that are remembered: not read twice, never taken for those of another file."""

import json
import os
import signal
import subprocess
import sys

import pytest

from dicom_files import write_pet, write_series, write_structures
from oncohort.formats.dicom import memory as dicom_memory
from oncohort.formats.dicom.index import index_files, read_headers, sort_headers


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "scans"
    paths = [*write_series(folder, shape=(5, 4, 6)), *write_pet(folder, shape=(5, 4, 6))]
    (folder / "note\t\u00fc.txt").write_text("no image")
    return [*paths, write_structures(folder / "rs.dcm", {}), folder / "note\t\u00fc.txt"]


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "out" / ".oncohort" / "headers.jsonl"


@pytest.fixture
def opened(monkeypatch):
    """Paths that were really read."""
    read, found = dicom_memory.read_header, []

    def counted(path, *more):
        found.append(str(path))
        return read(path)

    monkeypatch.setattr(dicom_memory, "read_header", counted)
    return found


def test_the_second_time_no_file_is_opened(files, journal, opened):
    first = read_headers(files, journal=journal)
    assert first == read_headers(files)
    assert len(opened) == len(files)
    opened.clear()
    assert read_headers(files, journal=journal) == first
    assert opened == []
    assert sort_headers(first) == index_files(files)


def test_a_changed_file_is_read_again(files, journal, opened):
    read_headers(files, journal=journal)
    opened.clear()
    os.utime(files[0], ns=(1, 1))
    files[1].write_bytes(files[1].read_bytes()[:-1])
    found = read_headers(files, journal=journal)
    assert opened == [str(files[0]), str(files[1])]
    assert (found[0].mtime_ns, found[1].reason) == (1, "truncated")


@pytest.mark.parametrize("lost", [1, 2, 50, 700])
def test_a_journal_that_was_cut_short_loses_its_last_lines_alone(files, journal, opened, lost):
    first = read_headers(files, journal=journal)
    journal.write_bytes(journal.read_bytes()[:-lost])
    opened.clear()
    assert read_headers(files, journal=journal) == first
    assert 1 <= len(opened) <= 4
    opened.clear()
    assert read_headers(files, journal=journal) == first
    assert opened == []


@pytest.mark.parametrize(
    "damage", [["header"], None, 3, "x", ["header", ["A"], {}, None], ["refused", 1], ["header", 1, 2, 3, 4, 5]]
)
def test_damaged_memories_are_none(files, journal, damage):
    first = read_headers(files, journal=journal)
    lines = []
    for line in journal.read_text().splitlines():
        key, _, text = line.partition("\t")
        stamp = json.loads(text)[:2]
        lines.append(f"{key}\t{json.dumps([*stamp, *damage] if isinstance(damage, list) else damage)}\n")
    journal.write_text("".join(lines))
    assert read_headers(files, journal=journal) == first


def test_files_that_went_are_forgotten(files, journal):
    read_headers(files, journal=journal)
    assert journal.read_bytes().count(b"\n") == len(files)
    read_headers(files[:3], journal=journal)
    assert journal.read_bytes().count(b"\n") == 3


KILLED = """
import os, signal, sys
from pathlib import Path
from oncohort.formats.dicom import memory as dicom_memory
from oncohort.ingestion import ingest
read, count = dicom_memory.read_header, [0]
def killing(path, *more):
    count[0] += 1
    if count[0] > int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return read(path)
dicom_memory.read_header = killing
ingest("dicom", sys.argv[1], out=sys.argv[2])
print(count[0])
"""


def ingest_killed_after(reads, files, out):
    folder = str(files[0].parent)
    return subprocess.run(
        [sys.executable, "-c", KILLED, folder, str(out), str(reads)], capture_output=True, text=True, check=False
    )


def test_a_killed_ingest_continues_with_the_headers_it_had(files, tmp_path):
    out = tmp_path / "cohort"
    assert ingest_killed_after(8, files, out).returncode == -signal.SIGKILL
    assert (out / ".oncohort" / "headers.jsonl").is_file()
    again = ingest_killed_after(10_000, files, out)
    assert again.returncode == 0, again.stderr
    assert int(again.stdout) == len(files) - 8
