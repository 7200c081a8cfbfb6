"""Programs: their end, last words, time and memory; nothing of them stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oncohort.errors import WorkerError
from oncohort.workers.programs import run_program

PYTHON = (sys.executable, "-c")


def run(tmp_path, *words, timeout_s=60, **more):
    return run_program(words, folder=tmp_path, timeout_s=timeout_s, **more)


def is_alive(process):
    """Whether a process runs, and is not a dead one that nobody has asked for."""
    status = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return bool(status.stdout.strip()) and not status.stdout.startswith("Z")


def wait_until(question, seconds=20):
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_status_and_the_last_words_of_both_streams(tmp_path):
    words = "import sys; print('one', flush=True); sys.stderr.write('two\\nthree'); sys.exit(3)"
    ran = run(tmp_path, *PYTHON, words)
    assert (ran.status, ran.last_words) == (3, "one two three")
    assert run(tmp_path, *PYTHON, "import os; os.kill(os.getpid(), 11)").status == -11


def test_only_the_end_of_what_it_says_is_kept(tmp_path):
    ran = run(tmp_path, *PYTHON, "print('x' * 3_000_000); print('end')")
    assert len(ran.last_words) <= 400
    assert ran.last_words.endswith("x end")


def test_it_runs_in_its_folder_without_input_and_with_its_variables(tmp_path):
    words = "import os, sys; print(os.getcwd(), sys.stdin.read() == '', os.environ['MINE'], 'HOME' in os.environ)"
    ran = run(tmp_path, *PYTHON, words, variables={"MINE": "a=b c"})
    assert ran.last_words == f"{tmp_path.resolve()} True a=b c {'HOME' in os.environ}"
    assert "MINE" not in os.environ


def test_its_answer_goes_to_a_file_and_its_complaints_do_not(tmp_path):
    words = "import sys; print('answer'); sys.stderr.write('complaint')"
    ran = run(tmp_path, *PYTHON, words, output=tmp_path / "answer")
    assert ((tmp_path / "answer").read_text(), ran.last_words) == ("answer\n", "complaint")


def test_words_are_words(tmp_path):
    words = ("a b", "$HOME", "; touch x", '"', "*")
    assert run(tmp_path, *PYTHON, "import sys; print(sys.argv[1:])", *words).last_words == str(list(words))
    assert list(tmp_path.iterdir()) == []


def test_memory_is_that_of_the_program_and_not_of_this_process(tmp_path):
    ballast = os.urandom(1 << 20) * 400
    small = run(tmp_path, "true")
    large = run(tmp_path, *PYTHON, "import os; x = os.urandom(1 << 20) * 200")
    assert len(ballast) == 400 << 20
    assert small.peak_memory_mib < 60
    assert 200 < large.peak_memory_mib < 300
    assert 0 < small.seconds < 20


def test_memory_is_that_of_the_largest_process_of_it(tmp_path):
    child = "import os; x = os.urandom(1 << 20) * 150"
    ran = run(tmp_path, "sh", "-c", f'"{sys.executable}" -c "{child}"; true')
    assert ran.peak_memory_mib > 150


def test_the_time_is_over_for_the_whole_group(tmp_path):
    started = time.monotonic()
    ran = run(tmp_path, "sh", "-c", "sleep 600 & echo $! > child; echo waiting; wait", timeout_s=0.7)
    assert (ran.status, ran.last_words, ran.peak_memory_mib) == (None, "waiting", None)
    assert time.monotonic() - started < 20
    assert not is_alive((tmp_path / "child").read_text().strip())


def test_what_it_leaves_behind_is_ended(tmp_path):
    ran = run(tmp_path, "sh", "-c", "sleep 600 & echo $! > child")
    assert ran.status == 0
    child = (tmp_path / "child").read_text().strip()
    wait_until(lambda: not is_alive(child))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["no-such-program"], "No such file"),
        (["/"], "ermission|directory"),
        (["a\0b"], "null"),
        (["sh", "-c", "kill -9 0"], "process group"),
    ],
)
def test_what_cannot_be_run_is_told(tmp_path, words, told):
    with pytest.raises(WorkerError, match=told):
        run(tmp_path, *words)
    with pytest.raises(WorkerError, match="No such file"):
        run(tmp_path / "gone", "true")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_the_process_that_called_it(tmp_path, how):
    code = (
        "import sys; from pathlib import Path; from oncohort.workers.programs import run_program\n"
        "run_program(['sh', '-c', 'echo $$ > child; exec sleep 600'], folder=Path(sys.argv[1]), timeout_s=600)"
    )
    caller = subprocess.Popen([*PYTHON, code, str(tmp_path)], stderr=subprocess.DEVNULL)
    file = tmp_path / "child"
    wait_until(lambda: file.is_file() and file.read_text().endswith("\n"))
    caller.send_signal(how)
    caller.wait(20)
    wait_until(lambda: not is_alive(file.read_text().strip()))


def test_no_file_handle_is_left(tmp_path):
    run(tmp_path, "true")
    before = len(list(Path("/dev/fd").iterdir()))
    run(tmp_path, "true")
    with pytest.raises(WorkerError):
        run(tmp_path, "no-such-program")
    run(tmp_path, "sleep", "600", timeout_s=0.1)
    assert len(list(Path("/dev/fd").iterdir())) == before
