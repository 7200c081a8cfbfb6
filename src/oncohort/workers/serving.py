"""The child's side of `oncohort.workers.process`: requests in, events out, everything else to the log."""

from __future__ import annotations

import json
import math
import os
import queue
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from pickle import PickleError
from typing import Any, TextIO
from zipfile import BadZipFile

Event = dict[str, Any]
"""JSON values with the word of the event under `event`."""

Handler = Callable[[dict[str, Any]], Iterator[Event]]
"""Takes a request and gives its events, the last of which is one of `oncohort.workers.process.FINAL`."""

FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BadZipFile,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    PickleError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What libraries raise on data that they do not take."""


_WATCH_S = 0.5


class Refusal(Exception):  # noqa: N818 - it becomes the event of this name
    """The request cannot be done; the words are those of `oncohort.errors`."""

    def __init__(self, *, expected: str, found: str, where: str, remedy: str) -> None:
        self.event = {"event": "refused", "expected": expected, "found": found, "where": where, "remedy": remedy}
        super().__init__(found)


def serve(handlers: Callable[[], Mapping[str, Handler]], *, extra: str, is_voice: bool = True) -> None:
    """Answer requests until the standard input ends; then end this process and its group.

    With an argument, the one request in that JSON file is answered instead, while the end of the standard input still
    ends the process. What a handler raises becomes its last event.

    Args:
        handlers: Gives the handlers by the word under `do`; it imports what they need, which may be missing.
        extra: The extra that brings what may be missing.
        is_voice: Whether this process tells its events; of several that do one work together only one does.
    """
    heard, out = _take_stdin(), _take_stdout()
    requests: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    if is_voice:
        threading.Thread(target=_read, args=(heard, requests), daemon=True).start()
    if len(sys.argv) > 1:
        _answer(handlers, extra, Path(sys.argv[1]).read_text(encoding="utf-8"), out if is_voice else None)
        return
    while True:
        _answer(handlers, extra, requests.get(), out)


def _answer(handlers: Callable[[], Mapping[str, Handler]], extra: str, line: str, out: TextIO | None) -> None:
    request = json.loads(line)
    for event in _events(handlers, extra, request):
        if out is not None:
            out.write(json.dumps(_finite(event)) + "\n")
            out.flush()


def _events(handlers: Callable[[], Mapping[str, Handler]], extra: str, request: dict[str, Any]) -> Iterator[Event]:
    try:
        yield from handlers()[request["do"]](request)
    except Refusal as refusal:
        yield refusal.event
    except ModuleNotFoundError as error:
        yield Refusal(
            expected=f"the packages of the extra {extra!r}",
            found=f"no package {error.name}",
            where=sys.executable,
            remedy=f"pip install 'oncohort[{extra}]'",
        ).event
    except FAILURES as error:
        yield {"event": "failed", "found": f"{type(error).__name__}: {error}"}


def _take_stdout() -> TextIO:
    """The standard output for events alone: what anybody prints goes where errors go."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


def _take_stdin() -> int:
    """The standard input for requests alone; in its place is nothing.

    It is read as a file descriptor: a process that is forked while a thread reads `sys.stdin` waits for its lock.
    """
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return own


def _read(heard: int, requests: queue.Queue[str]) -> None:
    """Pass on the lines of a file descriptor; when it ends, end this process and its group."""
    rest = b""
    while read := os.read(heard, 1 << 16):
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            requests.put(line.decode())
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _end_with_parent(parent: int) -> None:
    """End this process and its group when its parent has: torchrun gives every process a group of its own."""
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _finite(value: Any) -> Any:
    """JSON values in which a number that is not finite is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
