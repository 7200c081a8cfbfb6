"""Behaves as moosez 3.2.2 does on the command line, without a network.

Arguments, folders and names of files are those of `moosez/moosez.py`, `file_utilities.py` and `models.py`: a folder by
the time beside the image, a mask and a JSON of its integers per model; a model that finds nothing to crop to leaves no
mask and ends well. The segmentation itself is by thresholds of the CT. `FAKE_TOOL` makes it behave badly.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import nibabel
import numpy as np

LABELS = {
    "clin_ct_organs": {"background": 0, "bladder": 3, "brain": 4, "liver": 8},
    "clin_ct_ribs": {"background": 0, "rib_left_1": 1, "sternum": 27},
    "clin_ct_body_composition": {"background": 0, "skeletal_muscle": 1},
}
LOWEST_HU = {"bladder": -200, "liver": 0, "brain": 200, "rib_left_1": 100, "sternum": 150, "skeletal_muscle": -150}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-d", "--main_directory")
    parser.add_argument("-m", "--model_names", nargs="+", choices=LABELS)
    given = parser.parse_args()
    print("MOOSE 3.2.2")
    if os.environ.get("FAKE_TOOL") == "fails":
        raise RuntimeError("Failed to download model")
    subjects = [path for path in Path(given.main_directory).iterdir() if path.is_dir()]
    subjects = [path for path in subjects if any(file.name.startswith("CT_") for file in path.glob("*.nii.gz"))]
    if not subjects:
        print("No moose compliant subject found to continue!")
        return
    for subject in subjects:
        segment(subject, given.model_names)
    print("All predictions done!")


def segment(subject, models):
    folder = subject / "moosez-2026-11-21-22-34-09"
    (folder / "segmentations").mkdir(parents=True)
    (folder / "stats").mkdir()
    file = next(subject.glob("CT_*.nii.gz"))
    for model in models:
        if not (model == "clin_ct_body_composition" and os.environ.get("FAKE_TOOL") == "outside"):
            write(model, file, folder / "segmentations")
    facts = {"tool_name": "moosez", "tool_version": "3.2.2", "card": os.environ.get("CUDA_VISIBLE_DEVICES")}
    (folder / "MOOSE_information.json").write_text(json.dumps(facts))


def write(model, file, folder):
    image = nibabel.load(file)
    hu, labels = np.asanyarray(image.dataobj), LABELS[model]
    mask = np.zeros(hu.shape, np.uint8)
    for name in sorted(set(labels) & set(LOWEST_HU), key=LOWEST_HU.get):
        mask[hu >= LOWEST_HU[name]] = labels[name]
    affine = image.affine.copy()
    if os.environ.get("FAKE_TOOL") == "shifted":
        affine[0, 3] += 2
    imaging, modality, region = model.split("_", 2)
    prefix = f"{imaging}_{modality.upper()}_{region}_"
    nibabel.save(nibabel.Nifti1Image(mask, affine), folder / f"{prefix}segmentation_{file.name.split('.')[0]}.nii.gz")
    indices = {str(value): {"name": name} for name, value in labels.items()}
    if os.environ.get("FAKE_TOOL") != "nameless":
        (folder / f"{prefix}organ_indices.json").write_text(json.dumps({"organ_indices": indices}))


if __name__ == "__main__":
    sys.exit(main())
