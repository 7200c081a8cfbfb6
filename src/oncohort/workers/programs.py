"""Programs that are called with files, in a process group of their own."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from oncohort.errors import WorkerError
from oncohort.storage import temporary_folder
from oncohort.workers.process import kill_group, last_words

_LAUNCHER = Path(__file__).with_name("launcher.py")
_REPORT = 4096  # bytes, more than the launcher says


@dataclass(frozen=True)
class Ran:
    """How a program ended.

    Attributes:
        status: Exit status, negative for the signal that ended it; None if it was stopped because its time was over.
        last_words: The end of what it printed, both streams together.
        seconds: From start to end.
        peak_memory_mib: Largest resident memory of one process of the program, in MiB (2**20 bytes), never below the
            10 MiB or so of the process that starts it; None if it was stopped.
    """

    status: int | None
    last_words: str
    seconds: float
    peak_memory_mib: float | None


def run_program(
    words: Sequence[str],
    *,
    folder: Path,
    timeout_s: float,
    variables: Mapping[str, str] | None = None,
    output: Path | None = None,
) -> Ran:
    """Run a program without a shell, with nothing to read from, until it and all that it started have ended.

    What it leaves running in its process group is ended with it, and everything is ended when this process is.

    Args:
        words: The program and its arguments.
        folder: Where it runs.
        timeout_s: Seconds after which it is ended.
        variables: Environment variables that it gets besides those of this process.
        output: A file for its standard output; None keeps the end of it for the last words.

    Raises:
        WorkerError: It cannot be started, or was ended together with its process group.

    Examples:
        >>> ran = run_program([sys.executable, "-c", "print('hello')"], folder=Path.cwd(), timeout_s=60)
        >>> ran.status, ran.last_words
        (0, 'hello')
    """
    with temporary_folder() as there:
        log = Path(there) / "log"
        started = time.perf_counter()
        with log.open("wb") as said:
            report = _report(words, folder, timeout_s, dict(variables or {}), said, output)
        seconds = time.perf_counter() - started
        told = last_words(log)
    if report is None:
        return Ran(None, told, seconds, None)
    if "status" not in report:
        raise WorkerError(
            expected="a program that can be run",
            found=f"{words[0]}: {report.get('error', 'it was ended with its process group')}",
            where=words[0],
            remedy="install it, name it by its whole path, or run it by hand",
        )
    return Ran(report["status"], told, seconds, _mib(report["maxrss"]))


def _report(
    words: Sequence[str],
    folder: Path,
    timeout_s: float,
    variables: Mapping[str, str],
    said: IO[bytes],
    output: Path | None,
) -> dict[str, Any] | None:
    """What the launcher reports; None if the time was over first, nothing if it was ended."""
    listen, tell = os.pipe()
    command = [sys.executable, "-I", "-S", str(_LAUNCHER), str(tell), json.dumps(dict(variables)), *words]
    with os.fdopen(listen, "rb", buffering=0) as heard, said if output is None else output.open("wb") as stdout:
        try:
            process = subprocess.Popen(  # noqa: S603 - without a shell
                command,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=said,
                pass_fds=(tell,),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return {"error": str(error)}
        finally:
            os.close(tell)
        try:
            return json.loads(heard.read(_REPORT) or b"{}") if _speaks(heard, timeout_s) else None
        finally:
            kill_group(process.pid)
            process.communicate()


def _speaks(stream: IO[bytes], timeout_s: float) -> bool:
    """Whether something or the end of a stream comes within some seconds."""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return bool(selector.select(timeout_s))


def _mib(maxrss: int) -> float:
    """The peak of `getrusage`, which counts KiB on Linux and bytes on macOS."""
    return maxrss / 2**20 if sys.platform == "darwin" else maxrss / 1024
