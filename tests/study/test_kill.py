"""A run that was killed and run again leaves what an uninterrupted run leaves."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oncohort.phantoms import write_phantom_cohort
from oncohort.study import run
from study_files import PERCENT, RESAMPLE, THRESHOLD, copy_study, leftovers, save_study, write_dataset

PARTIAL = ".partial-*"


def start(study, jobs):
    command = [sys.executable, "-m", "oncohort", "run", str(study), "--jobs", str(jobs)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def run_to_the_end(study, jobs=1):
    began = time.monotonic()
    process = start(study, jobs)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors.decode()
    return time.monotonic() - began


def kill_after(study, seconds, jobs):
    """Kill a run and give the ids of the processes that it had spawned."""
    process = start(study, jobs)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    children = children_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return children


def children_of(pid):
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_ended(pids, seconds=20):
    end = time.monotonic() + seconds
    while any(is_running(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.1)
    return [pid for pid in pids if is_running(pid)]


def kill_and_compare(study, moments, *, expected, seconds, jobs=1):
    """Kill one fresh run at each moment (a share of the run time), finish it, compare with `expected`."""
    results = study.parent / "results"
    for moment in moments:
        shutil.rmtree(results, ignore_errors=True)
        children = kill_after(study, moment * seconds, jobs)
        assert wait_until_ended(children) == [], f"workers outlived the run killed at {moment:.2f}"
        run_to_the_end(study, jobs)
        assert not list(results.rglob(PARTIAL)), f"killed at {moment:.2f}"
        found = leftovers(results)
        assert sorted(found) == sorted(expected), f"killed at {moment:.2f}"
        different = [name for name in expected if found[name] != expected[name]]
        assert different == [], f"killed at {moment:.2f}"


def moments(count, seed):
    """Random moments, one in each of `count` equal parts of the run time."""
    draw = random.Random(seed)
    return [(part + draw.random()) / count for part in range(count)]


def test_a_killed_run_on_a_raw_data_set(tmp_path, phantoms):
    study = copy_study(tmp_path, phantoms)
    seconds = run_to_the_end(study)
    expected = leftovers(tmp_path / "results")
    kill_and_compare(study, [0.4 + 0.5 * moments(1, 2026)[0]], expected=expected, seconds=seconds)


@pytest.mark.slow
def test_a_killed_run_of_two_processes_on_dicom(tmp_path):
    write_phantom_cohort(tmp_path / "patients", cases=2)
    step, cohort = [RESAMPLE], {"source": "dicom", "path": "patients/dicom"}
    study = save_study(tmp_path / "study.toml", cohort=cohort, step=step, model=[THRESHOLD])
    seconds = run_to_the_end(study, jobs=2)
    expected = leftovers(tmp_path / "results")
    kill_and_compare(study, [0.3 + 0.6 * moments(1, 7)[0]], expected=expected, seconds=seconds, jobs=2)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("jobs", [1, 2])
def test_ten_kills_on_24_patients(tmp_path, real_data, jobs):
    models = [THRESHOLD, {**THRESHOLD, "name": "suv-4", "suv": 4.0}, PERCENT]
    cohort = {"source": "dicom", "path": str(real_data("sts_petct") / "dicom")}
    study = save_study(tmp_path / "study.toml", cohort=cohort, step=[RESAMPLE], model=models)
    seconds = run_to_the_end(study, jobs)
    expected = leftovers(tmp_path / "results")
    assert len(expected["cohort/cases.parquet"]) == 24
    kill_and_compare(study, moments(5, 24 + jobs), expected=expected, seconds=seconds, jobs=jobs)


@pytest.mark.slow
def test_two_kills_in_a_row(tmp_path):
    """A run that is killed while it continues a killed one."""
    write_dataset(tmp_path / "data", *"ABCDEF")
    study = save_study(tmp_path / "study.toml")
    seconds = run_to_the_end(study)
    expected = leftovers(tmp_path / "results")
    shutil.rmtree(tmp_path / "results")
    for share in (0.55, 0.75):
        kill_after(study, share * seconds, 1)
    run_to_the_end(study)
    assert leftovers(tmp_path / "results") == expected


def test_what_a_killed_write_left_is_deleted_and_never_read(tmp_path):
    write_dataset(tmp_path / "data", "A")
    study = save_study(tmp_path / "study.toml")
    run(study)
    expected = leftovers(tmp_path / "results")
    for folder in ("", "cohort", "predictions/suv-2.5", "scores/.oncohort/results"):
        (tmp_path / "results" / folder / ".partial-x1.nii.gz").write_bytes(os.urandom(9))
    run(study)
    assert not list((tmp_path / "results").rglob(PARTIAL))
    assert leftovers(tmp_path / "results") == expected
