"""Every file of a folder in DEEP-PSMA's layout: of one tracer of a patient, or of nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError
from oncohort.formats.rigid_transforms import read_tfm
from oncohort.layouts import deep_psma
from oncohort.sources.nnunet.names import is_text
from oncohort.sources.referenced import Refusal
from oncohort.sources.walking import walk_folder
from oncohort.storage import read_json

_HIGHEST_SUV = 1e6
_NAMES = (*deep_psma.VOLUMES, deep_psma.THRESHOLD_FILE, deep_psma.RIGID_FILE)


@dataclass
class TracerFolder:
    """One PET/CT of a patient: its folder, and its files by name."""

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def patient(self) -> str:
        """Name of the folder that holds both tracers."""
        return self.folder.parent.name

    @property
    def tracer(self) -> str:
        """PSMA or FDG."""
        return self.folder.name

    @property
    def case(self) -> str:
        """The case id."""
        return f"{self.patient}_{self.tracer}"

    @property
    def split(self) -> str | None:
        """What the name of the patient's folder begins with."""
        found = re.fullmatch(deep_psma.PATIENT_PATTERN, self.patient)
        return found["split"] if found else None

    @cached_property
    def threshold_suv(self) -> float | Refusal | None:
        """The SUV above which voxels were judged; why it cannot be read; None without a file."""
        path = self.files.get(deep_psma.THRESHOLD_FILE)
        if path is None:
            return None
        try:
            return read_threshold(path)
        except FormatError as error:
            return Refusal("unreadable", str(error))

    @cached_property
    def to_other_tracer(self) -> NDArray[np.float64] | Refusal | None:
        """Matrix (4, 4) from RAS+ mm of this scan to those of the other tracer; or why there is none."""
        path = self.files.get(deep_psma.RIGID_FILE)
        if path is None:
            return None
        try:
            return read_tfm(path)
        except FormatError as error:
            return Refusal("not a rigid transform", str(error))

    def unusable(self) -> Iterator[tuple[Path, Refusal]]:
        """Small files that cannot be read; the case stays without them."""
        for name, value in (
            (deep_psma.THRESHOLD_FILE, self.threshold_suv),
            (deep_psma.RIGID_FILE, self.to_other_tracer),
        ):
            if isinstance(value, Refusal):
                yield self.files[name], value


@dataclass
class TracerListing:
    """What lies below a folder.

    Attributes:
        tracers: Every tracer of every patient, by patient, PSMA first.
        others: Reason and detail of each file that nothing has a use for.
        rows: Rows of refusal for what is no file.
    """

    tracers: list[TracerFolder] = field(default_factory=list)
    others: dict[Path, tuple[str, str]] = field(default_factory=dict)
    rows: tuple[Mapping[str, str], ...] = ()


def list_tracers(root: Path) -> TracerListing:
    """Every file below `root`, each once."""
    walk = walk_folder(root)
    listing = TracerListing(rows=walk.refused)
    folders: dict[Path, TracerFolder] = {}
    for file in walk.files:
        inside = file.relative_to(root)
        if not is_text(str(inside)):
            listing.others[file] = ("name is no text", "rename the file in UTF-8")
        elif file.name in _NAMES and len(inside.parts) >= 3 and inside.parts[-2] in deep_psma.TRACERS:
            folders.setdefault(file.parent, TracerFolder(file.parent)).files[file.name] = file
        else:
            listing.others[file] = ("not part of the layout", f"none of {', '.join(_NAMES)} of a tracer")
    kept: dict[str, TracerFolder] = {}
    for folder in folders.values():
        first = kept.setdefault(folder.case, folder)
        if first is not folder:
            why = ("duplicate case", f"the same patient and tracer as {first.folder}")
            listing.others |= dict.fromkeys(folder.files.values(), why)
    listing.tracers = sorted(kept.values(), key=lambda one: (one.patient, deep_psma.TRACERS.index(one.tracer)))
    return listing


def read_threshold(path: str | Path) -> float:
    """The SUV threshold in a file: {"suv_threshold": 3.0}, or the bare number of the containers.

    Raises:
        FormatError: The file cannot be read or holds no number above 0.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     _ = Path(there, "threshold.json").write_text('{"suv_threshold": 2.1165}')
        ...     read_threshold(Path(there, "threshold.json"))
        2.1165
    """
    values = read_json(path)
    found = values.get(deep_psma.THRESHOLD_KEY) if isinstance(values, dict) else values
    if isinstance(found, int | float) and not isinstance(found, bool) and 0 < found <= _HIGHEST_SUV:
        return float(found)
    raise FormatError(
        expected=f'{{"{deep_psma.THRESHOLD_KEY}": a number above 0}}',
        found=repr(values)[:100],
        where=str(path),
        remedy="fetch the file again",
    )
