"""Time and memory that a piece of work takes."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_CLEAR_PEAK = "5"  # proc(5): reset the peak resident set size


@dataclass(frozen=True)
class Measured:
    """What a piece of work took.

    Attributes:
        seconds: Wall clock time.
        peak_memory_mib: Largest resident memory of the process, in MiB (2**20 bytes); None where it cannot be known.
        device_memory_mib: Largest memory that was held on a graphics card, in MiB; None if there was none.

    Examples:
        >>> Measured(2.5).peak_memory_mib is None
        True
    """

    seconds: float
    peak_memory_mib: float | None = None
    device_memory_mib: float | None = None


class Measurement:
    """A block whose time and peak memory are measured, in this process.

    Linux counts the peak from the start of the block, because its counter is set back there; whoever asks for the peak
    of this process later gets the one since then. Elsewhere it is the peak since the process began.

    Examples:
        >>> with Measurement() as watch:
        ...     data = bytes(1000)
        >>> 0 <= watch.measured.seconds < 60
        True
    """

    def __init__(self) -> None:
        self.measured = Measured(0.0)
        self._started = 0.0

    def __enter__(self) -> Measurement:
        _reset_peak()
        self._started = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        seconds = time.perf_counter() - self._started
        self.measured = Measured(seconds, _peak_mib())


def _reset_peak() -> None:
    with suppress(OSError):  # no Linux, or a kernel without it
        _CLEAR.write_text(_CLEAR_PEAK, encoding="ascii")


def _peak_mib() -> float | None:
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return _peak_of_life_mib()
    found = next((line.split() for line in lines if line.startswith("VmHWM:")), None)
    return None if found is None else int(found[1]) / 1024


def _peak_of_life_mib() -> float | None:
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
