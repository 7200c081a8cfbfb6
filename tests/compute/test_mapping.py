import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oncohort.compute import Progress, ResultStore, map_items
from oncohort.errors import FormatError, OncohortError


def double(number):
    return number * 2


def settings(_):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS")
    return [os.getpid(), *(os.environ.get(name) for name in names)]


def fail_on_three(number):
    if number == 3:
        time.sleep(0.3)
        raise FormatError(expected="a file", found="three", where="item 3", remedy="leave it out")
    return number


def die(_):
    os._exit(9)


def keys(items):
    return [f"key{item}" for item in items]


@pytest.mark.parametrize("left", [(0, 4, None), (1, 6.0, 18.0), (2, 3.0, 3.0), (4, 8.0, 0.0)])
def test_time_left_is_the_pace_times_what_is_left(left):
    done, elapsed_s, remaining_s = left
    assert Progress(done, 4, "x", elapsed_s).remaining_s == remaining_s


def test_results_keep_the_order_of_the_items_and_are_stored(tmp_path):
    store = ResultStore(tmp_path)
    assert map_items(double, [3, 1, 2], keys=keys([3, 1, 2]), store=store) == [6, 2, 4]
    assert [store.get(key) for key in keys([1, 2, 3])] == [2, 4, 6]


def test_finished_keys_are_not_done_again(tmp_path):
    store = ResultStore(tmp_path)
    store.put("key1", "remembered")
    seen = []
    results = map_items(lambda x: seen.append(x) or x, [1, 2], keys=keys([1, 2]), store=store)
    assert (results, seen) == (["remembered", 2], [2])


def test_results_that_no_longer_stand_are_done_again(tmp_path):
    store = ResultStore(tmp_path)
    store.put("key1", 100)
    store.put("key2", 200)
    assert map_items(double, [1, 2], keys=keys([1, 2]), store=store, is_valid=lambda r: r == 200) == [2, 200]
    assert store.get("key1") == 2


def test_an_exception_stops_the_map_and_a_rerun_continues(tmp_path):
    store = ResultStore(tmp_path)
    items = [1, 2, 3, 4]
    with pytest.raises(FormatError):
        map_items(fail_on_three, items, keys=keys(items), store=store)
    assert [store.get(key) for key in keys(items)] == [1, 2, None, None]
    seen = []
    map_items(lambda x: seen.append(x) or x, items, keys=keys(items), store=store)
    assert seen == [3, 4]


def test_progress_counts_what_is_left_to_do(tmp_path):
    store = ResultStore(tmp_path)
    store.put("key1", 1)
    calls = []
    map_items(double, [1, 2, 3], keys=keys([1, 2, 3]), store=store, progress=calls.append, label="scoring")
    assert [(p.done, p.total, p.label) for p in calls] == [(0, 2, "scoring"), (1, 2, "scoring"), (2, 2, "scoring")]
    assert calls[0].elapsed_s == 0.0 < calls[1].elapsed_s <= calls[2].elapsed_s
    calls.clear()
    map_items(double, [1, 2, 3], keys=keys([1, 2, 3]), store=store, progress=calls.append)
    assert calls == []


def test_one_key_per_item():
    for wrong in (["a"], ["a", "b", "c"]):
        with pytest.raises(ValueError):
            map_items(double, [1, 2], keys=wrong)


def test_spawned_processes_give_the_same_results_with_one_thread_each(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("POLARS_MAX_THREADS", raising=False)
    rows = map_items(settings, list(range(4)), keys=keys(range(4)), jobs=2)
    assert {tuple(row[1:]) for row in rows} == {("1",) * 5}
    assert os.getpid() not in {row[0] for row in rows}
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "POLARS_MAX_THREADS" not in os.environ
    assert map_items(settings, [1], keys=["k"], jobs=2)[0][0] == os.getpid()


def test_an_error_in_a_spawned_process_keeps_its_class_and_the_finished_results(tmp_path):
    store = ResultStore(tmp_path)
    items = [1, 2, 3]
    with pytest.raises(FormatError, match="item 3: expected a file"):
        map_items(fail_on_three, items, keys=keys(items), store=store, jobs=2)
    assert [store.get(key) for key in keys(items)] == [1, 2, None]
    assert map_items(double, items, keys=keys(items), store=store, jobs=2) == [1, 2, 6]


KILLED = """
import os, pathlib, sys, time
from oncohort.compute import map_items

def work(folder):
    pathlib.Path(folder, f"{os.getpid()}.worker").touch()
    time.sleep(60)

if __name__ == "__main__":
    map_items(work, [sys.argv[1]] * 2, keys=["a", "b"], jobs=2)
"""


def is_alive(process):
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes under /proc")
def test_a_killed_run_leaves_no_workers_behind(tmp_path):
    (tmp_path / "killed.py").write_text(KILLED)
    parent = subprocess.Popen([sys.executable, tmp_path / "killed.py", tmp_path])
    wait_until(lambda: len(list(tmp_path.glob("*.worker"))) == 2)
    parent.kill()
    parent.wait()
    workers = [path.stem for path in tmp_path.glob("*.worker")]
    wait_until(lambda: not any(is_alive(worker) for worker in workers))


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_killed_process_is_explained():
    with pytest.raises(OncohortError, match=r"out of memory.*fewer --jobs"):
        map_items(die, [1, 2], keys=["a", "b"], jobs=2)
