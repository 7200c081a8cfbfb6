"""Folders that look like trained models, and cohorts for them. No network is in them: see fake_nnunet.py."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.exports.labels import LabelMapping
from oncohort.formats import open_cohort, write_cohort, write_nifti
from oncohort.formats.nifti import header_facts
from oncohort.formats.training_run import LockedCase, TrainedFold, TrainingRun, write_training_run
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.segmenters.nnunet import held_worker
from oncohort.units import Unit
from oncohort.volume import Volume

MODULE = "tests.segmenters.fake_nnunet"
ROOT = Path(__file__).parents[2]
FOLDER = "nnUNetTrainer__nnUNetPlans__3d_fullres"
PLANS = {"configurations": {"3d_fullres": {"spacing": [1, 1, 1]}}}
PET = {"0": "PET"}
LESION = {"background": 0, "lesion": 1}
UNITS = {"ct": "HU", "pet": "SUVbw"}
SCHEME = LabelScheme("lesion", {"lesion": 1})
GRID = Geometry((6, 5, 4), [[-2.0, 0, 0, 4], [0, -2.0, 0, 5], [0, 0, 3.0, -6], [0, 0, 0, 1]])


def fake_nnunet(monkeypatch):
    """For a fixture: a process in the place of nnU-Net's, which ends with the test."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(held_worker, "MODULE", MODULE)
    yield
    held_worker.release_all()


def write_model(folder, channels=PET, labels=LESION, folds=None, *, plans=PLANS, **facts):
    """A model folder with the weights `folds`; gives its path."""
    target = Path(folder) / FOLDER
    target.mkdir(parents=True)
    values = {"channel_names": channels, "labels": labels, "file_ending": ".nii.gz", "numTraining": 3, **facts}
    (target / "dataset.json").write_text(json.dumps(values))
    (target / "plans.json").write_text(json.dumps(plans))
    for fold, words in ({"0": "2.0"} if folds is None else folds).items():
        (target / f"fold_{fold}").mkdir()
        (target / f"fold_{fold}" / "checkpoint_final.pth").write_text(words)
    return target


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def write_run(
    root,
    cohort,
    folds,
    *,
    test=(),
    scheme=SCHEME,
    mapping=None,
    channels=("pet",),
    weights=None,
    model=None,
    units=None,
):
    """The folder of a training: `folds` has checkpoint words and held-out cases by name; gives the folder."""
    target = write_model(root, folds={name: words for name, (words, _) in folds.items()}, **(model or {}))
    if weights is not None:
        shutil.copytree(weights, target, dirs_exist_ok=True)
    ids = [case for case in cohort.case_ids if case not in test]
    patients = dict(cohort.tables.cases.select("case", "patient").iter_rows())
    files = {(row["case"], row["role"]): row["sha256"] for row in cohort.tables.volumes.iter_rows(named=True)}
    lock = {
        case: LockedCase(patients[case], {role: digest for (one, role), digest in files.items() if one == case})
        for case in cohort.case_ids
    }
    trained = tuple(
        TrainedFold(
            fold=name,
            trained=tuple(case for case in ids if case not in held),
            held_out=tuple(held),
            epochs=1,
            checkpoint=f"{FOLDER}/fold_{name}/checkpoint_final.pth",
            sha256=sha256(target / f"fold_{name}" / "checkpoint_final.pth"),
            seconds=1.0,
            peak_memory_mib=None,
        )
        for name, (_, held) in folds.items()
    )
    run = TrainingRun(
        model="nnunet",
        settings={},
        cohort=cohort.name,
        lock=lock,
        split=None,
        test=tuple(test),
        channels=channels,
        units={role: UNITS.get(role, "1") for role in channels} | (units or {}),
        label_scheme=scheme.to_dict(),
        labels=(mapping or LabelMapping.gapless(scheme)).to_dict(),
        folder=FOLDER,
        files={f"{FOLDER}/{name}": sha256(target / name) for name in ("dataset.json", "plans.json")},
        folds=trained,
        versions={},
        created_at="2026-01-01T00:00:00+00:00",
    )
    write_training_run(root, run)
    return Path(root)


def write_pet_cohort(
    folder,
    cases=("A", "B", "C"),
    *,
    name="small",
    scheme=SCHEME,
    words=None,
    patients=None,
    seed=0,
    pet_unit=Unit.SUVBW,
):
    """A cohort with `pet` and `ct` on one grid; the first voxel of the PET of a case is a word to the fake worker."""
    rows, volumes = [], []
    for number, case in enumerate(cases):
        rows.append({"case": case, "patient": (patients or {}).get(case, f"patient {case}")})
        rng = np.random.default_rng(seed + number)
        suv = rng.gamma(1.0, 2.0, GRID.shape).astype(np.float32)
        suv[0, 0, 0] = (words or {}).get(case, 0.0)
        hounsfield = rng.integers(-1000, 1000, GRID.shape).astype(np.int16)
        for role, array, unit in (("pet", suv, pet_unit), ("ct", hounsfield, Unit.HU)):
            volume = Volume.from_array(array, GRID, unit)
            facts = write_nifti(Path(folder) / f"volumes/{number}/{role}.nii.gz", volume)
            path = f"volumes/{number}/{role}.nii.gz"
            own = {"case": case, "role": role, "path": path, "unit": str(unit), "state": "original", "version": 1}
            volumes.append({**own, **header_facts(volume), **facts})
    tables = Tables.from_rows({"cases": rows, "volumes": volumes})
    write_cohort(folder, Cohort(CohortFacts(name, "nnunet"), scheme, tables))
    return open_cohort(folder)


def requests(model, verb="predict"):
    """What the worker was asked."""
    path = next(Path(model).rglob("requests.jsonl"), None)
    lines = [] if path is None else [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in lines if line["do"] == verb]
