"""A cohort of random speckled masks with every kind of empty case, and predictions of three models."""

from __future__ import annotations

import numpy as np

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.formats import open_cohort, write_cohort, write_nifti
from oncohort.formats.nifti import header_facts
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import Volume

GRID = Geometry((14, 12, 10), np.diag([-2.0, -2.0, 3.0, 1.0]))  # 12 mm3 a voxel
MODELS = ("careful", "bold", "blind")
LESION = LabelScheme("lesion", {"lesion": 1})
CASES = ("A", "B", "C", "D", "E", "F")


def speckles(rng, share):
    """Blobs and single voxels, some of which touch by an edge or a corner only."""
    mask = rng.random(GRID.shape) < share
    for _ in range(3):
        corner = [rng.integers(0, edge - 4) for edge in GRID.shape]
        mask[tuple(slice(low, low + rng.integers(2, 5)) for low in corner)] = True
    return mask.astype(np.uint8)


def shaken(rng, mask, lost, found):
    """The mask without a share of its voxels and with a share of others."""
    kept = mask.astype(bool) & (rng.random(mask.shape) >= lost)
    return (kept | (rng.random(mask.shape) < found)).astype(np.uint8)


def make_masks(seed=11):
    """References by case, predictions by model and case; C and D have an empty reference, E is not predicted by all."""
    rng = np.random.default_rng(seed)
    empty = np.zeros(GRID.shape, np.uint8)
    references = {case: empty if case in "CD" else speckles(rng, 0.02) for case in CASES}
    predictions = {
        model: {case: shaken(rng, mask, lost, found) for case, mask in references.items()}
        for model, lost, found in (("careful", 0.3, 0.0005), ("bold", 0.05, 0.02), ("blind", 0.7, 0.005))
    }
    predictions["careful"]["C"] = predictions["careful"]["D"] = empty
    predictions["bold"]["F"] = empty
    del predictions["blind"]["E"]
    return references, predictions


def write_world(root, references, predictions, images=None, role="lesions", scheme=LESION):
    """Cohort and folder per model on disk, under `root`."""
    cases, volumes = [], []
    for number, (case, mask) in enumerate(references.items()):
        said = "yes" if mask.any() or case == "D" else "no"
        tracer = ("PSMA", "FDG")[number % 2]
        cases.append({"case": case, "patient": case, "tumour": said, "odd": "perhaps", "tracer": tracer})
        volumes.append(_volume(root / "cohort", case, role, "label", Unit.LABEL, mask))
        if images is not None:
            volumes.append(_volume(root / "cohort", case, "pet", "SUVbw", Unit.SUVBW, images[case]))
    tables = Tables.from_rows({"cases": cases, "volumes": volumes})
    write_cohort(root / "cohort", Cohort(CohortFacts("speckled", "test"), scheme, tables))
    for model, masks in predictions.items():
        for case, mask in masks.items():
            (root / model).mkdir(exist_ok=True)
            write_nifti(root / model / f"{case}.nii.gz", Volume.from_array(mask, GRID, Unit.LABEL))
    return open_cohort(root / "cohort"), {model: root / model for model in predictions}


def _volume(folder, case, role, unit_name, unit, array):
    path = folder / "volumes" / case / f"{role}.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    volume = Volume.from_array(array, GRID, unit)
    write_nifti(path, volume)
    facts = {"case": case, "role": role, "path": path.relative_to(folder).as_posix(), "unit": unit_name}
    return {**facts, **header_facts(volume)}
