"""DEEP-PSMA as published: names and values are typed from the reference."""

import json

import numpy as np
import pytest

from oncohort.errors import FormatError, SettingsError
from oncohort.evaluation import evaluate
from oncohort.formats import write_volume
from oncohort.geometry import Geometry
from oncohort.ingestion import ingest
from oncohort.sources import detect_source
from oncohort.sources.deep_psma.listing import read_threshold
from oncohort.sources.deep_psma.source import DeepPsmaSource
from oncohort.units import Unit
from oncohort.volume import Volume
from published_files import (
    FINE,
    LAS,
    SHAPE,
    TFM,
    evidence,
    plan_and_convert,
    put,
    put_json,
    put_patient,
    put_text,
    rules,
    write_deep_psma,
)


@pytest.fixture
def root(tmp_path):
    return write_deep_psma(tmp_path / "DEEP-PSMA")


def test_each_patient_is_a_pair_of_cases(root):
    plan, results, refused = plan_and_convert(DeepPsmaSource(), root)
    assert refused == {}
    assert rules(plan, results) == []
    assert [case.case for case in plan.cases] == [
        "train_0001_PSMA",
        "train_0001_FDG",
        "train_0002_PSMA",
        "train_0002_FDG",
    ]
    assert dict(plan.cases[0].row) == {
        "case": "train_0001_PSMA",
        "patient": "train_0001",
        "tracer": "PSMA",
        "centre": "Peter Mac",
        "group": "train_0001",
        "split": "train",
        "licence": "CC-BY-NC",
        "suv_threshold": 3.0,
    }
    pet = next(row for row in results["train_0001_PSMA"]["volumes"] if row["role"] == "pet")
    matrix = np.array(json.loads(pet["scale"])["to_other_tracer"])
    assert np.allclose(matrix[:3, 3], [-7, 0, 0])  # 7 mm towards L of the file is -7 mm in RAS
    assert plan.cases[1].row["suv_threshold"] == 2.1165
    assert {row["role"]: row["unit"] for row in results["train_0001_FDG"]["volumes"]} == {
        "pet": "SUVbw",
        "ct": "HU",
        "lesions": "label",
        "organs": "label",
    }


def test_organs_and_lesions_keep_their_own_numbers(root, tmp_path):
    cohort = ingest("auto", root, out=tmp_path / "cohort")
    case = cohort["train_0001_PSMA"]
    assert case.label_map("lesions").mask("lesion").sum() == np.prod(SHAPE) - 1
    organs = case.label_map("organs")
    assert organs.mask("organ_group_24").sum() == np.prod(SHAPE) - 1
    assert organs.values() == (24,)
    assert len(organs.scheme.labels) == 24
    assert cohort.scheme.labels == {"lesion": 1}
    assert np.shape(case["pet"].record["to_other_tracer"]) == (4, 4)


def test_the_pairs_are_scored_as_pairs(root, tmp_path):
    cohort = ingest("deep-psma", root, out=tmp_path / "cohort")
    for case in cohort:
        mask = np.zeros(SHAPE, np.uint8)
        mask[1:] = 1
        write_volume(tmp_path / "model" / f"{case.id}.nii.gz", Volume.from_array(mask, Geometry(SHAPE, LAS), Unit.NONE))
    scores = evaluate(cohort, {"model": tmp_path / "model"}, profile="deep-psma", out=tmp_path / "scores")
    assert scores.run["notes"] == []
    assert scores.run["subsets"]["columns"] == ["tracer"]
    assert set(scores.table["patient"]) == {"train_0001", "train_0002"}
    assert scores.table.filter(metric="dice")["value"].min() > 0.9


def test_a_patient_with_one_tracer_is_named(root):
    put_patient(root, "train_0003", tracers=("FDG",))
    plan, results, _ = plan_and_convert(DeepPsmaSource(), root)
    assert rules(plan, results) == ["deep_psma_single_tracer"]
    assert len(plan.cases) == 5


def test_transforms_that_are_no_inverses_are_named(root):
    put_text(root / "train_0001" / "FDG" / "rigid.tfm", TFM.format(7))
    plan, results, _ = plan_and_convert(DeepPsmaSource(), root)
    assert evidence(plan, results, "deep_psma_transforms") == [
        "the two transforms of the patient are no inverses: 14.0 mm apart"
    ]


def test_another_psma_threshold_is_named(root):
    put_json(root / "train_0001" / "PSMA" / "threshold.json", {"suv_threshold": 2.5})
    plan, results, _ = plan_and_convert(DeepPsmaSource(), root)
    assert rules(plan, results) == ["deep_psma_threshold"]


def test_broken_small_files_are_refused_and_the_case_stays(root):
    (root / "train_0001" / "PSMA" / "threshold.json").write_text('{"suv_threshold": "three"}')
    (root / "train_0001" / "PSMA" / "rigid.tfm").write_text("garbage")
    plan, _, refused = plan_and_convert(DeepPsmaSource(), root)
    assert refused == {
        "train_0001/PSMA/threshold.json": "unreadable",
        "train_0001/PSMA/rigid.tfm": "not a rigid transform",
    }
    assert "suv_threshold" not in plan.cases[0].row
    assert len(plan.cases) == 4


def test_a_tumour_burden_on_another_grid_refuses_the_case(root):
    put(root / "train_0001" / "FDG" / "TTB.nii.gz", affine=FINE)
    _, results, refused = plan_and_convert(DeepPsmaSource(), root)
    assert results["train_0001_FDG"]["case"] is None
    assert refused["train_0001/FDG/TTB.nii.gz"] == "other grid"
    assert len(refused) == 6


def test_organs_on_a_third_grid_are_named(root):
    put(root / "train_0001" / "FDG" / "totseg_24.nii.gz", affine=np.diag([-3.0, -3, 3, 1]))
    plan, results, _ = plan_and_convert(DeepPsmaSource(), root)
    assert rules(plan, results) == ["deep_psma_organ_grid"]


def test_files_that_are_missing_are_named_and_a_missing_pet_costs_the_case(root):
    for name in ("CT.nii.gz", "TTB.nii.gz", "totseg_24.nii.gz", "threshold.json", "rigid.tfm"):
        (root / "train_0001" / "PSMA" / name).unlink()
    (root / "train_0002" / "PSMA" / "PET.nii.gz").unlink()
    plan, results, refused = plan_and_convert(DeepPsmaSource(), root)
    assert rules(plan, results) == [*["deep_psma_missing_file"] * 5, "deep_psma_single_tracer"]
    assert set(refused.values()) == {"missing channel"}
    assert len(refused) == 5


def test_the_layout_is_told_by_names(root, tmp_path):
    assert detect_source(root).name == "deep-psma"
    assert not DeepPsmaSource().detect(root / "train_0001")
    assert not DeepPsmaSource().detect(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "null", "true", "[]", "-1", "0", "{}", "1e999", "1" + "0" * 400, "NaN", '"3"'])
def test_a_threshold_is_a_number_above_0(tmp_path, text):
    path = tmp_path / "threshold.json"
    path.write_text(text)
    with pytest.raises(FormatError):
        read_threshold(path)
    path.write_text("2.1165")
    assert read_threshold(path) == 2.1165


def test_regions_by_name_are_refused(root):
    with pytest.raises(SettingsError):
        DeepPsmaSource().plan(root, roi=["liver"])
