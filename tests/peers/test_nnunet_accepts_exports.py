"""nnU-Net's own integrity check and planner on exported data sets (make test-extras)."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import oncohort
from oncohort.exporting import export_cohort
from oncohort.exports import Channel, LabelMapping, NnunetExport
from oncohort.phantoms.twins import write_twin

pytestmark = pytest.mark.extras

CHECK = """
import sys
from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.paths import nnUNet_raw
if __name__ == "__main__":
    verify_dataset_integrity(f"{nnUNet_raw}/{sys.argv[1]}", num_processes=1)
    ExperimentPlanner(sys.argv[1]).plan_experiment()
"""
BOTH = (Channel.usual("ct"), Channel.usual("pet"))


def accepted(cohort, tmp_path, **choices):
    """Export, check and plan: the folder of the data set, and the plans."""
    export = NnunetExport(**{"number": 9, "title": "Own", "channels": BOTH, "fingerprint": True, **choices})
    done = export_cohort(cohort, export, out=tmp_path / "raw")
    assert done.failed == {}
    folder = done.folder / export.dataset_folder
    preprocessed = tmp_path / "preprocessed" / export.dataset_folder
    preprocessed.mkdir(parents=True)
    shutil.copy(folder / "dataset_fingerprint.json", preprocessed)
    script = tmp_path / "check.py"
    script.write_text(CHECK)
    before = dict(os.environ)
    places = {"nnUNet_raw": "raw", "nnUNet_preprocessed": "preprocessed", "nnUNet_results": "results"}
    environment = {**before, **{name: str(tmp_path / place) for name, place in places.items()}}
    ran = subprocess.run(
        [sys.executable, str(script), export.dataset_folder],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert "warning" not in ran.stdout.lower(), ran.stdout
    assert dict(os.environ) == before
    return folder, json.loads((preprocessed / "nnUNetPlans.json").read_text())


def assert_labels_come_back(cohort, folder, role, names):
    """Every chosen label, through the mapping of the record and back, is the one of the cohort."""
    record = json.loads((folder / "oncohort.json").read_text())
    mapping = LabelMapping.from_dict(record["labels"], where="oncohort.json")
    dataset = json.loads((folder / "dataset.json").read_text())
    voxels = 0
    for case in cohort:
        stem = record["cases"][case.id]["stem"]
        written = oncohort.read_volume(folder / dataset["dataset"][stem]["label"]).array
        back = mapping.back(written, where=case.id)
        found = case.label_map(role)
        for name in names:
            original = np.any([layer.array == found.scheme.labels[name] for layer in found.layers], axis=0)
            assert np.array_equal(back == cohort.scheme.labels[name], original), (case.id, name)
        voxels += int(np.count_nonzero(back))
    assert voxels > 0
    return mapping


def normalisation(plans):
    return plans["configurations"]["3d_fullres"]["normalization_schemes"]


def test_phantoms(tmp_path):
    phantoms = oncohort.write_phantom_cohort(tmp_path / "phantoms", cases=2, form="nnunet")
    cohort = oncohort.ingest("nnunet", phantoms.data, out=tmp_path / "cohort")
    folder, plans = accepted(cohort, tmp_path)
    assert normalisation(plans) == ["CTNormalization", "NoNormalization"]
    own = json.loads((folder / "dataset_fingerprint.json").read_text())
    assert plans["foreground_intensity_properties_per_channel"] == own["foreground_intensity_properties_per_channel"]
    assert_labels_come_back(cohort, folder, "lesions", ["lesion"])


def test_twin_of_autopet(tmp_path):
    twin = write_twin("autopet", tmp_path / "twin", cases=3, size="tiny")
    cohort = oncohort.ingest("autopet", twin.data, out=tmp_path / "cohort")
    folder, plans = accepted(cohort, tmp_path)
    assert normalisation(plans) == ["CTNormalization", "NoNormalization"]
    assert assert_labels_come_back(cohort, folder, "lesions", ["lesion"]).is_identity


def test_twin_of_pants(tmp_path):
    """Structures of PanTS overlap; the combined map does not, and neither do two structures of their own."""
    twin = write_twin("pants", tmp_path / "twin", cases=3, size="tiny")
    cohort = oncohort.ingest("pants", twin.data, out=tmp_path / "cohort")
    ct = (Channel.usual("ct"),)
    chosen = ("pancreatic_lesion", "spleen")
    folder, plans = accepted(cohort, tmp_path / "some", channels=ct, label_role="organs", labels=chosen)
    assert normalisation(plans) == ["CTNormalization"]
    mapping = assert_labels_come_back(cohort, folder, "organs", chosen)
    assert dict(mapping.exported) == {"spleen": 1, "pancreatic_lesion": 2}
    folder, _ = accepted(cohort, tmp_path / "all", channels=ct, label_role="organs_combined")
    assert_labels_come_back(cohort, folder, "organs_combined", list(cohort.scheme.labels))


# Numbers that ENHANCE.PET leaves out: 4 and 19 of Organs, 23 of Peripheral-Bones, whose numbers a cohort puts after 69.
GAPS = {
    "organs": (("heart_myocardium",), {4, 19}),
    "peripheral_bones": ((), {69 + 23}),
}


@pytest.mark.parametrize("gaps", ["close", "keep"])
@pytest.mark.parametrize("group", GAPS)
def test_twin_of_enhance_pet(tmp_path, gaps, group):
    """Numbers that are left out are closed, or kept with names for what is not used."""
    twin = write_twin("enhance-pet", tmp_path / "twin", cases=2, size="tiny")
    cohort = oncohort.ingest("auto", twin.data, out=tmp_path / "cohort")
    others, left_out = GAPS[group]
    chosen = (*cohort.scheme.groups[group], *others)
    values = sorted(cohort.scheme.labels[name] for name in chosen)
    missing = sorted(set(range(1, values[-1])) - set(values))
    assert left_out <= set(missing)
    choices = {"channels": (Channel.usual("ct"),), "label_role": "organs", "labels": chosen, "gaps": gaps}
    folder, _ = accepted(cohort, tmp_path, **choices)
    mapping = assert_labels_come_back(cohort, folder, "organs", chosen)
    labels = json.loads((folder / "dataset.json").read_text())["labels"]
    assert sorted(labels.values()) == list(range(len(labels)))
    if gaps == "close":
        assert sorted(mapping.exported.values()) == list(range(1, len(chosen) + 1))
    else:
        assert mapping.exported == mapping.original
        assert [name for name in labels if name.startswith("unused")] == [f"unused_{value}" for value in missing]
