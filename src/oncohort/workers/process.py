"""A Python module in a process of its own that answers requests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from types import TracebackType
from typing import IO, Any

from oncohort.errors import SettingsError, WorkerError

FINAL = ("done", "refused", "failed")
"""Events that end a request."""

_POLL_S = 0.5  # seconds between looks at whether the process is there
_GRACE_S = 2.0  # seconds that a process which says nothing more has to end
_LAST_WORDS = 2000  # bytes of what a dead process said that are looked at
_SHOWN = 400  # characters of them in a message


class Worker:
    """A child process that runs a module which calls `oncohort.workers.serving.serve`.

    Requests and events are lines of JSON; whatever else the process prints goes to a log. The process ends when its
    standard input does, so none is left behind by a parent that was killed.

    Examples:
        >>> with Worker.start("oncohort.workers.echo") as worker:
        ...     [event for event in worker.ask({"do": "echo", "text": "hello"})]
        [{'event': 'done', 'text': 'hello'}]
    """

    def __init__(self, process: subprocess.Popen[bytes], name: str, log: Path | None) -> None:
        self._process = process
        self._name = name
        self._log = log
        self._rest = b""

    @staticmethod
    def start(
        module: str,
        *,
        arguments: Sequence[str] = (),
        launcher: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> Worker:
        """Start the module with this Python; the environment of this process stays as it is.

        Args:
            module: Name of the module.
            arguments: Its arguments.
            launcher: Arguments of Python before `-m module`, such as those of torchrun.
            environment: All variables of the child; None for those of this process.
            log: Where its prints are appended; None forgets them.

        Raises:
            WorkerError: The process cannot be started.
        """
        words = [sys.executable, *launcher, "-m", module, *arguments]
        target: IO[bytes] | int = subprocess.DEVNULL if log is None else log.open("ab")
        try:
            process = subprocess.Popen(  # noqa: S603 - our own module, without a shell
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=target,
                env=None if environment is None else dict(environment),
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise WorkerError(
                expected="a process that can be started",
                found=error.strerror or str(error),
                where=module,
                remedy="free memory, or raise the limit of processes",
            ) from error
        finally:
            if not isinstance(target, int):
                target.close()
        return Worker(process, module, log)

    def ask(self, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Send a request; gives its events, the last of which is one of `FINAL`.

        Raises:
            WorkerError: The process ended before its work was done.
        """
        try:
            self._input.write(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise self._died() from error
        return self.events()

    def events(self) -> Iterator[dict[str, Any]]:
        """The events of the present request, to its end.

        Raises:
            WorkerError: The process ended before its work was done.
        """
        for line in self._lines():
            event = _event(line)
            if event is not None:
                yield event
                if event["event"] in FINAL:
                    return
        raise self._died()

    def _lines(self) -> Iterator[bytes]:
        """Lines until the process ends; whoever waits here can be interrupted.

        The end of the process counts, not that of its output, which what it has started may hold open.
        """
        with DefaultSelector() as selector:
            selector.register(self._output, EVENT_READ)
            while True:
                has_ended = self._process.poll() is not None
                if selector.select(0 if has_ended else _POLL_S):
                    read = os.read(self._output.fileno(), 1 << 16)
                    if not read:
                        return
                    *lines, self._rest = (self._rest + read).split(b"\n")
                    yield from lines
                elif has_ended:
                    return

    def close(self) -> None:
        """End the process and whatever it started."""
        kill_group(self._process.pid)
        with suppress(subprocess.TimeoutExpired):  # an interrupt within `poll` leaves its lock taken for ever
            self._process.wait(_GRACE_S)
        self._output.close()
        with suppress(OSError):  # what was not read any more
            self._input.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _died(self) -> WorkerError:
        with suppress(subprocess.TimeoutExpired):  # it is ending, and its status says why
            self._process.wait(_GRACE_S)
        kill_group(self._process.pid)
        status = self._process.wait()
        killed = " (killed, perhaps for want of memory)" if status == -signal.SIGKILL else ""
        said = "" if self._log is None else last_words(self._log)
        return WorkerError(
            expected="an answer",
            found=f"the end of the process with status {status}{killed}{': ' if said else ''}{said}",
            where=self._name,
            remedy="see what it said" + ("" if self._log is None else f" in {self._log}"),
        )


def refusal(event: Mapping[str, Any]) -> SettingsError:
    """The error that an event `refused` tells of."""
    return SettingsError(**{name: str(event[name]) for name in ("expected", "found", "where", "remedy")})


def kill_group(process: int) -> None:
    """End a process that leads a group, and the group."""
    with suppress(ProcessLookupError, PermissionError):  # nobody is left
        os.killpg(process, signal.SIGKILL)


def last_words(path: Path) -> str:
    """The end of a text file, as words for a message."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _LAST_WORDS))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return " ".join(text.split())[-_SHOWN:]


def _event(line: bytes) -> dict[str, Any] | None:
    """The event of a line; None if it is something else that was printed."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("event"), str) else None
