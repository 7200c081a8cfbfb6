"""Behaves as TotalSegmentator 2.18.0 and its totalseg_info do on the command line, without a network.

Arguments and what they mean are those of `totalsegmentator/bin/TotalSegmentator.py` and `totalseg_info.py`; a mask of
several labels carries their names in an extension of the header, as `nifti_ext_header.py` writes it. The segmentation
itself is by thresholds of the CT. `FAKE_TOOL` makes it behave badly, `FAKE_MASK` is a mask that it gives instead,
`FAKE_TOTAL` a JSON file with the labels of task `total`.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np

CLASSES = {
    "total": {
        1: "spleen",
        2: "kidney_right",
        3: "kidney_left",
        5: "liver",
        79: "spinal_cord",
        117: "costal_cartilages",
    },
    "liver_lesions": {1: "liver_lesions"},
    "total_mr": {1: "spleen"},
}
LOWEST_HU = {1: -200, 5: 0, 117: 100, 79: 200}


if "FAKE_TOTAL" in os.environ:
    CLASSES["total"] = {
        int(value): name for value, name in json.loads(Path(os.environ["FAKE_TOTAL"]).read_text()).items()
    }


def info():
    tasks = {
        task: {
            "modality": "MR" if task.endswith("_mr") else "CT",
            "license_required": False,
            "classes": {str(value): name for value, name in classes.items()},
        }
        for task, classes in CLASSES.items()
    }
    answer = {"totalsegmentator_version": os.environ.get("FAKE_VERSION", "2.18.0"), "tasks": tasks}
    sys.stderr.write("a warning of some library\n")
    print({"silent": "", "garbage": "{", "list": "[]"}.get(misbehaviour(), json.dumps(answer, indent=2)))
    return 3 if misbehaviour() == "info-fails" else 0


def segment():
    parser = argparse.ArgumentParser()
    parser.add_argument("-i", dest="input", type=Path, required=True)
    parser.add_argument("-o", dest="output", type=Path, required=True)
    parser.add_argument("-ml", "--ml", action="store_true")
    parser.add_argument("-f", "--fast", action="store_true")
    parser.add_argument("-ta", "--task", choices=CLASSES, default="total")
    parser.add_argument("-d", "--device", type=device, default="gpu")
    parser.add_argument("-q", "--quiet", action="store_true")
    given = parser.parse_args()
    assert given.ml and given.quiet
    if (kept := os.environ.get("FAKE_CALLS")) is not None:
        with Path(kept).open("a") as stream:
            stream.write(json.dumps(sys.argv[1:]) + "\n")
    if "FAKE_MASK" in os.environ:
        shutil.copy(os.environ["FAKE_MASK"], given.output)
        return 0
    image = nibabel.load(given.input)
    hu = np.asanyarray(image.dataobj)
    misbehave(hu)
    mask = np.zeros(hu.shape, np.uint8)
    for value in sorted(set(LOWEST_HU) & set(CLASSES[given.task]), key=LOWEST_HU.get):
        mask[hu >= LOWEST_HU[value]] = value
    affine = image.affine.copy()
    if misbehaviour() == "shifted":
        affine[0, 3] += 3
    if misbehaviour() == "undeclared":
        mask[0, 0, 0] = 60
    if misbehaviour() != "no-file":
        save(mask, affine, given.output, CLASSES[given.task])
    return 0


def save(mask, affine, path, names):
    labels = "".join(f'<Label Key="{value}"><![CDATA[{name}]]></Label>' for value, name in names.items())
    table = f"<CaretExtension><VolumeInformation><LabelTable>{labels}</LabelTable></VolumeInformation></CaretExtension>"
    image = nibabel.Nifti1Image(mask, affine)
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(0, table.encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)


def device(text):
    if not re.fullmatch(r"gpu|cpu|mps|gpu:\d+", text):
        raise argparse.ArgumentTypeError(text)
    return text


def misbehaviour():
    return os.environ.get("FAKE_TOOL", "")


def misbehave(hu):
    word = misbehaviour()
    if word == "picky" and hu.flat[0] == 777:
        word = "fails"
    if word == "fails":
        sys.exit("CUDA out of memory")
    if word == "hangs":
        child = subprocess.Popen(["sleep", "600"])
        Path(os.environ["FAKE_CALLS"]).write_text(str(child.pid))
        time.sleep(600)


if __name__ == "__main__":
    sys.exit(info() if sys.argv[1:] == ["--json"] else segment())
