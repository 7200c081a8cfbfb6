"""What nnU-Net itself makes of exported labels, regions, folds and channels of prompts (make test-extras)."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from test_nnunet_accepts_exports import accepted, normalisation

import oncohort
from oncohort.cohort import Cohort
from oncohort.exports import LabelMapping, PromptDrawing, parse_channels
from oncohort.labels import LabelScheme
from oncohort.phantoms.twins import write_twin
from oncohort.prompts import HeatMapEncoding
from oncohort.splits import draw_split
from oncohort.volume import LabelMap

pytestmark = pytest.mark.extras

FIVE = LabelScheme("five", {"rim": 1, "core": 3, "doubt": 4, "cyst": 7, "vessel": 9})


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    there = tmp_path_factory.mktemp("phantoms")
    phantoms = oncohort.write_phantom_cohort(there / "phantoms", cases=6, form="nnunet")
    return oncohort.ingest("nnunet", phantoms.data, out=there / "cohort")


def of_five_labels(cohort):
    """The same cohort whose masks are a block of each of the five labels."""

    def read(row):
        found = cohort.read(row)
        if not isinstance(found, LabelMap):
            return found
        named = {name: np.zeros(found.geometry.shape, bool) for name in FIVE.labels}
        for number, mask in enumerate(named.values()):
            mask[4 + 3 * number : 6 + 3 * number, 5:9, 5:9] = True
        return LabelMap.from_masks(named, found.geometry, FIVE)

    return Cohort(cohort.facts, FIVE, cohort.tables, read, cohort.root)


def manager(folder):
    from nnunetv2.utilities.label_handling.label_handling import LabelManager

    dataset = json.loads((folder / "dataset.json").read_text())
    return LabelManager(dataset["labels"], dataset.get("regions_class_order"))


def test_the_label_to_ignore_is_ignored(cohort, tmp_path):
    five = of_five_labels(cohort)
    folder, _ = accepted(five, tmp_path, ignore="doubt")
    found = manager(folder)
    assert found.has_ignore_label
    assert not found.has_regions
    assert found.foreground_labels == [1, 2, 3, 4]
    assert found.ignore_label == 5
    mapping = LabelMapping.from_dict(json.loads((folder / "oncohort.json").read_text())["labels"], where="record")
    written = oncohort.read_volume(folder / "labelsTr/SYNTHETIC-001.nii.gz").array
    assert np.array_equal(mapping.back(written) == 4, five["SYNTHETIC-001"].label_map("lesions").mask("doubt"))


@pytest.mark.parametrize("order", [("core", "solid", "whole"), ("whole", "core", "solid")])
def test_perfect_predictions_of_regions_are_the_labels_again(cohort, tmp_path, order):
    """Probabilities of 1 inside of every region, painted by nnU-Net, and back through the record."""
    members = {"core": ("core",), "solid": ("rim", "core"), "whole": ("cyst", "rim", "core")}
    five = of_five_labels(cohort)
    folder, _ = accepted(five, tmp_path, regions={name: members[name] for name in order}, ignore="doubt")
    found = manager(folder)
    assert found.has_regions
    assert found.num_segmentation_heads == 3
    record = json.loads((folder / "oncohort.json").read_text())
    masks = five["SYNTHETIC-001"].label_map("lesions")
    written = oncohort.read_volume(folder / "labelsTr/SYNTHETIC-001.nii.gz").array
    heads = []
    for region, name in zip(found.foreground_regions, [one["name"] for one in record["regions"]], strict=True):
        inside = np.isin(written, region)
        assert np.array_equal(inside, np.any([masks.mask(label) for label in members[name]], axis=0)), name
        heads.append(inside)
    painted = np.asarray(found.convert_probabilities_to_segmentation(np.stack(heads).astype(np.float32)))
    back = LabelMapping.from_dict(record["labels"], where="record").back(painted)
    for name in ("rim", "core", "cyst"):
        assert np.array_equal(back == FIVE.labels[name], masks.mask(name)), name
    assert set(np.unique(back)) == {0, 1, 3, 7}


FOLDS = """
import json, sys, torch
from nnunetv2.run.run_training import get_trainer_from_args
if __name__ == "__main__":
    name, count, out = sys.argv[1:]
    found = []
    for fold in range(int(count)):
        trainer = get_trainer_from_args(name, "3d_fullres", fold, device=torch.device("cpu"))
        train, held_out = trainer.do_split()
        found.append({"train": sorted(train), "val": sorted(held_out)})
    json.dump(found, open(out, "w"))
"""


def test_the_trainer_takes_the_folds_of_the_split(cohort, tmp_path):
    cases = cohort.tables.cases.with_columns(patient=cohort.tables.cases["case"].str.replace("00[12]", "00x"))
    grouped = cohort.with_cases(cases)
    split = draw_split(cases, folds=3, seed=4)
    assert any({"SYNTHETIC-001", "SYNTHETIC-002"} <= set(fold) for fold in split.folds)
    folder, _ = accepted(grouped, tmp_path, split=split)
    preprocessed = tmp_path / "preprocessed" / folder.name
    for name in ("splits_final.json", "dataset.json"):
        shutil.copy(folder / name, preprocessed)
    voxels = (
        preprocessed
        / json.loads((preprocessed / "nnUNetPlans.json").read_text())["configurations"]["3d_fullres"]["data_identifier"]
    )
    voxels.mkdir()
    for case in cohort.case_ids:
        for ending in (".b2nd", "_seg.b2nd", ".pkl"):
            (voxels / f"{case}{ending}").touch()
    script = tmp_path / "folds.py"
    script.write_text(FOLDS)
    places = {"nnUNet_raw": "raw", "nnUNet_preprocessed": "preprocessed", "nnUNet_results": "results"}
    environment = {**os.environ, **{name: str(tmp_path / place) for name, place in places.items()}}
    ran = subprocess.run(
        [sys.executable, str(script), folder.name, "3", str(tmp_path / "folds.json")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert json.loads((tmp_path / "folds.json").read_text()) == [
        {"train": list(split.training(fold)), "val": list(split.validation(fold))} for fold in range(3)
    ]


def test_channels_of_clicks_pass_the_check_and_are_not_normalised(tmp_path):
    twin = write_twin("autopet", tmp_path / "twin", cases=3, size="tiny")
    clicked = oncohort.ingest("autopet", twin.data, out=tmp_path / "cohort")
    channels = parse_channels("ct,pet,prompts.foreground,prompts.background")
    prompts = PromptDrawing(HeatMapEncoding("gaussian", 2.0), origin="autoPET IV clicks")
    folder, plans = accepted(clicked, tmp_path, channels=channels, prompts=prompts)
    assert normalisation(plans) == ["CTNormalization", *["NoNormalization"] * 3]
    record = json.loads((folder / "oncohort.json").read_text())
    needed = HeatMapEncoding.from_record(record["settings"]["prompts"])
    assert needed == prompts.encoding
    for facts in record["cases"].values():
        polarities = {"2": "foreground", "3": "background"}
        for number, polarity in polarities.items():
            oncohort_map = facts["heat_maps"][number]
            assert (oncohort_map["polarity"], HeatMapEncoding.from_record(oncohort_map)) == (polarity, needed)
