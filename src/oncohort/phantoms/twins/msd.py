"""Twin of the Medical Segmentation Decathlon: task 7, the pancreas and its tumours.

::

    dataset.json
    imagesTr/pancreas_001.nii.gz  labelsTr/pancreas_001.nii.gz  imagesTs/pancreas_002.nii.gz
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oncohort.layouts import msd as layout
from oncohort.phantoms.cohort import NOTICE
from oncohort.phantoms.twins.nifti_files import cut, write_image
from oncohort.phantoms.twins.pancreas import draw_abdomen
from oncohort.phantoms.twins.protocol import Fault, Twin, TwinCase, WrittenCase
from oncohort.phantoms.twins.scene import label_array, volume_of
from oncohort.storage import write_bytes, write_json
from oncohort.units import Unit
from oncohort.volume import reorient

TASK = 7
_TEST_EVERY = 4  # the last case of four is a test case


def write_case(case: TwinCase) -> WrittenCase:
    """Draw one abdomen; a test case has no label."""
    split = "test" if case.number % _TEST_EVERY == 0 else "train"
    name = f"pancreas_{case.number:03d}"
    abdomen = draw_abdomen(case)
    written = WrittenCase(case, name, {"split": split, "lesions": list(abdomen.truth)})
    image = reorient(volume_of(abdomen.ct, abdomen.grid, Unit.HU), "RAS")
    written.add(write_image(case.root / layout.IMAGE_FOLDERS[split] / f"{name}{layout.FILE_ENDING}", image))
    if split == "train":
        joined = label_array(((1, abdomen.pancreas), (2, abdomen.lesion)), abdomen.ct.shape)
        mask = reorient(volume_of(joined, abdomen.grid), "RAS")
        written.add(write_image(case.root / layout.LABEL_FOLDERS[split] / f"{name}{layout.FILE_ENDING}", mask))
    return written


def write_cohort(root: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `dataset.json` as the release has it."""
    task = layout.TASKS[TASK]
    train = [row["case"] for row in rows if row["split"] == "train"]
    test = [row["case"] for row in rows if row["split"] == "test"]
    write_json(
        root / layout.DATASET_FILE,
        {
            "name": "Pancreas (SYNTHETIC)",
            "description": f"{NOTICE}: pancreas and lesions in phantoms",
            "reference": "oncohort phantom msd",
            "licence": "CC0-1.0",
            "release": "1.0 01/05/2026",
            "tensorImageSize": "3D",
            "modality": dict(enumerate(task.modalities)),
            "labels": {"0": "background", **{str(value): name for value, name in enumerate(task.labels, start=1)}},
            "numTraining": len(train),
            "numTest": len(test),
            "training": [
                {"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz"} for case in train
            ],
            "test": [f"./imagesTs/{case}.nii.gz" for case in test],
        },
    )


def _hidden_copy(written: WrittenCase) -> Path:
    path = written.root / "imagesTr" / f"._{written.name}.nii.gz"
    write_bytes(path, b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(100))
    return written.add(path)


def _cut_image(written: WrittenCase) -> Path:
    return cut(written.root / "imagesTr" / f"{written.name}.nii.gz")


def _lost_label(written: WrittenCase) -> Path:
    return written.remove(written.root / "labelsTr" / f"{written.name}.nii.gz")


FAULTS: tuple[Fault, ...] = (
    Fault("hidden_file", 1, "refused", "not part of the layout", _hidden_copy),
    Fault("truncated_image", 2, "refused", "unreadable", _cut_image),
    Fault("missing_label", 3, "finding", "msd_no_label", _lost_label),
)

TWIN = Twin(
    layout.NAME,
    layout.NAME,
    "task 7 of the decathlon: pancreas and tumour on CT",
    write_case,
    write_cohort,
    FAULTS,
)
