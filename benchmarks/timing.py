"""CPU seconds, wall seconds and peak memory of one process."""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_RESET = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU (user and system) and of the clock."""

    cpu_s: float
    wall_s: float

    def __str__(self) -> str:
        return f"{self.cpu_s:7.2f} s CPU  {self.wall_s:7.2f} s wall"


def timed(function: Callable[[], Any]) -> tuple[Any, Cost]:
    """What a function gives, and what it cost."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = function()
    return result, Cost(time.process_time() - cpu, time.perf_counter() - wall)


def peak_memory_mib() -> float:
    """The most memory that this process has held so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def extra_memory_mib(function: Callable[[], Any]) -> float | None:
    """The most memory that a call holds above what the process held before it; None where Linux does not say so."""
    if not _RESET.exists():
        return None
    gc.collect()
    _RESET.write_text("5")
    before = _status_kib("VmRSS")
    function()
    return (_status_kib("VmHWM") - before) / 1024


def _status_kib(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1])


def show(what: str, cost: Cost, note: str = "") -> None:
    """Print one line."""
    print(f"  {what:<44} {cost}  {note}".rstrip(), flush=True)
