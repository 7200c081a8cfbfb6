"""`import oncohort` is quick, silent and light."""

import subprocess
import sys
import time

HEAVY = ["torch", "nibabel", "pydicom", "SimpleITK", "matplotlib", "numba", "polars", "scipy", "numpy", "pydantic"]
HEAVY += ["cyclopts", "rich", "jinja2", "cc3d", "monai", "nnunetv2", "fastapi", "dask", "highdicom"]


def python(code):
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)


def best_seconds(code, times=5):
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        python(code)
        spent.append(time.perf_counter() - started)
    return min(spent)


def test_it_says_nothing_and_loads_nothing_heavy():
    done = python(f"import oncohort, sys; sys.stderr.write(','.join(set({HEAVY!r}) & set(sys.modules)))")
    assert (done.stdout, done.stderr) == ("", "")


def test_it_takes_less_than_300_ms():
    assert best_seconds("import oncohort") - best_seconds("pass") < 0.3


def test_dir_and_help_of_the_facade_load_nothing():
    done = python(f"import oncohort, sys; dir(oncohort); print(set({HEAVY!r}) & set(sys.modules))")
    assert done.stdout.strip() == "set()"


def test_the_version_is_that_of_the_package():
    code = "import oncohort; from importlib.metadata import version; print(oncohort.__version__ == version('oncohort'))"
    assert python(code).stdout.strip() == "True"
