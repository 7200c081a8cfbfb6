"""A cohort of small cases in a folder, and predictions for it."""

import numpy as np
import pytest

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.formats import open_cohort, write_cohort, write_nifti
from oncohort.formats.nifti import header_facts
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.storage import encode_stem, sha256_file
from oncohort.units import Unit
from oncohort.volume import Volume

GRID = Geometry((12, 10, 8), np.diag([-4.0, -4.0, 5.0, 1.0]))
VOXEL_ML = 0.08


def block(*corner, edge=2):
    mask = np.zeros(GRID.shape, np.uint8)
    mask[tuple(slice(start, start + edge) for start in corner)] = 1
    return mask


def save(path, mask, grid=GRID):
    write_nifti(path, Volume.from_array(mask, grid, Unit.LABEL))
    return path


class World:
    """References by case and prediction folders by model under one folder."""

    def __init__(self, root):
        self.root = root
        self.references = {}
        self.facts = {}
        self.written = {}
        self.images = {}
        self.role = "lesions"
        self.scheme = LabelScheme("lesion", {"lesion": 1})

    def add(self, case, mask, **facts):
        self.references[case] = mask
        self.facts[case] = facts

    def predict(self, model, case, mask, grid=GRID):
        folder = self.root / model
        folder.mkdir(exist_ok=True)
        return save(folder / f"{encode_stem(case)}.nii.gz", mask, grid)

    def folders(self, *models):
        return {model: self.root / model for model in models}

    def cohort(self):
        folder = self.root / "cohort"
        volumes, cases = [], []
        for case, mask in self.references.items():
            cases.append({"case": case, "patient": case, **self.facts[case]})
            if mask is None:
                continue
            volumes.append(self._volume(folder, case, self.role, "label", mask, GRID))
            if case in self.images:
                volumes.append(self._volume(folder, case, "pet", "SUVbw", *self.images[case]))
        tables = Tables.from_rows({"cases": cases, "volumes": volumes})
        write_cohort(folder, Cohort(CohortFacts("small", "test"), self.scheme, tables))
        return open_cohort(folder)

    def _volume(self, folder, case, role, unit, array, grid):
        path = folder / "volumes" / encode_stem(case) / f"{role}.nii.gz"
        if self.written.get(path) != array.tobytes():
            self.written[path] = array.tobytes()
            save(path, array, grid)
        facts = header_facts(Volume.from_array(array, grid, Unit.LABEL))
        hashed = {"sha256": sha256_file(path), "bytes": path.stat().st_size}
        return {
            "case": case,
            "role": role,
            "path": path.relative_to(folder).as_posix(),
            "unit": unit,
            **facts,
            **hashed,
        }


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def helpers():
    return block, GRID, VOXEL_ML
