"""Results in one growing file: what was stored stays stored, whatever happens to the end of the file."""

import subprocess
import sys

import pytest

from oncohort.compute import ResultJournal, map_items
from oncohort.errors import OutputError
from oncohort.storage import atomic


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "results.jsonl"


def filled(path, **results):
    with ResultJournal(path) as journal:
        for key, result in results.items():
            journal.put(key, result)
    return path


def test_results_come_back_as_they_went_in(path):
    result = {"rows": [1, None, "x\ty\nz\udcff"], "é": 0.1}
    with ResultJournal(path) as journal:
        assert journal.get("abcd") is None
        journal.put("abcd", result)
        assert journal.get("abcd") == result
        assert repr(journal) == f"ResultJournal({str(path)!r})"
    with ResultJournal(path) as again:
        assert again.get("abcd") == result
        assert again.get("abce") is None


def test_nothing_is_made_before_a_result_is_stored(path):
    with ResultJournal(path) as journal:
        journal.prune(set())
    assert not path.parent.exists()


def test_a_later_result_stands_for_an_earlier_one(path):
    filled(path, a=1)
    filled(path, a=2, b=3)
    with ResultJournal(path) as journal:
        assert (journal.get("a"), journal.get("b")) == (2, 3)


@pytest.mark.parametrize("lost", range(1, 22))
def test_a_line_that_was_cut_off_counts_as_absent_and_harms_no_other(path, lost):
    filled(path, first={"x": 1}, second={"y": [2, 3]})
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost])
    with ResultJournal(path) as journal:
        assert journal.get("first") == {"x": 1}
        assert journal.get("second") is None
        journal.put("third", 3)
        assert journal.get("third") == 3
    with ResultJournal(path) as again:
        assert (again.get("first"), again.get("second"), again.get("third")) == ({"x": 1}, None, 3)


@pytest.mark.parametrize(
    "damage", [b"\x00" * 30 + b"\n", b"no tab\n", b"3\t4\n", b'"second"\t{"half\n', b"\xff\t\xff\n"]
)
def test_damaged_lines_count_as_absent(path, damage):
    filled(path, first=1)
    with path.open("ab") as stream:
        stream.write(damage)
    filled(path, third=3)
    with ResultJournal(path) as journal:
        assert (journal.get("first"), journal.get("second"), journal.get("third")) == (1, None, 3)


def test_prune_forgets_all_but_the_named(path):
    filled(path, aa1=1, aa2=2, bb1=3)
    with ResultJournal(path) as journal:
        journal.prune({"aa1", "bb1", "never"})
        journal.put("cc1", 4)
        assert [journal.get(key) for key in ("aa1", "aa2", "bb1", "cc1")] == [1, None, 3, 4]
    assert path.read_bytes().count(b"\n") == 3
    before = path.stat().st_ino
    with ResultJournal(path) as journal:
        journal.prune({"aa1", "bb1", "cc1"})
    assert path.stat().st_ino == before


def test_numbers_that_json_cannot_say_are_refused(path):
    with ResultJournal(path) as journal, pytest.raises(ValueError, match="Out of range"):
        journal.put("a", float("nan"))


def test_half_a_number_is_no_number(path):
    filled(path, a=1234)
    path.write_bytes(path.read_bytes()[:-3])
    filled(path, b=5)
    with ResultJournal(path) as journal:
        assert (journal.get("a"), journal.get("b")) == (None, 5)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with (
        ResultJournal(tmp_path / "file" / "results.jsonl") as journal,
        pytest.raises(OutputError, match=r"results\.jsonl"),
    ):
        journal.put("a", 1)


@pytest.mark.skipif(not atomic.Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_is_told(tmp_path):
    (tmp_path / "results.jsonl").symlink_to("/dev/full")
    journal = ResultJournal(tmp_path / "results.jsonl")
    with pytest.raises(OutputError):
        journal.put("a", 1)


KILLED = """
import os, signal, sys
from oncohort.compute import ResultJournal
journal = ResultJournal(sys.argv[1])
for number in range(1000):
    journal.put(str(number), {"number": number})
    if number == 700:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_nothing(path):
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    with ResultJournal(path) as journal:
        assert [journal.get(str(number)) for number in (0, 350, 700, 701)] == [
            {"number": 0},
            {"number": 350},
            {"number": 700},
            None,
        ]


def test_a_map_continues_from_a_journal(path):
    calls = []

    def square(number):
        calls.append(number)
        return number * number

    with ResultJournal(path) as journal:
        assert map_items(square, [2, 3], keys=["2", "3"], store=journal) == [4, 9]
    with ResultJournal(path) as journal:
        assert map_items(square, [2, 3, 4], keys=["2", "3", "4"], store=journal) == [4, 9, 16]
    assert calls == [2, 3, 4]
