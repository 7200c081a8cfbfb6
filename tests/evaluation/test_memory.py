"""An evaluation holds one case per job in memory, however many cases there are."""

import gc
import json
import subprocess
import sys
import weakref

import numpy as np
import pytest

import oncohort.evaluation.scoring as scoring
from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.evaluation import evaluate
from oncohort.formats import write_volume
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

SCHEME = LabelScheme("lesion", {"lesion": 1})
SMALL = Geometry((12, 10, 8), np.eye(4))

SCRIPT = """
import json
import resource
import sys
from pathlib import Path

import numpy as np

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.evaluation import evaluate
from oncohort.formats import open_cohort, write_cohort, write_volume
from oncohort.formats.nifti import header_facts
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import Volume

folder, cases, edge = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
array = np.zeros((edge, edge, edge), np.uint8)
array[5:9, 5:9, 5:9] = 1
volume = Volume.from_array(array, Geometry(array.shape, np.eye(4)), Unit.LABEL)
(folder / "predictions").mkdir(parents=True)
(folder / "cohort" / "volumes").mkdir(parents=True)
write_volume(folder / "one.nii.gz", volume)
stored = (folder / "one.nii.gz").read_bytes()
rows = {"cases": [], "volumes": []}
for name in map(str, range(cases)):
    path = f"volumes/{name}.nii.gz"
    for file in (folder / "cohort" / path, folder / "predictions" / f"{name}.nii.gz"):
        file.write_bytes(stored)
    rows["cases"].append({"case": name, "patient": name})
    facts = {**header_facts(volume), "unit": "label", "bytes": len(stored)}
    rows["volumes"].append({"case": name, "role": "lesions", "path": path, **facts})
scheme = LabelScheme("lesion", {"lesion": 1})
write_cohort(folder / "cohort", Cohort(CohortFacts("big", "test"), scheme, Tables.from_rows(rows)))
scores = evaluate(open_cohort(folder / "cohort"), {"m": folder / "predictions"}, profile="autopet-iii", jobs=2)
worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"rows": scores.table.height, "worker_kib": worker}))
"""


@pytest.fixture
def watched(monkeypatch):
    """References to all voxels that were read, and for each reading how many earlier ones were still there."""
    alive, left = [], []

    def watch(labels):
        gc.collect()
        left.append(sum(reference() is not None for reference in alive))
        alive.extend(weakref.ref(layer.array) for layer in labels.layers)
        return labels

    real = scoring.read_prediction
    monkeypatch.setattr(scoring, "read_prediction", lambda *arguments: watch(real(*arguments)))
    return watch, alive, left


def test_no_voxels_of_a_case_outlive_it(watched, tmp_path):
    watch, alive, left = watched
    cases = [str(number) for number in range(5)]
    for case in cases:
        mask = np.ones(SMALL.shape, np.uint8)
        write_volume(tmp_path / f"{case}.nii.gz", Volume.from_array(mask, SMALL, Unit.LABEL))

    def reference(row):
        mask = np.ones(SMALL.shape, np.uint8)
        return watch(LabelMap(SMALL, (Volume.from_array(mask, SMALL, Unit.LABEL),), SCHEME))

    rows = {
        "cases": [{"case": case, "patient": case} for case in cases],
        "volumes": [{"case": case, "role": "lesions"} for case in cases],
    }
    cohort = Cohort(CohortFacts("small", "python"), SCHEME, Tables.from_rows(rows), reference)
    scores = evaluate(cohort, {"m": tmp_path}, profile="lesions")
    assert set(scores.table["case"]) == set(cases)
    assert left == [0, 1] * len(cases)  # at a reference nothing, at a prediction its reference
    gc.collect()
    assert [each for each in alive if each() is not None] == []


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss differs elsewhere")
def test_more_cases_take_no_more_memory(tmp_path):
    edge = 224
    case_kib = 2 * edge**3 // 1024
    found = {}
    for cases in (3, 12):
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / str(cases)), str(cases), str(edge)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found[cases] = json.loads(done.stdout)
        assert found[cases]["rows"] == 4 * cases
    assert found[12]["worker_kib"] < found[3]["worker_kib"] + case_kib
