"""The description of an nnDetection data set, read by a YAML library (make test-extras)."""

import json

import numpy as np
import pytest

from oncohort.cohort import Cohort
from oncohort.exporting import export_cohort
from oncohort.exports import Masks, NnDetectionExport
from oncohort.labels import LabelScheme
from oncohort.volume import LabelMap
from small_cohorts import write_small_cohort

pytestmark = pytest.mark.extras

NAMES = ('a "quoted": name', "yes", "1", "# no comment", "ä, {b} & *c", "line\nbreak")


def test_names_are_text_and_classes_are_those_of_the_instances(tmp_path):
    import yaml

    written = write_small_cohort(tmp_path / "cohort")
    scheme = LabelScheme("odd", {name: number for number, name in enumerate(NAMES, start=1)})
    named = Cohort(written.facts, scheme, written.tables, _named(written, scheme), written.root)
    done = export_cohort(named, NnDetectionExport(7, "2026", ("pet",), masks=Masks()), out=tmp_path / "out")
    task = done.folder / "Task007_2026"
    read = yaml.safe_load((task / "dataset.yaml").read_text(encoding="utf-8"))
    assert read == {
        "task": "Task007_2026",
        "name": "2026",
        "dim": 3,
        "test_labels": False,
        "labels": {str(number): name for number, name in enumerate(NAMES)},
        "modalities": {"0": "PET"},
    }
    classes = json.loads((task / "raw_splitted/labelsTr/A.json").read_text())["instances"]
    assert set(classes.values()) == {0}
    assert np.array_equal(sorted(map(int, classes)), np.arange(1, len(classes) + 1))


def _named(cohort, scheme):
    def read(row):
        found = cohort.read(row)
        return LabelMap(found.geometry, found.layers, scheme) if isinstance(found, LabelMap) else found

    return read
