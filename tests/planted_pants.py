"""A PanTS test set in miniature on disk: masks of which every number of the leaderboard is planted."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import numpy as np

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.formats import open_cohort, write_cohort, write_nifti
from oncohort.formats.nifti import header_facts
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import Volume

SCHEME = LabelScheme("pants", {"pancreas": 1, "pancreatic_lesion": 28})
TUMOUR = 28
EDGE = 6
"""Voxels along the edge of a tumour, which is a cube."""


@dataclass(frozen=True)
class Planted:
    """How many of what; the first patients have a tumour, the first of these two.

    Args:
        cases: Patients.
        positives: Those with a tumour.
        twice: Those among them with two.
        called: Positive patients in whom anything is predicted, the first ones.
        hit: Tumours that the prediction touches, the first ones.
        grazed: Those among them of which it shares one voxel only, the first ones.
        false_alarms: Patients without tumour in whom one is predicted.
        shape: Of every volume.
    """

    cases: int
    positives: int
    twice: int
    called: int
    hit: int
    grazed: int
    false_alarms: int
    shape: tuple[int, int, int]

    @property
    def tumours(self):
        return self.positives + self.twice

    def masks(self, number):
        """Reference and prediction of a patient."""
        reference = np.zeros(self.shape, np.uint8)
        reference[8:-8, 8:20, 8:-8] = 1  # an organ that is not scored
        prediction = np.zeros(self.shape, np.uint8)
        if number < self.positives:
            self._plant(number, reference, prediction)
        elif number < self.positives + self.false_alarms:
            prediction[cube(2)] = TUMOUR
        return reference, prediction

    def _plant(self, number, reference, prediction):
        before = number + min(number, self.twice)
        for place in range(2 if number < self.twice else 1):
            reference[cube(place)] = TUMOUR
            if before + place < self.hit:
                prediction[cube(place, by=EDGE - 1 if before + place < self.grazed else 1)] = TUMOUR
        if number < self.called and not prediction.any():
            prediction[cube(2)] = TUMOUR  # in the wrong place


PANTS = Planted(901, 151, 10, called=122, hit=121, grazed=20, false_alarms=75, shape=(84, 54, 208))
"""MedFormer as PanTS prints it: P-Sen 122/151, T-Sen 121/161, Spe 675/750."""

TENTH = Planted(90, 15, 1, called=12, hit=12, grazed=2, false_alarms=7, shape=(40, 36, 44))


def cube(place, by=0):
    """One of three places, moved along the diagonal."""
    start = 10 + by
    along = 22 + by, 10 + 11 * place + by
    return (slice(start, start + EDGE), slice(along[0], along[0] + EDGE), slice(along[1], along[1] + EDGE))


def write_planted(root, planted):
    """Cohort and folder of predictions on disk, under `root`."""
    grid = Geometry(planted.shape, np.diag([-2.0, -2.0, 2.0, 1.0]))
    cases, volumes, written = [], [], {}
    (root / "m").mkdir(parents=True)
    for number in range(planted.cases):
        case = f"PanTS_{9001 + number:08d}"
        reference, prediction = (Volume.from_array(mask, grid, Unit.LABEL) for mask in planted.masks(number))
        path = root / "cohort" / "volumes" / f"{case}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        for target, volume in ((path, reference), (root / "m" / f"{case}.nii.gz", prediction)):
            first = written.setdefault(volume.array.tobytes(), target)
            write_nifti(target, volume) if first == target else shutil.copyfile(first, target)
        cases.append({"case": case, "patient": case})
        facts = {"case": case, "role": "organs", "path": f"volumes/{case}.nii.gz", "unit": "label"}
        volumes.append({**facts, **header_facts(reference)})
    tables = Tables.from_rows({"cases": cases, "volumes": volumes})
    write_cohort(root / "cohort", Cohort(CohortFacts("planted", "test"), SCHEME, tables))
    return open_cohort(root / "cohort"), {"m": root / "m"}
