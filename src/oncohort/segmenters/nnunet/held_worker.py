"""One process with a loaded model, kept from case to case."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from oncohort.errors import PredictionError, WorkerError
from oncohort.storage import content_key, temporary_folder
from oncohort.workers import Worker, refusal
from oncohort.workers.environment import nnunet_environment

MODULE = "oncohort.workers.nnunet"


@dataclass(frozen=True)
class _Held:
    worker: Worker
    folder: TemporaryDirectory[str]
    loaded: Mapping[str, Any]

    def close(self) -> None:
        self.worker.close()
        self.folder.cleanup()


_HELD: dict[str, _Held] = {}


def load_model(module: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the process says of the model that it has loaded; the process stays, and those of other models end.

    Args:
        module: Of the process.
        request: `do` is `load`; see the module.

    Raises:
        SettingsError: The model cannot be used: a package is missing, or something of it is unsafe.
        WorkerError: The process ended.
    """
    key = _key(module, request)
    if key not in _HELD:
        release_all()
        _HELD[key] = _started(module, request)
    return _HELD[key].loaded


def ask_model(module: str, load: Mapping[str, Any], request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer of the process that holds a model; it is started if it is not there.

    Raises:
        PredictionError: It could not do it; it can be asked again.
        SettingsError: The model cannot be used.
        WorkerError: The process ended; the next call starts another one.
    """
    load_model(module, load)
    key = _key(module, load)
    try:
        answer = _answer(_HELD[key].worker, request)
    except PredictionError:
        raise
    except BaseException:
        _HELD.pop(key).close()  # what it would still say belongs to this request
        raise
    return answer


def release_model(module: str, load: Mapping[str, Any]) -> None:
    """End the process that holds a model, if there is one."""
    held = _HELD.pop(_key(module, load), None)
    if held is not None:
        held.close()


@atexit.register
def release_all() -> None:
    """End the processes that this one has started."""
    mine = f"{os.getpid()} "
    for key in [key for key in _HELD if key.startswith(mine)]:
        _HELD.pop(key).close()


def _key(module: str, request: Mapping[str, Any]) -> str:
    return f"{os.getpid()} {content_key(module, dict(request))}"


def _started(module: str, request: Mapping[str, Any]) -> _Held:
    folder = temporary_folder()
    with ExitStack() as undone:
        undone.callback(folder.cleanup)
        environment = nnunet_environment(trust=bool(request["trust"]))
        worker = undone.enter_context(Worker.start(module, environment=environment, log=Path(folder.name) / "log.txt"))
        held = _Held(worker, folder, _answer(worker, request))
        undone.pop_all()
        return held


def _answer(worker: Worker, request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        event = list(worker.ask(request))[-1]
    except WorkerError as error:
        raise WorkerError(
            expected=error.expected,
            found=error.found,
            where="nnU-Net",
            remedy="free memory, or choose another device; what is finished is kept",
        ) from error
    if event["event"] == "refused":
        raise refusal(event)
    if event["event"] == "failed":
        raise PredictionError(
            expected="an answer of nnU-Net",
            found=str(event.get("found"))[:1000],
            where="nnU-Net",
            remedy="see whether images and model fit, and whether memory suffices (device=cpu)",
        )
    return event
