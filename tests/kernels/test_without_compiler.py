"""The kernels as plain Python, in a process of its own."""

import os
import subprocess
import sys

SCRIPT = """
import numpy as np
import warnings

warnings.simplefilter("error")
from oncohort.kernels import NearestSearch, count_joint, count_pairs, count_within, list_surfaces, recode_labels
from oncohort.kernels.joint_counts import _scan

assert not hasattr(_scan, "py_func")
random = np.random.default_rng(0)
first, second = (np.repeat(random.integers(0, 3, (5, 4, 3)), 6, axis=2).astype(np.uint8) for _ in range(2))
second[0, 0, 0] = 255
print(count_joint(first, second).counts[:3, :3].tolist(), count_joint(first, second).prediction_boxes[255].tolist())
print(count_pairs(first, second.astype(np.int32)).tolist())
print(recode_labels(first.astype(np.int16), [2, 1]).sum())
for kind in ("voxels", "elements"):
    found = [list_surfaces(array, kind, [1, 2]) for array in (first, second)]
    search = NearestSearch(found[0].shape, (1.0, 2.0, 0.5))
    distances = search.distances(found[0].positions(1), found[1].positions(2))
    print(found[0].count(1), found[1].codes(2).sum(), distances.sum().round(9))
near = count_within(first, second, [1, 2], spacing_mm=(1.0, 2.0, 0.5), tolerance_mm=1.0)
print(near.sum(axis=-1).tolist(), (near * np.arange(256)).sum())
far = NearestSearch((60, 9, 9), (1.0, 2.0, 0.5))
ends = np.array([[0, 1], [0, 0], [0, 0]], np.int32), np.array([[59, 40], [8, 8], [8, 1]], np.int32)
print(far.distances(*ends).round(9).tolist())
"""


def answers(**variables):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    return done.stdout, done.stderr


def test_plain_python_gives_what_the_compiler_gives():
    plain, problems = answers(NUMBA_DISABLE_JIT="1")
    assert problems == ""
    compiled = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("assert not", "assert")], capture_output=True, text=True, check=True
    )
    assert plain == compiled.stdout
    assert plain.count("\n") == 7
