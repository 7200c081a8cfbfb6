"""A worker that answers as nnU-Net's does and writes small files in its places, without torch."""

import json
import os
import time
from pathlib import Path

from oncohort.workers.serving import Refusal, serve


def _folder(kind, request):
    return Path(os.environ[f"nnUNet_{kind}"]) / request["dataset"]


def _note(line):
    """What was asked, for the tests."""
    with (_folder("raw", {"dataset": ""}).parent / "asked.txt").open("a") as stream:
        stream.write(line + "\n")


def check(request):
    if request["planner"] == "NoSuchPlanner":
        raise Refusal(expected="a planner of nnU-Net", found="NoSuchPlanner", where="planner", remedy="another")
    if request["device"] == "mps":
        raise Refusal(expected="a device of cpu", found="mps", where="device", remedy="choose it")
    yield {"event": "done", "device": "cpu"}


def plan(request):
    _note(f"plan {request['plans']}")
    dataset = json.loads((_folder("raw", request) / "dataset.json").read_text())
    assert (_folder("preprocessed", request) / "dataset_fingerprint.json").is_file()
    plans = request["plans"] or "nnUNetPlans"
    (_folder("preprocessed", request) / "dataset.json").write_text(json.dumps(dataset))
    (_folder("preprocessed", request) / f"{plans}.json").write_text(json.dumps({"made": time.time_ns()}))
    yield {"event": "stage", "stage": "plan"}
    yield {"event": "done", "plans": plans, "configuration": {"batch_size": 2}}


def preprocess(request):
    _note("preprocess")
    dataset = json.loads((_folder("raw", request) / "dataset.json").read_text())
    for number, _ in enumerate(dataset["dataset"], 1):
        yield {"event": "preprocessed", "done": number, "of": len(dataset["dataset"])}
    yield {"event": "done", "cases": len(dataset["dataset"])}


def train(request):
    _note(f"train {request['fold']} epochs {request['epochs']}")
    if os.environ.get("FAKE_FAILS"):
        raise RuntimeError("out of memory")
    name = f"{request['trainer']}__{request['plans']}__{request['configuration']}"
    model = _folder("results", request) / name
    fold = model / f"fold_{request['fold']}"
    fold.mkdir(parents=True, exist_ok=True)
    made = _folder("preprocessed", request)
    (model / "plans.json").write_bytes((made / f"{request['plans']}.json").read_bytes())
    (model / "dataset.json").write_bytes((made / "dataset.json").read_bytes())
    state = fold / "epochs.txt"
    begun = int(state.read_text()) if state.is_file() else 0
    for epoch in range(begun, request["epochs"]):
        time.sleep(float(os.environ.get("FAKE_EPOCH_S", "0")))
        state.write_text(str(epoch + 1))
        points = [
            {
                "epoch": each + 1,
                "train_loss": 1 / (each + 1),
                "validation_loss": float("nan") if each == 0 else 0.5,
                "pseudo_dice": [each / 10],
                "learning_rate": 0.01,
                "seconds": 2.0,
            }
            for each in range(epoch + 1)
        ]
        yield {"event": "epoch", "fold": request["fold"], "epochs": request["epochs"], "points": points}
    (fold / "checkpoint_best.pth").write_bytes(b"best " + request["fold"].encode())
    (fold / "checkpoint_final.pth").write_bytes(b"weights " + request["fold"].encode())
    yield {
        "event": "done",
        "checkpoint": str(fold / "checkpoint_final.pth"),
        "device": "cpu",
        "seconds": 4.5,
        "peak_memory_mib": 100.0,
        "device_memory_mib": None,
        "versions": {"nnunetv2": "2.8.1", "torch": "none"},
    }


if __name__ == "__main__":
    serve(lambda: {"check": check, "plan": plan, "preprocess": preprocess, "train": train}, extra="train")
