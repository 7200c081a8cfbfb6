"""Small files in the layouts of published data sets, named by literals of the reference documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oncohort.formats import write_volume
from oncohort.geometry import Geometry
from oncohort.sources.protocol import SourcePlan
from oncohort.units import Unit
from oncohort.volume import Volume

LAS = np.array([[-4.0, 0, 0, 0], [0, 4.0, 0, 0], [0, 0, 3.0, 0], [0, 0, 0, 1]])
LPS = np.diag([-4.0, -4.0, 3.0, 1.0])
FINE = np.array([[-2.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, 3.0, 0], [0, 0, 0, 1]])
SHAPE = (6, 5, 4)


def put(path: Path, value: float = 1.0, *, affine: np.ndarray = LAS, dtype: type = np.int16, shape=SHAPE) -> Path:
    """A small image of one value, with one voxel of 0."""
    values = np.full(shape, value).astype(dtype)
    values[0, 0, 0] = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(path, Volume.from_array(values, Geometry(shape, affine), Unit.NONE))
    return path


def put_json(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def put_text(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def gc_points(*points: tuple[list[float], str], **more: Any) -> dict[str, Any]:
    """A file of the platform, typed from the reference."""
    return {
        **more,
        "version": {"major": 1, "minor": 0},
        "type": "Multiple points",
        "points": [{"point": point, "name": name} for point, name in points],
    }


def account(root: Path, plan: SourcePlan, results: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Reasons by path; fails unless used plus refused is the folder, each once.

    What a conversion refuses was planned to be used.
    """
    results = list(results)
    late = {row["path"]: row["reason"] for result in results for row in result["refused"]}
    rows = [*plan.refused, *(row for result in results for row in result["refused"])]
    refused = {row["path"]: row["reason"] for row in rows}
    assert len(refused) == len(rows), "a file is refused twice"
    alive = {result["case"]["case"] for result in results if result["case"] is not None}
    used = {
        Path(stamp.path).relative_to(root).as_posix()
        for case in plan.cases
        for stamp in case.files
        if case.case in alive or stamp.path in case.work["shared"]
    }
    met = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert used | set(refused) == met
    assert not (used - set(late)) & set(refused)
    assert not set(late) & {row["path"] for row in plan.refused}
    return refused


def plan_and_convert(source: Any, root: Path) -> tuple[SourcePlan, dict[str, dict[str, Any]], dict[str, str]]:
    """The plan, the result per case, and the reason per refused file; everything is accounted for."""
    plan = source.plan(root)
    results = {case.case: source.convert(case, root / "nowhere") for case in plan.cases}
    assert not (root / "nowhere").exists()
    assert json.loads(json.dumps([case.key_parts() for case in plan.cases])) is not None
    assert json.loads(json.dumps(results)) == results
    return plan, results, account(root, plan, results.values())


def rules(plan: SourcePlan, results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names of the rules of all findings, sorted."""
    rows = [row for case in plan.cases for row in case.findings]
    rows += [row for result in results.values() for row in result["findings"]]
    assert all(row["severity"] in ("info", "warning", "error") and row["evidence"] and row["remedy"] for row in rows)
    return sorted(row["rule"] for row in rows)


def evidence(plan: SourcePlan, results: Mapping[str, Mapping[str, Any]], rule: str) -> list[str]:
    """What the findings of one rule say."""
    rows = [row for case in plan.cases for row in case.findings]
    rows += [row for result in results.values() for row in result["findings"]]
    return [row["evidence"] for row in rows if row["rule"] == rule]


FDG = "fdg_0011f3deaf_03-23-2003-NA-PET-CT Ganzkoerper  primaer mit KM-10445"
FDG_LATER = "fdg_0011f3deaf_11-02-2004-NA-PET-CT Ganzkoerper  primaer mit KM-20001"
PSMA = "psma_95b833d46f153cd2_2018-04-16"
LPS_CASE = "fdg_dd6165ae36_06-01-2006-NA-PET-CT Ganzkoerper primaer mit KM-31415"


def put_study(root, case, *, affine=None, channels=(0, 1)):
    grid = {} if affine is None else {"affine": affine}
    for channel in channels:
        put(root / "imagesTr" / f"{case}_{channel:04d}.nii.gz", channel, dtype=np.float32, **grid)
    put(root / "labelsTr" / f"{case}.nii.gz", 1, dtype=np.uint8, **grid)


def write_autopet(root: Path) -> Path:
    """The nnU-Net layout with three studies of two people, both sheets, folds and prompts of both years."""
    for case in (FDG, FDG_LATER, PSMA):
        put_study(root, case)
    put_json(
        root / "dataset.json",
        {
            "channel_names": {"0": "CT", "1": "CT"},
            "labels": {"background": 0, "tumor": 1},
            "numTraining": 3,
            "file_ending": ".nii.gz",
        },
    )
    put_json(root / "dataset_fingerprint.json", {"spacings": []})
    put_json(
        root / "splits_final.json",
        [{"train": [PSMA], "val": [FDG, FDG_LATER]}, {"train": [FDG, FDG_LATER], "val": [PSMA]}],
    )
    put_text(
        root / "fdg_metadata.csv",
        "Subject ID,File Location,diagnosis,age,sex",
        f"PETCT_0011f3deaf,./FDG-PET-CT-Lesions/PETCT_0011f3deaf/{FDG.split('_')[2]}/CT,LYMPHOMA,051Y,M",
        f"PETCT_0011f3deaf,./FDG-PET-CT-Lesions/PETCT_0011f3deaf/{FDG.split('_')[2]}/PET,LYMPHOMA,051Y,M",
        f"PETCT_0011f3deaf,./FDG-PET-CT-Lesions/PETCT_0011f3deaf/{FDG_LATER.split('_')[2]}/CT,NEGATIVE,052Y,M",
    )
    put_text(
        root / "psma_metadata.csv",
        "Subject ID,Study Date,age,manufacturer_model_name,pet_radionuclide,ct_contrast_agent",
        "PSMA_95b833d46f153cd2,2018-04-16,71,Biograph 64-4R TruePoint,68Ga,yes",
        "PSMA_95b833d46f153cd2,2019-04-16,72,Discovery 690,18F,no",
    )
    put_json(root / "clicks" / f"{PSMA}_clicks.json", {"tumor": [[1, 2, 3], [2, 2, 2]], "background": [[0, 0, 1]]})
    put_json(
        root / "clicks" / "gc" / f"{PSMA}_clicks.json",
        gc_points(([1, 2, 3], "tumor"), ([2, 2, 2], "tumor"), ([0, 0, 1], "background")),
    )
    put_json(root / f"{FDG}_lesion-clicks.json", gc_points(([1, 1, 1], "tumor"), ([1, 1, 2], "tumor")))
    return root


def write_study_folders(root: Path) -> Path:
    """One study in the layout of one folder per study."""
    study = root / "PETCT_0011f3deaf" / "03-23-2003-NA-PET-CT Ganzkoerper  primaer mit KM-10445"
    put(study / "CT.nii.gz", affine=FINE)
    for name in ("CTres", "PET", "SUV"):
        put(study / f"{name}.nii.gz", dtype=np.float32)
    put(study / "SEG.nii.gz", dtype=np.uint8)
    put_text(
        root / "fdg_metadata.csv",
        "Subject ID,File Location,diagnosis,age,sex",
        "PETCT_0011f3deaf,x,LYMPHOMA,051Y,M",
    )
    return root


TFM = """#Insight Transform File V1.0
#Transform 0
Transform: Euler3DTransform_double_3_3
Parameters: 0 0 0 {} 0 0
FixedParameters: 0 0 0 0"""


def put_patient(root, patient, *, tracers=("PSMA", "FDG")):
    for tracer in tracers:
        folder = root / patient / tracer
        put(folder / "CT.nii.gz", -100, affine=FINE)
        put(folder / "PET.nii.gz", 4.5, dtype=np.float32)
        put(folder / "TTB.nii.gz", 1, dtype=np.uint8)
        put(folder / "totseg_24.nii.gz", 24, dtype=np.uint8, affine=FINE)
        put_json(folder / "threshold.json", {"suv_threshold": 3.0 if tracer == "PSMA" else 2.1165})
        put_text(folder / "rigid.tfm", TFM.format(7 if tracer == "PSMA" else -7))


def write_deep_psma(root: Path) -> Path:
    """Two patients with both tracers."""
    for patient in ("train_0001", "train_0002"):
        put_patient(root, patient)
    return root


ID = "0a1b2c3d4e"
OLD_COLUMNS = "lesion_id,cog_bl,img_id_bl,cog_propagated,cog_fu,img_id_fu,lesion_type"
NEW_COLUMNS = (
    OLD_COLUMNS + ",cog_backpropagated,topology_class,merged_into,volume_bl,volume_fu,target_lesion,"
    "use_for_challenge,linking_unclear"
)


def write_longitudinal(root: Path) -> Path:
    """The present release: a patient with two follow-up scans and lesions 1, 3 and 4."""
    inputs, targets = root / "inputsTr", root / "targetsTr"
    put(inputs / f"{ID}_BL_img_00.nii.gz", -100)
    put(inputs / f"{ID}_BL_mask_00.nii.gz", 3, dtype=np.uint8)
    for number in ("00", "01"):
        put(inputs / f"{ID}_FU_img_{number}.nii.gz", -100)
        put(targets / f"{ID}_FU_mask_{number}.nii.gz", 4, dtype=np.uint8)
    put_json(
        inputs / f"{ID}_BL_00.json",
        gc_points(([2.5, 1.0, 1.25], "1"), ([1, 1, 1], "lesion 3"), name="Points of interest"),
    )
    put_json(inputs / f"{ID}_FU_00.json", gc_points(([2, 2, 2], "1"), name="Points of interest"))
    put_json(inputs / f"{ID}_FU_01.json", gc_points(name="Points of interest"))
    put_text(
        inputs / f"{ID}.csv",
        NEW_COLUMNS,
        "1,2.5 1.0 1.25,0,2 2 2,2.1 2 2,0,Liver,,UNCHANGED,,120.5,80,True,True,False",
        "3,1 1 1,0,1 1 1,,0,Lymph node,,DISAPPEARING,,30,,False,True,False",
        "4,,0,,3 3 3,1,Soft tissue / Skin,1 2 3,NEWLYAPPEARING,,,55.5,False,False,True",
    )
    return root


def old_release(root, patient="022"):
    """The first release of one patient."""
    inputs, targets = root / "inputsTr", root / "targetsTr"
    put(inputs / f"{patient}_BL_img_BL_img_00.nii.gz", -100)
    put(inputs / f"{patient}_BL_mask_BL_img_00.nii.gz", 1, dtype=np.uint8)
    put(inputs / f"{patient}_FU_img_FU_img_00.nii.gz", -100)
    put(targets / f"{patient}_FU_mask_FU_img_00.nii.gz", 1, dtype=np.uint8)
    put_json(inputs / f"{patient}_BL_00.json", gc_points(([1, 1, 1], "1"), name="Points of interest"))
    put_json(inputs / f"{patient}_FU_00.json", gc_points(([1, 1, 1], "1"), name="Points of interest"))
    put_text(inputs / f"{patient}.csv", OLD_COLUMNS, "1,1 1 1,0,,1 1 1,0,Lung")
    return root
