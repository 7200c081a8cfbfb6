"""The one file that speaks nnU-Net's Python API: plan, preprocess, train, load a model, predict.

`oncohort.workers.nnunet` imports it in a process of its own. Written for nnU-Net 2.8. Requests and events are those of
`oncohort.workers.serving`.
"""

from __future__ import annotations

import json
import os
import platform
import pydoc
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from pickle import PickleError
from typing import Any

import nnunetv2
import numpy as np
import torch
from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity
from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.paths import nnUNet_extTrainer, nnUNet_preprocessed, nnUNet_raw
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.find_class_by_name import recursive_find_python_class
from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name
from nnunetv2.utilities.label_handling.label_handling import determine_num_input_channels
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from nnunetv2.utilities.utils import get_filenames_of_train_images_and_targets

from oncohort.compute.measuring import Measurement
from oncohort.workers.learning_curve import learning_curve
from oncohort.workers.serving import FAILURES, Event, Refusal

_SAFE_CLASSES = ("dynamic_network_architectures.", "torch.nn.")
"""Where the classes may come from that a plans file names."""


_SCALAR = np.float64(0).__reduce__()[0]

_NUMBERS = [
    np.dtype,
    *{type(np.dtype(name)) for name in ("f2", "f4", "f8", "i4", "i8", "u1", "u4", "u8", "?")},
    *((_SCALAR, f"numpy.{room}.multiarray.scalar") for room in ("_core", "core")),
]
"""What checkpoints of nnU-Net hold beside tensors: numbers of numpy, old and new."""


def check(request: dict[str, Any]) -> Iterator[Event]:
    """Whether there are the classes `planner` and `trainer`, the `device`, and as many cards as `gpus` says."""
    _planner_of(request["planner"])
    _trainer_of(request["trainer"], where="trainer")
    _require_cards(_device(request["device"]), request["gpus"])
    yield {"event": "done"}


def _planner_of(name: str) -> Any:
    folder = Path(nnunetv2.__path__[0]) / "experiment_planning"
    found = recursive_find_python_class(str(folder), name, "nnunetv2.experiment_planning")
    if found is None:
        raise Refusal(
            expected="a planner of nnU-Net",
            found=name,
            where="planner",
            remedy="such as ExperimentPlanner or nnUNetPlannerResEncM",
        )
    return found


def plan(request: dict[str, Any]) -> Iterator[Event]:
    """Check the raw data set and write its plans.

    Request: `dataset` (folder name), `planner`, `plans` (name, or None for the planner's), `gpu_memory_gb`, and for
    `configuration` the wished `patch_size`, `batch_size`, `features`, `spacing_mm` (each may be None), `processes`.
    """
    verify_dataset_integrity(str(Path(nnUNet_raw) / request["dataset"]), request["processes"])
    planner = _planner_of(request["planner"])
    choices = {"gpu_memory_target_in_gb": request["gpu_memory_gb"], "plans_name": request["plans"]}
    made = _sized(planner, request)(
        request["dataset"],
        overwrite_target_spacing=request["spacing_mm"],
        **{name: value for name, value in choices.items() if value is not None},
    )
    if request["features"] is not None:
        made.UNet_base_num_features = request["features"]
    plans = made.plan_experiment()
    found = plans["configurations"].get(request["configuration"])
    if found is None or "previous_stage" in found:
        possible = [name for name, each in plans["configurations"].items() if "previous_stage" not in each]
        raise Refusal(
            expected=f"a configuration that these data allow: {', '.join(possible)}",
            found=request["configuration"],
            where="configuration",
            remedy="choose one of them",
        )
    if request["batch_size"] is not None:
        found["batch_size"] = request["batch_size"]
        made.save_plans(plans)
    yield {"event": "done", "plans": made.plans_identifier}


def _sized(planner: Any, request: Mapping[str, Any]) -> Any:
    """The planner with the wished patch size of one configuration.

    A planner clips its patch to the median shape of the images: told that this is the wished patch, it keeps to it
    (rounded up to what the network can halve), and plans all the rest as always.
    """
    wished = request["patch_size"]
    if wished is None:
        return planner

    class Sized(planner):  # type: ignore[misc]
        def get_plans_for_configuration(self, spacing: Any, median_shape: Any, name: str, *rest: Any) -> Any:
            if not name.endswith(request["configuration"]):
                return super().get_plans_for_configuration(spacing, median_shape, name, *rest)
            forward = self.determine_transpose()[0]
            patch = [wished[axis] for axis in forward] if len(wished) == len(forward) else list(wished)
            found = super().get_plans_for_configuration(spacing, patch[-len(spacing) :], name, *rest)
            return {**found, "median_image_size_in_voxels": median_shape}

    Sized.__name__ = planner.__name__
    return Sized


def preprocess(request: dict[str, Any]) -> Iterator[Event]:
    """Preprocess the cases that are not there yet, wherever images lie now; a case is there whole or not at all.

    Request: `dataset`, `plans`, `configuration`, `processes`.
    """
    preprocessed = Path(nnUNet_preprocessed) / request["dataset"]
    dataset = _read(preprocessed / "dataset.json")
    manager = PlansManager(str(preprocessed / f"{request['plans']}.json"))
    folder = preprocessed / manager.get_configuration(request["configuration"]).data_identifier
    folder.mkdir(exist_ok=True)
    cases = get_filenames_of_train_images_and_targets(str(Path(nnUNet_raw) / request["dataset"]))
    wanted = [name for name in cases if not (folder / f"{name}.pkl").is_file()]
    done = len(cases) - len(wanted)
    yield {"event": "preprocessed", "done": done, "of": len(cases)}
    tasks = [
        _Preprocess(name, cases[name]["images"], cases[name]["label"], folder, manager.plans, dataset, request)
        for name in wanted
    ]
    for name in _each(tasks, request["processes"]):
        done += 1
        yield {"event": "preprocessed", "done": done, "of": len(cases), "case": name}
    yield {"event": "done", "cases": len(cases)}


@dataclass(frozen=True)
class _Preprocess:
    name: str
    images: list[str]
    label: str
    folder: Path
    plans: dict[str, Any]
    dataset: dict[str, Any]
    request: Mapping[str, Any]

    def __call__(self) -> str:

        manager = PlansManager(self.plans)
        configuration = manager.get_configuration(self.request["configuration"])
        partial = self.folder.with_name(f"{self.folder.name}.partial")
        partial.mkdir(exist_ok=True)
        try:
            configuration.preprocessor_class(verbose=False).run_case_save(
                str(partial / self.name), self.images, self.label, manager, configuration, self.dataset
            )
        except FAILURES as error:
            raise RuntimeError(f"case {self.name} cannot be preprocessed: {type(error).__name__}: {error}") from error
        for suffix in (".b2nd", "_seg.b2nd", ".pkl"):
            (partial / f"{self.name}{suffix}").replace(self.folder / f"{self.name}{suffix}")
        return self.name


def _each(tasks: Sequence[_Preprocess], processes: int) -> Iterator[str]:
    if processes == 1 or len(tasks) < 2:
        yield from (task() for task in tasks)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(task) for task in tasks]):
            yield future.result()


def train(request: dict[str, Any]) -> Iterator[Event]:
    """Train one fold, from the last checkpoint if there is one.

    Request: `dataset`, `plans`, `configuration`, `trainer`, `fold`, `epochs`, `iterations`, `validation_iterations`,
    `save_every`, `seed`, `device`.
    """
    device = _device(request["device"])
    if "LOCAL_RANK" in os.environ:
        _require_cards(device, int(os.environ["LOCAL_WORLD_SIZE"]))
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        torch.distributed.init_process_group("nccl")
    trainer = _trainer(request, device)
    final, latest = (Path(trainer.output_folder) / f"checkpoint_{word}.pth" for word in ("final", "latest"))
    continued = final.is_file() or latest.is_file()
    with Measurement() as watch:
        if final.is_file():
            points = learning_curve(_safe_load(final, trust=False)["logging"])
            yield from [_epoch(request, points)] if points else []
        else:
            points = []
            trainer.initialize()
            if latest.is_file():
                trainer.load_checkpoint(str(latest))
            trainer.num_epochs = request["epochs"]
            for points in trainer.epochs():
                yield _epoch(request, points)
    took = _took(watch, device)
    if continued:  # what was not seen from its beginning is not known
        took = {**dict.fromkeys(took), "seconds": sum(point["seconds"] for point in points)}
    yield {
        "event": "done",
        "checkpoint": str(final),
        "device": str(trainer.device),
        **took,
        "versions": _versions(),
    }


def _epoch(request: Mapping[str, Any], points: list[dict[str, Any]]) -> Event:
    return {"event": "epoch", "fold": request["fold"], "epochs": request["epochs"], "points": points}


class _Telling(nnUNetTrainer):  # type: ignore[misc]
    """What our trainers have before nnU-Net's: they tell their epochs, write checkpoints whole, begin with a seed."""

    seed: int

    def on_epoch_start(self) -> None:
        seed = (self.seed * 100_003 + self.current_epoch * 101 + self.local_rank) % 2**32
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        super().on_epoch_start()

    def save_checkpoint(self, filename: str) -> None:
        if self.local_rank == 0:
            partial = Path(f"{filename}.partial")
            super().save_checkpoint(str(partial))
            with partial.open("rb+") as stream:
                os.fsync(stream.fileno())
            partial.replace(filename)

    def load_checkpoint(self, filename_or_checkpoint: str) -> None:
        _safe_load(Path(filename_or_checkpoint), trust=False)
        super().load_checkpoint(filename_or_checkpoint)

    def epochs(self) -> Iterator[list[dict[str, Any]]]:
        """`run_training` of nnU-Net 2.8, which gives the learning curve after every epoch."""
        self.on_train_start()
        for _ in range(self.current_epoch, self.num_epochs):
            self.on_epoch_start()
            self.on_train_epoch_start()
            trained = [self.train_step(next(self.dataloader_train)) for _ in range(self.num_iterations_per_epoch)]
            self.on_train_epoch_end(trained)
            with torch.no_grad():
                self.on_validation_epoch_start()
                steps = range(self.num_val_iterations_per_epoch)
                self.on_validation_epoch_end([self.validation_step(next(self.dataloader_val)) for _ in steps])
            self.on_epoch_end()
            yield learning_curve(self.logger.get_checkpoint())
        self.on_train_end()


def _trainer(request: Mapping[str, Any], device: Any) -> Any:
    found = _trainer_of(request["trainer"], where="trainer")
    kind: Any = type(request["trainer"], (_Telling, found), {"seed": request["seed"]})  # checkpoints and folder say it
    preprocessed = Path(nnUNet_preprocessed) / request["dataset"]
    plans, dataset = _read(preprocessed / f"{request['plans']}.json"), _read(preprocessed / "dataset.json")
    fold = request["fold"] if request["fold"] == "all" else int(request["fold"])
    torch.manual_seed(request["seed"])
    trainer = kind({**plans, "continue_training": False}, request["configuration"], fold, dataset, device)
    trainer.num_epochs = max(1, request["epochs"])  # the schedule of the learning rate divides by it
    trainer.num_iterations_per_epoch = request["iterations"]
    trainer.num_val_iterations_per_epoch = request["validation_iterations"]
    trainer.save_every = request["save_every"]
    return trainer


_LOADED: dict[str, Any] = {}
"""The model that the last `load` has made ready."""


def load(request: dict[str, Any]) -> Iterator[Event]:
    """Make a trained model ready.

    Request: `model` (folder), `folds`, `checkpoint`, `device`, `mirroring`, `step`, `trust`.
    """
    device = _device(request["device"])
    folder = Path(request["model"])
    dataset, plans = (_read(folder / f"{name}.json") for name in ("dataset", "plans"))
    files = {fold: folder / f"fold_{fold}" / request["checkpoint"] for fold in request["folds"]}
    held = {fold: _safe_load(file, trust=request["trust"]) for fold, file in files.items()}
    first = next(iter(held.values()))
    manager = PlansManager(plans)
    configuration = manager.get_configuration(first["init_args"]["configuration"])
    _require_usable(configuration, where=str(folder / "plans.json"), trust=request["trust"])
    channels = determine_num_input_channels(manager, configuration, dataset)
    labels = manager.get_label_manager(dataset)
    trainer = _trainer_of(first["trainer_name"], where=str(files[request["folds"][0]]))
    network = trainer.build_network_architecture(
        manager, configuration, channels, labels.num_segmentation_heads, enable_deep_supervision=False
    )
    weights = {fold: checkpoint["network_weights"] for fold, checkpoint in held.items()}
    for fold, each in weights.items():
        _require_fitting(network, each, where=str(files[fold]), channels=channels)
    mirrored = first.get("inference_allowed_mirroring_axes")
    predictor = nnUNetPredictor(
        request["step"], use_mirroring=request["mirroring"], device=device, allow_tqdm=False, verbose=False
    )
    predictor.manual_initialization(network, manager, configuration, None, dataset, first["trainer_name"], mirrored)
    _LOADED.update(predictor=predictor, weights=weights)
    yield {
        "event": "done",
        "device": str(device),
        "channels": list(dataset["channel_names"].values()),
        "labels": dataset["labels"],
        "regions": labels.has_regions,
        "versions": _versions(),
    }


def _trainer_of(name: str, *, where: str) -> Any:
    """The trainer class of a name; nnU-Net's own search imports all trainers, some of which need more packages."""
    root = Path(nnunetv2.__path__[0])
    for file in sorted((root / "training" / "nnUNetTrainer").rglob("*.py")):
        if re.search(rf"^class {re.escape(name)}\b", file.read_text(encoding="utf-8"), re.MULTILINE):
            parts = file.relative_to(root.parent).with_suffix("").parts
            return getattr(import_module(".".join(parts)), name)
    if nnUNet_extTrainer.is_set():
        return recursive_find_trainer_class_by_name(name)
    raise Refusal(
        expected="a trainer class that this nnU-Net has",
        found=name,
        where=where,
        remedy="correct the name; one of your own is found in the folder nnUNet_extTrainer if the model is trusted",
    )


def _require_usable(configuration: Any, *, where: str, trust: bool) -> None:
    if configuration.previous_stage_name is not None:
        raise Refusal(
            expected="a configuration that stands alone",
            found=f"one that needs the masks of {configuration.previous_stage_name}",
            where=where,
            remedy="run the cascade with nnU-Net and give its masks as a folder of predictions",
        )
    arguments = configuration.network_arch_init_kwargs
    named = [configuration.network_arch_class_name]
    named += [arguments[key] for key in configuration.network_arch_init_kwargs_req_import if arguments.get(key)]
    strange = [name for name in named if not _is_layer(str(name))]
    if strange and not trust:
        raise Refusal(
            expected=f"layers and networks of {' and '.join(prefix.rstrip('.') for prefix in _SAFE_CLASSES)}",
            found=str(strange[0]),
            where=where,
            remedy="if you know who made the model, trust=true imports this class",
        )


def _is_layer(name: str) -> bool:
    """Whether a name of a plans file is that of a layer or network, and not of something that those modules import."""
    found = pydoc.locate(name) if name.startswith(_SAFE_CLASSES) else None
    return isinstance(found, type) and issubclass(found, torch.nn.Module) and found.__module__.startswith(_SAFE_CLASSES)


def _require_fitting(network: Any, weights: Mapping[str, Any], *, where: str, channels: int) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        first = next((int(each.shape[1]) for each in weights.values() if each.ndim > 3), None)
        raise Refusal(
            expected=f"weights of the network that plans.json describes, for {channels} channels",
            found="those of another one" + ("" if first is None else f", for {first} channels"),
            where=where,
            remedy="put together plans.json, dataset.json and checkpoints of one training",
        ) from error


def _safe_load(file: Path, *, trust: bool) -> Any:
    """A checkpoint, loaded without running code from it unless it is trusted."""
    if trust:
        return torch.load(file, map_location="cpu", weights_only=False)
    try:
        with torch.serialization.safe_globals(_NUMBERS):
            return torch.load(file, map_location="cpu", weights_only=True)
    except PickleError as error:
        raise Refusal(
            expected="a checkpoint that holds tensors and numbers only",
            found=f"one that calls {_called(file)}",
            where=str(file),
            remedy="if you know who made it, trust=true loads it, which runs the code that it holds",
        ) from error
    except FAILURES as error:
        raise Refusal(
            expected="a checkpoint of nnU-Net",
            found=f"a file that is damaged or something else ({type(error).__name__})",
            where=str(file),
            remedy="fetch it again, or train again",
        ) from error


def _called(file: Path) -> str:
    """What a checkpoint wants to call beside what tensors and numbers need."""
    try:
        with torch.serialization.safe_globals(_NUMBERS):
            found = torch.serialization.get_unsafe_globals_in_checkpoint(file)
    except FAILURES:
        found = []
    return ", ".join(sorted(found)[:3]) or "what is not named"


def predict(request: dict[str, Any]) -> Iterator[Event]:
    """Write the mask of one case.

    Request: `images` (files, one for each channel), `out` (path without ending), `folds`, `probability` (None, or
    `heads` (whose probabilities are added up) and `out`).
    """
    predictor = _LOADED["predictor"]
    if predictor.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with Measurement() as watch:
        probability = _predict(predictor, request)
    yield {
        "event": "done",
        "mask": request["out"] + predictor.dataset_json["file_ending"],
        "probability": probability,
        **_took(watch, predictor.device),
    }


def _predict(predictor: Any, request: Mapping[str, Any]) -> str | None:
    manager, configuration = predictor.plans_manager, predictor.configuration_manager
    predictor.list_of_parameters = [_LOADED["weights"][fold] for fold in request["folds"]]
    preprocessor = configuration.preprocessor_class(verbose=False)
    data, _, properties = preprocessor.run_case(request["images"], None, manager, configuration, predictor.dataset_json)
    logits = predictor.predict_logits_from_preprocessed_data(torch.from_numpy(data)).cpu()
    wanted = request["probability"]
    found = convert_predicted_logits_to_segmentation_with_correct_shape(
        logits, manager, configuration, predictor.label_manager, properties, return_probabilities=wanted is not None
    )
    ending = predictor.dataset_json["file_ending"]
    writer = manager.image_reader_writer_class()
    if wanted is None:
        writer.write_seg(found, request["out"] + ending, properties)
        return None
    writer.write_seg(found[0], request["out"] + ending, properties)
    summed = np.clip(found[1][wanted["heads"]].astype(np.float32).sum(axis=0), 0, 1)
    writer.write_seg(np.round(summed * 65535).astype(np.uint16), wanted["out"] + ending, properties)
    return str(wanted["out"] + ending)


def _device(word: str) -> Any:

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if word == "auto":
        word = next(name for name, is_there in available.items() if is_there)
    if not available.get(word, False):
        raise Refusal(
            expected=f"a device of {', '.join(name for name, is_there in available.items() if is_there)}",
            found=f"{word} (torch {torch.__version__})",
            where="device",
            remedy="choose one of them, or install a build of torch for this machine",
        )
    return torch.device(word)


def _require_cards(device: Any, wanted: int) -> None:
    there = torch.cuda.device_count()
    if wanted > 1 and (device.type != "cuda" or there < wanted):
        raise Refusal(
            expected=f"{wanted} graphics cards", found=f"{there}", where="gpus", remedy="ask for as many as there are"
        )


def _took(watch: Measurement, device: Any) -> dict[str, float | None]:
    on_device = torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else None
    return {**asdict(watch.measured), "device_memory_mib": on_device}


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in ("nnunetv2", "torch", "numpy")}}


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


HANDLERS = {work.__name__: work for work in (check, plan, preprocess, train, load, predict)}  # by the word under `do`
