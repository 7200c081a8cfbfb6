"""nnU-Net trained in a process of its own: its folders, the requests, what it tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.errors import WorkerError
from oncohort.exports.nnunet import FINGERPRINT_FILE, SPLITS_FILE
from oncohort.storage import content_key, read_json, remove_unlisted, write_bytes, write_json
from oncohort.training.settings import TrainingSettings
from oncohort.workers import Worker, refusal
from oncohort.workers.environment import nnunet_environment

MODULE = "oncohort.workers.nnunet"

_PLANNED_FOR = ("channel_names", "labels", "regions_class_order", "file_ending", "numTraining")
"""What plans depend on in dataset.json: not where the files lie, nor title and licence."""

Told = Callable[[Mapping[str, Any]], None]
"""Is called with every event of the process."""


@dataclass(frozen=True)
class NnunetFolders:
    """The three folders of nnU-Net below that of a run.

    Examples:
        >>> NnunetFolders(Path("/run"), "Dataset001_A").of("results").as_posix()
        '/run/results/Dataset001_A'
    """

    root: Path
    dataset: str

    def of(self, kind: str) -> Path:
        """The folder of the data set in `raw`, `preprocessed` or `results`."""
        return self.root / kind / self.dataset

    @property
    def log(self) -> Path:
        """What nnU-Net prints."""
        return self.root / "log.txt"

    def environment(self, *, processes: int | None) -> dict[str, str]:
        """Of nnU-Net's process."""
        kinds = {kind: (self.root / kind).absolute() for kind in ("raw", "preprocessed", "results")}
        return nnunet_environment(kinds, processes=processes)


@dataclass(frozen=True)
class NnunetTraining:
    """The steps that nnU-Net takes, each in a process that ends with it.

    Args:
        folders: Where.
        settings: How.
        device: `auto`, `cpu`, `cuda` or `mps`.
        gpus: Graphics cards; above 1 they are driven by torchrun.
        jobs: Processes that preprocess; above 1, also one less that augment beside each that trains.
        told: Is called with every event.
        lock: Hash of the cases and their files, which plans and what is preprocessed belong to.
    """

    folders: NnunetFolders
    settings: TrainingSettings
    device: str = "auto"
    gpus: int = 1
    jobs: int = 1
    told: Told = lambda event: None
    lock: str = ""

    def check(self) -> None:
        """Raise unless this machine has nnU-Net, the classes and the device that are asked for.

        Raises:
            SettingsError: It lacks one of them.
        """
        chosen = self.settings
        request = {"do": "check", "planner": chosen.planner, "trainer": chosen.trainer, "device": self.device}
        with Worker.start(MODULE, environment=nnunet_environment()) as worker:
            self._end("check", worker.ask({**request, "gpus": self.gpus}))

    @property
    def is_planned(self) -> bool:
        """Whether the plans that stand are those of what is exported, with these settings."""
        planned = self._planned()
        return planned is not None and any(file.is_file() for file in self._plans_files(planned))

    def prepare(self) -> str:
        """Plan and preprocess what was exported; what stands already is kept. Gives the name of the plans.

        Networks of other plans are deleted: `is_planned` tells beforehand.

        Raises:
            SettingsError: nnU-Net lacks a class or package, or cannot do this configuration.
            WorkerError: nnU-Net fails.
        """
        raw, preprocessed = self.folders.of("raw"), self.folders.of("preprocessed")
        planned = self._planned() if self.is_planned else None
        if planned is None:
            for kind in ("preprocessed", "results"):  # of other plans
                remove_unlisted(self.folders.of(kind), ())
        write_bytes(preprocessed / FINGERPRINT_FILE, (raw / FINGERPRINT_FILE).read_bytes())
        planned = self._plan() if planned is None else planned
        self._restore(planned)
        if (raw / SPLITS_FILE).is_file():
            write_bytes(preprocessed / SPLITS_FILE, (raw / SPLITS_FILE).read_bytes())
        self._do({"do": "preprocess", **self._which(planned), "processes": self.jobs})
        return planned

    def train(self, fold: str, plans: str) -> dict[str, Any]:
        """Train one fold to its end; gives checkpoint, seconds, memory, device, versions.

        Raises:
            SettingsError: nnU-Net lacks a class or package, or there is no such device.
            WorkerError: nnU-Net fails.
        """
        chosen = self.settings
        request = {
            "do": "train",
            **self._which(plans),
            "trainer": chosen.trainer,
            "fold": fold,
            "epochs": chosen.epochs,
            "iterations": chosen.iterations,
            "validation_iterations": chosen.validation_iterations,
            "save_every": chosen.save_every,
            "seed": chosen.seed,
            "device": self.device,
        }
        launcher = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={self.gpus}")
        return self._do(request, launcher=launcher if self.gpus > 1 else ())

    @property
    def _mark(self) -> Path:
        return self.folders.root / ".oncohort" / "planned.json"

    def _planned(self) -> str | None:
        """Name of the plans that were made of what is exported."""
        planned = read_json(self._mark) if self._mark.is_file() else {}
        return str(planned["plans"]) if planned.get("key") == self._plans_key() else None

    def _plan(self) -> str:
        plans = str(self._do(self._plan_request())["plans"])
        write_json(self._mark, {"key": self._plans_key(), "plans": plans})
        return plans

    def _plans_key(self) -> str:
        raw = self.folders.of("raw")
        request = {name: value for name, value in self._plan_request().items() if name != "processes"}
        dataset = read_json(raw / "dataset.json")
        facts = {name: dataset.get(name) for name in _PLANNED_FOR}
        return content_key(request, facts, sorted(dataset["dataset"]), self.lock)

    def _plans_files(self, plans: str) -> tuple[Path, Path]:
        """The plans as they were made, and as they lie with the networks."""
        model = "__".join((self.settings.trainer, plans, self.settings.configuration))
        return self.folders.of("preprocessed") / f"{plans}.json", self.folders.of("results") / model / "plans.json"

    def _restore(self, plans: str) -> None:
        """Put back the plans of the networks that there are, where they were deleted with what was preprocessed."""
        made, kept = self._plans_files(plans)
        if not made.is_file():
            for name, file in (("dataset.json", kept.with_name("dataset.json")), (made.name, kept)):
                write_bytes(made.with_name(name), file.read_bytes())

    def _which(self, plans: str) -> dict[str, Any]:
        return {"dataset": self.folders.dataset, "plans": plans, "configuration": self.settings.configuration}

    def _plan_request(self) -> dict[str, Any]:
        chosen = self.settings
        wished = {
            "patch_size": chosen.patch_size,
            "batch_size": chosen.batch_size,
            "features": chosen.features,
            "spacing_mm": chosen.spacing_mm,
        }
        own = "OncohortPlans" if any(value is not None for value in wished.values()) else None
        return {
            "do": "plan",
            "dataset": self.folders.dataset,
            "configuration": chosen.configuration,
            "planner": chosen.planner,
            "plans": own,
            "gpu_memory_gb": chosen.gpu_memory_gb,
            "processes": self.jobs,
            **wished,
        }

    def _do(self, request: Mapping[str, Any], *, launcher: tuple[str, ...] = ()) -> dict[str, Any]:
        file = self.folders.root / ".oncohort" / "request.json"
        write_json(file, request)
        with Worker.start(
            MODULE,
            arguments=(str(file.absolute()),),
            launcher=launcher,
            environment=self.folders.environment(processes=self._augmenting if request["do"] == "train" else None),
            log=self.folders.log,
        ) as worker:
            return self._end(request["do"], worker.events())

    @property
    def _augmenting(self) -> int | None:
        """Processes that augment; with one job on a graphics card, which they would let wait, nnU-Net's own number."""
        return self.jobs - 1 if self.jobs > 1 or self.device == "cpu" else None

    def _end(self, verb: str, events: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
        for event in events:
            self.told(event)
            if event["event"] == "done":
                return dict(event)
            if event["event"] == "refused":
                raise refusal(event)
            if event["event"] == "failed":
                break
        raise WorkerError(
            expected=f"nnU-Net to {verb}",
            found=str(event["found"])[:1000],
            where=str(self.folders.root),
            remedy=f"see {self.folders.log.name} there for what it said before",
        )
