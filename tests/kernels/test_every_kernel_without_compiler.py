"""Every compiled function also runs as plain Python, in a process of its own, and gives the same there."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys

from numba.core.dispatcher import Dispatcher

import oncohort.kernels

SCRIPT = """
import hashlib
import json
import sys

import numpy as np

from oncohort.kernels import (
    NearestSearch, count_joint, count_overlaps, count_pairs, count_values, count_within, find_maxima,
    label_components, list_surfaces, measure_regions, overlap_components, recode_labels, sphere_offsets, weigh_ap,
    weigh_auc,
)

called, digests = set(), []


def note(frame, event, argument):
    name = frame.f_globals.get("__name__", "")
    if event == "call" and name.startswith("oncohort.kernels."):
        called.add(f"{name}.{frame.f_code.co_name}")


def told(value):
    parts = value if isinstance(value, (tuple, list)) else vars(value).values() if hasattr(value, "__dict__") else None
    if parts is not None:
        for part in parts:
            told(part)
        return
    array = np.asarray(value)
    exact = array.round(9) if array.dtype.kind == "f" else array
    if array.dtype.kind in "biuf":
        digests.append(hashlib.sha256(np.ascontiguousarray(exact).tobytes()).hexdigest()[:12])


sys.setprofile(note)
random = np.random.default_rng(0)
first, second = (np.repeat(random.integers(0, 3, (5, 4, 3)), 6, axis=2).astype(np.uint8) for _ in range(2))
second[0, 0, 0] = 255
sparse = np.zeros((7, 6, 40), np.uint8)
sparse[1:4, 2, 3:30] = 1
sparse[5, 5, 36:] = 2
speckled = np.zeros((4, 12, 200), np.uint8)
speckled[0, :, ::2] = 1
speckled[2, 1, 190] = 2
orders = [
    (first, second),
    (np.asfortranarray(first), second),
    (first[:, ::2], second[:, ::2]),
    (sparse, sparse[::-1]),
    (speckled, np.roll(speckled, 1, axis=0)),
]
for reference, prediction in orders:
    told(count_joint(reference, prediction))
    for reach in (6, 18, 26):
        numbers = [label_components(mask, reach) for mask in (reference, prediction)]
        told(numbers)
        told(overlap_components(reference, prediction, reach))
    (left, count), (right, _) = numbers
    told(count_overlaps(left, count, prediction))
    told(find_maxima(left, count, prediction))
    for kind in (np.uint8, np.int32, np.int64):
        told(count_pairs(reference.astype(kind), prediction.astype(kind) * (1 if kind is np.uint8 else 9000)))
    for kind in (np.int8, np.uint16, np.int64, np.float32, np.float64):
        told(count_values((reference * np.float64(-0.7)).astype(kind), prediction))
    for kind in (np.uint8, np.int16, np.uint32, np.bool_):
        told(recode_labels(reference.astype(kind), [1]))
    told(count_within(reference, prediction, [1, 2], spacing_mm=(1.0, 2.0, 0.5), tolerance_mm=1.0))
    for kind in ("voxels", "elements"):
        found = [list_surfaces(array, kind, [1, 2]) for array in (reference, prediction)]
        search = NearestSearch(found[0].shape, (1.0, 2.0, 0.5))
        for label in (1, 2):
            told([points.positions(label) for points in found])
            if kind == "elements":
                told([points.codes(label) for points in found])
            if found[0].count(label) and found[1].count(label):
                told(search.distances(found[0].positions(label), found[1].positions(label)))
    for regions in (reference, left):
        offsets = sphere_offsets((1.0, 2.0, 0.5), 1.5)
        for number in (np.float32, np.float64):
            image = prediction.astype(number)
            told(measure_regions(regions, int(regions.max()), image, start=(0, 0, 0), offsets=offsets))
far = NearestSearch((60, 9, 9), (1.0, 2.0, 0.5))
ends = np.array([[0, 1], [0, 0], [0, 0]], np.int32), np.array([[59, 40], [8, 8], [8, 1]], np.int32)
told(far.distances(*ends))
truth, patients = np.arange(12) % 3 == 0, np.arange(12, dtype=np.intp) // 2
draws = random.multinomial(6, [1 / 6] * 6, 5).astype(np.int32)
for weigh in (weigh_auc, weigh_ap):
    told(weigh(np.round(random.random(12), 1), truth, patients, draws))
sys.setprofile(None)
print(json.dumps({"called": sorted(called), "digests": digests}))
"""


def run(**variables):
    environment = {**os.environ, **variables}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def compiled_functions():
    found = set()
    for each in pkgutil.iter_modules(oncohort.kernels.__path__):
        module = importlib.import_module(f"oncohort.kernels.{each.name}")
        own = (value for value in vars(module).values() if isinstance(value, Dispatcher))
        found |= {f"{value.py_func.__module__}.{value.py_func.__name__}" for value in own}
    return found


def test_every_compiled_function_runs_as_plain_python_and_gives_the_same():
    plain, compiled = run(NUMBA_DISABLE_JIT="1"), run(NUMBA_DISABLE_JIT="0")
    functions = compiled_functions()
    assert len(functions) > 20
    assert functions - set(plain["called"]) == set()
    assert len(plain["digests"]) > 200
    assert plain["digests"] == compiled["digests"]
