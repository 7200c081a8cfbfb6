"""Requests and events across two processes, and what is left when one of them ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oncohort.errors import WorkerError
from oncohort.workers import Worker
from oncohort.workers.environment import nnunet_environment
from oncohort.workers.process import last_words

MODULE = "tests.workers.odd_worker"


@pytest.fixture
def environment():
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def worker(environment, tmp_path):
    with Worker.start(MODULE, environment=environment, log=tmp_path / "log.txt") as started:
        yield started


def is_alive(process):
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_for_end(processes, seconds=10.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(is_alive(process) for process in processes):
            return True
        time.sleep(0.02)
    return False


def test_prints_go_to_the_log_and_numbers_that_json_lacks_become_null(worker, tmp_path):
    events = list(worker.ask({"do": "shout", "text": "é"}))
    assert events == [
        {"event": "stage", "value": None, "kept": [1.5, {"low": None}]},
        {"event": "done", "text": "é"},
    ]
    log = (tmp_path / "log.txt").read_text()
    assert "printed by a library" in log
    assert "printed by a child" in log


def test_a_refusal_and_a_failure_end_the_request_and_not_the_worker(worker):
    refused = list(worker.ask({"do": "refuse"}))[-1]
    assert refused == {
        "event": "refused",
        "expected": "a pear",
        "found": "an apple",
        "where": "basket",
        "remedy": "swap it",
    }
    assert list(worker.ask({"do": "fail"}))[-1] == {"event": "failed", "found": "ValueError: three is not four"}
    assert list(worker.ask({"do": "sum", "numbers": [1, 2]}))[-1]["sum"] == 3


def test_a_missing_package_names_the_extra(worker):
    refused = list(worker.ask({"do": "lack"}))[-1]
    assert refused["found"] == "no package pear"
    assert refused["remedy"] == "pip install 'oncohort[fruit]'"


def test_a_worker_that_dies_is_an_error_with_its_last_words(worker):
    with pytest.raises(WorkerError, match=r"status 7: the last words of a library.*log\.txt"):
        list(worker.ask({"do": "die"}))


def test_a_worker_that_is_killed_says_so(worker):
    events = worker.ask({"do": "sleep"})
    process, child = next(events)["processes"]
    os.kill(process, signal.SIGKILL)
    with pytest.raises(WorkerError, match="killed, perhaps for want of memory"):
        next(events)
    assert wait_for_end([process, child])


def test_a_handler_may_fork(worker):
    """A process that is forked while a thread reads `sys.stdin` never begins."""
    assert list(worker.ask({"do": "fork", "numbers": [1, 2]})) == [{"event": "done", "sum": 3}]


def test_a_dead_worker_is_noticed_although_its_child_holds_the_output_open(worker):
    events = worker.ask({"do": "leave"})
    processes = next(events)["processes"]
    with pytest.raises(WorkerError, match="status 3"):
        next(events)
    assert wait_for_end(processes)


def test_waiting_for_a_worker_can_be_interrupted(environment):
    """Also with polars, whose import makes an interrupt begin a system call again."""
    script = (
        "import os, polars\n"
        "from oncohort.workers import Worker\n"
        f"with Worker.start({MODULE!r}, environment=dict(os.environ)) as worker:\n"
        "    for event in worker.ask({'do': 'sleep'}):\n"
        "        print('waiting', flush=True)\n"
    )
    waiting = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True)
    assert waiting.stdout.readline() == "waiting\n"
    started = time.monotonic()
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(20) != 0
    assert time.monotonic() - started < 10


def test_an_interrupt_within_a_look_at_the_process_does_not_hang(environment, monkeypatch):
    """`Popen.poll` takes a lock, and an interrupt before its `try` leaves it taken."""

    def interrupted_poll(process):
        process._waitpid_lock.acquire()
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Worker.start(MODULE, environment=environment) as worker:
        events = worker.ask({"do": "sleep"})
        processes = next(events)["processes"]
        monkeypatch.setattr(subprocess.Popen, "poll", interrupted_poll)
        next(events)
    assert time.monotonic() - started < 10
    assert wait_for_end(processes)


def test_a_process_in_a_group_of_its_own_ends_with_its_parent(environment):
    """As torchrun starts them: the group of the launcher does not hold them."""
    launcher = (
        "import os, subprocess, sys\n"
        f"command = [sys.executable, '-m', {MODULE!r}]\n"
        "child = subprocess.Popen(command, start_new_session=True)\n"
        'print(\'{"event": "stage", "processes": [%d]}\' % child.pid, flush=True)\n'
        "child.wait()\n"
    )
    held = subprocess.Popen(
        [sys.executable, "-c", launcher], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    processes = json.loads(held.stdout.readline())["processes"]
    time.sleep(1)
    held.kill()
    held.wait()
    assert wait_for_end(processes)
    held.stdin.close()


def test_closing_ends_what_the_worker_started(environment):
    with Worker.start(MODULE, environment=environment) as worker:
        processes = next(worker.ask({"do": "sleep"}))["processes"]
        assert all(is_alive(process) for process in processes)
    assert wait_for_end(processes)


def test_a_killed_parent_leaves_no_worker(environment):
    script = (
        "import json, os, sys\n"
        "from oncohort.workers import Worker\n"
        f"worker = Worker.start({MODULE!r}, environment=dict(os.environ))\n"
        "print(json.dumps(next(worker.ask({'do': 'sleep'}))['processes']), flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    processes = json.loads(parent.stdout.readline())
    parent.kill()
    parent.wait()
    assert wait_for_end(processes)


def test_one_request_in_a_file_and_the_environment_of_the_child_alone(environment, tmp_path):
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"do": "sum", "numbers": [4, 5]}))
    before = dict(os.environ)
    with Worker.start(MODULE, arguments=[str(request)], environment={**environment, "ODD_MARK": "x"}) as worker:
        assert list(worker.events()) == [{"event": "done", "sum": 9, "mark": "x"}]
        with pytest.raises(WorkerError, match="status 0"):
            next(worker.ask({"do": "sum", "numbers": []}))
    assert dict(os.environ) == before


def test_lines_that_are_no_events_are_passed_over(tmp_path):
    (tmp_path / "noisy.py").write_text("print('hello'); print('[1]'); print('{\"event\": \"done\"}')\n")
    with Worker.start("noisy", environment={**os.environ, "PYTHONPATH": str(tmp_path)}) as worker:
        assert list(worker.events()) == [{"event": "done"}]


def test_a_module_that_does_not_exist_is_an_error(tmp_path):
    with (
        Worker.start("no_such_module_at_all", log=tmp_path / "log.txt") as worker,
        pytest.raises(WorkerError, match="no_such_module_at_all"),
    ):
        list(worker.events())


def test_last_words_of_a_long_log(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("first\n" + "x" * 5000 + "\nthe   end\n")
    assert last_words(log).endswith("x the end")
    assert len(last_words(log)) == 400
    assert last_words(tmp_path / "none.txt") == ""


def test_environment_of_nnunet_has_its_own_folders_and_calls_nobody(monkeypatch, tmp_path):
    monkeypatch.setenv("nnUNet_raw", "/somewhere/else")
    monkeypatch.setenv("nnUNet_wandb_enabled", "1")
    monkeypatch.setenv("nnUNet_extTrainer", "/trainers")
    monkeypatch.setenv("nnUNet_compile", "f")
    before = dict(os.environ)
    found = nnunet_environment({"raw": tmp_path}, processes=3)
    assert found["nnUNet_raw"] == str(tmp_path)
    assert found["nnUNet_compile"] == "f"
    assert found["nnUNet_n_proc_DA"] == "3"
    assert "nnUNet_wandb_enabled" not in found
    assert "nnUNet_extTrainer" not in found
    assert nnunet_environment(trust=True)["nnUNet_extTrainer"] == "/trainers"
    assert dict(os.environ) == before
