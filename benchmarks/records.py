"""What was measured, kept as JSON beside the build, so that tables are written from runs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

FOLDER = Path("build/benchmarks")


@dataclass(frozen=True)
class Timing:
    """One contestant on one kind of data; `cpu_s` is None where it was not run, and `note` says why."""

    work: str
    kind: str
    contestant: str
    version: str
    cpu_s: float | None
    items_run: int
    items: int
    memory_mib: float | None
    first_s: float | None = None
    target_s: float | None = None
    agreement: float | None = None
    note: str = ""

    @property
    def is_ours(self) -> bool:
        return self.contestant == "oncohort"

    @property
    def is_scaled(self) -> bool:
        return self.items_run < self.items

    def with_first_s(self, first_s: float) -> Timing:
        return replace(self, first_s=first_s)


@dataclass(frozen=True)
class Record:
    """All timings of one work from one run."""

    work: str
    title: str
    date: str
    machine: str
    timings: tuple[Timing, ...]


def save_record(work: str, title: str, timings: Sequence[Timing], folder: Path = FOLDER) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    record = Record(work, title, datetime.now(UTC).date().isoformat(), describe_machine(), tuple(timings))
    path = folder / f"{work}.json"
    path.write_text(json.dumps(asdict(record), indent=1))
    return path


def read_record(path: Path) -> Record:
    values = json.loads(path.read_text())
    return Record(**{**values, "timings": tuple(Timing(**timing) for timing in values["timings"])})


def describe_machine() -> str:
    """Cores, memory, Python and the libraries that decide the speed; no name of the machine."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "scipy", "numba"))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{os.cpu_count()} cores ({platform.machine()}), {memory_gib:.0f} GiB, {platform.system()}"
    return f"{machine}, {python}, {libraries}"
