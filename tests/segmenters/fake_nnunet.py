"""A worker that speaks the words of nnU-Net's and needs neither it nor PyTorch.

A checkpoint is a text with a number: the mask is where the last image reaches the mean number of the folds, with the
integer 2 instead of 1 where it reaches twice as much and the model has two labels. Other words make it behave badly.
"""

import json
import os
import sys
import time
from pathlib import Path

import nibabel
import numpy as np

from oncohort.workers.serving import Refusal, serve

FAILING, DEADLY, ENDLESS, SHIFTED = 1000, 2000, 3000, 4000
LOADED = {}


def _load(request):
    folder = Path(request["model"])
    _note(folder, request)
    texts = {fold: (folder / f"fold_{fold}" / request["checkpoint"]).read_text() for fold in request["folds"]}
    for fold, text in texts.items():
        if text == "unsafe" and not request["trust"]:
            raise Refusal(expected="tensors and numbers", found="code", where=f"fold {fold}", remedy="trust=true")
        if text == "lacks":
            raise ModuleNotFoundError("No module named 'pear'", name="pear")
        if text == "broken":
            raise ValueError("size mismatch")
    LOADED.update(
        folder=folder,
        cuts={fold: 0.5 if text == "unsafe" else float(text) for fold, text in texts.items()},
        dataset=json.loads((folder / "dataset.json").read_text()),
    )
    yield {
        "event": "done",
        "device": "cpu",
        "channels": [],
        "labels": {},
        "versions": {"nnunetv2": "2.8.9", "torch": "0"},
    }


def _predict(request):
    _note(LOADED["folder"], {**request, "pid": os.getpid()})
    image, affine = _read(request["images"][-1])
    _misbehave(float(image.flat[0]))
    if image.flat[0] == SHIFTED:
        affine = affine + np.outer([1, 0, 0, 0], [0, 0, 0, 5.0])
    cut = np.mean([LOADED["cuts"][fold] for fold in request["folds"]])
    labels = (image >= cut).astype(np.uint8)
    if len(LOADED["dataset"]["labels"]) > 2:
        labels += image >= 2 * cut
    ending = LOADED["dataset"]["file_ending"]
    _write(request["out"] + ending, labels, affine)
    probability = request["probability"]
    if probability is not None:
        share = np.clip(image / 10 * sum(probability["heads"]), 0, 1) * 65535
        _write(probability["out"] + ending, share.astype(np.uint16), affine)
    yield {
        "event": "done",
        "mask": request["out"] + ending,
        "probability": None if probability is None else probability["out"] + ending,
        "seconds": 1.5,
        "peak_memory_mib": 321.0,
        "device_memory_mib": None,
    }


def _read(path):
    if path.endswith(".mha"):
        from oncohort.formats import read_volume

        volume = read_volume(path)
        return volume.array, volume.geometry.affine
    image = nibabel.load(path)
    return np.asarray(image.dataobj), image.affine


def _write(path, array, affine):
    if path.endswith(".mha"):
        from oncohort.formats import write_volume
        from oncohort.geometry import Geometry
        from oncohort.units import Unit
        from oncohort.volume import Volume

        write_volume(path, Volume.from_array(array, Geometry(array.shape, affine), Unit.NONE))
    else:
        nibabel.save(nibabel.Nifti1Image(array, affine), path)


def _misbehave(word):
    if word == FAILING:
        raise ValueError("three is not four")
    if word == DEADLY:
        sys.stderr.write("out of memory, says a library\n")
        sys.stderr.flush()
        os._exit(7)
    if word == ENDLESS and not (LOADED["folder"] / "go").exists():
        time.sleep(600)


def _note(folder, request):
    with (folder / "requests.jsonl").open("a") as stream:
        stream.write(json.dumps(request) + "\n")


if __name__ == "__main__":
    serve(lambda: {"load": _load, "predict": _predict}, extra="train")
