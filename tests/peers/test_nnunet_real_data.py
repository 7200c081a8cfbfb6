"""Real sarcoma patients, CT resampled onto PET, through nnU-Net's own command line (make test-extras)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.fingerprint import Foreground

import oncohort
from oncohort.exporting import export_cohort
from oncohort.exports import Channel, NnunetExport
from oncohort.recipes import make_recipe

pytestmark = [pytest.mark.extras, pytest.mark.real_data]

CT_ONTO_PET = {"role": "ct", "onto": "pet", "interpolation": "linear", "fill": -1024}
DRAWS = 10**8  # what nnU-Net draws of a data set
FLOAT_STEP = 2.0**-11


def exported(patients, folder):
    """The cohort on the grid of PET, and the folder of its raw data set."""
    scans = oncohort.ingest("dicom", patients, out=folder / "cohort")
    recipe = make_recipe([{"resample": CT_ONTO_PET}])
    cohort = oncohort.harmonise(scans, recipe, out=folder / "harmonised")
    export = NnunetExport(9, "Sarcoma", (Channel.usual("ct"), Channel.usual("pet")), fingerprint=True)
    done = export_cohort(cohort, export, out=folder / "raw")
    assert done.failed == {}
    return cohort, done.folder / export.dataset_folder


def plan_and_preprocess(folder):
    """`nnUNetv2_plan_and_preprocess`, which must say nothing of warnings; the folder that it writes."""
    command = Path(sys.executable).with_name("nnUNetv2_plan_and_preprocess")
    places = {"nnUNet_raw": "raw", "nnUNet_preprocessed": "preprocessed", "nnUNet_results": "results"}
    ran = subprocess.run(
        [command, "-d", "9", "--verify_dataset_integrity", "-npfp", "1", "-np", "1", "--no_pbar"],
        env={**os.environ, **{name: str(folder / place) for name, place in places.items()}},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert "warning" not in ran.stdout.lower(), ran.stdout
    assert "integrity" in ran.stdout, ran.stdout
    return folder / "preprocessed" / "Dataset009_Sarcoma"


def assert_accepted(cohort, raw, preprocessed):
    plans = json.loads((preprocessed / "nnUNetPlans.json").read_text())
    chosen = plans["configurations"]["3d_fullres"]
    assert chosen["normalization_schemes"] == ["CTNormalization", "NoNormalization"]
    written = {path.stem for path in (preprocessed / chosen["data_identifier"]).glob("*.pkl")}
    stems = {one["stem"] for one in json.loads((raw / "oncohort.json").read_text())["cases"].values()}
    assert written == stems
    own, theirs = (json.loads((place / "dataset_fingerprint.json").read_text()) for place in (raw, preprocessed))
    for name in ("shapes_after_crop", "spacings", "median_relative_size_after_cropping"):
        assert own[name] == theirs[name], name
    for channel, role in (("0", "ct"), ("1", "pet")):
        voxels = [case.image(role).array[case.label_map("lesions").foreground()] for case in cohort]
        foreground = Foreground.of([found for found in voxels if found.size], DRAWS // len(cohort))
        for fingerprint, step in ((own, FLOAT_STEP), (theirs, 0.0)):
            properties = fingerprint["foreground_intensity_properties_per_channel"][channel]
            assert foreground.outside(properties, step=step) == [], role


def test_all_patients_are_checked_planned_and_preprocessed(real_data, tmp_path):
    cohort, raw = exported(real_data("sts_petct") / "dicom", tmp_path)
    assert len(cohort) == 24
    assert_accepted(cohort, raw, plan_and_preprocess(tmp_path))
