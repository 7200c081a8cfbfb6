"""TotalSegmentator, as it is installed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from oncohort.cohort import Case, Cohort
from oncohort.errors import FormatError, MissingNeedError
from oncohort.formats import read_label_map
from oncohort.segmenters.calling import (
    call_program,
    find_program,
    measured,
    require_file,
    require_program,
    require_roles,
    write_role,
)
from oncohort.segmenters.parameters import require_positive, wrong_parameter
from oncohort.segmenters.protocol import Prediction, PreparedSegmenter, UnpreparedSegmenter
from oncohort.segmenters.tool_labels import ToolLabels, choose_labels, dropped_note, recode, require_choice, whole_names
from oncohort.storage import read_json, temporary_folder
from oncohort.workers.programs import run_program

_PROGRAM, _INFO, _PACKAGE = "TotalSegmentator", "totalseg_info", "TotalSegmentator"
_DEVICE = re.compile(r"auto|cpu|mps|(?:gpu|cuda)(?::\d+)?")
_INFO_SECONDS = 120.0
_INFO_BYTES = 1 << 22
_ROLE = "ct"


@dataclass(frozen=True)
class TotalSegmentator(UnpreparedSegmenter):
    """TotalSegmentator on the CT, called once per case in a folder of its own.

    Its labels become those of the cohort where the cohort knows them by name, by alias, or by what a published data
    set calls them; the others become background.

    Args:
        task: One of its tasks for CT, such as `total`.
        fast: Whether to use its model of 3 mm.
        device: `auto` (a CUDA card if there is one, else the processor), `cpu`, `mps`, `cuda` or `cuda:1`.
        labels: `cohort`, or `own` to keep the integers and names of the tool.
        timeout_s: Seconds after which it is stopped, for each case.

    Raises:
        SettingsError: A parameter is out of range.

    Examples:
        >>> TotalSegmentator(task="total", fast=True).needs
        ('ct',)
    """

    task: str = "total"
    fast: bool = False
    device: str = "auto"
    labels: str = "cohort"
    timeout_s: float = 3600.0

    name: ClassVar[str] = "totalsegmentator"
    description: ClassVar[str] = "TotalSegmentator on the CT, if it is installed"
    needs: ClassVar[tuple[str, ...]] = (_ROLE,)
    main: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        require_positive("timeout_s", self.timeout_s, segmenter=self.name)
        require_choice(self.labels, segmenter=self.name)
        if not isinstance(self.fast, bool):
            raise wrong_parameter(self.name, "fast as true or false", repr(self.fast))
        if not isinstance(self.device, str) or not _DEVICE.fullmatch(self.device):
            raise wrong_parameter(self.name, "device as auto, cpu, mps, cuda or cuda:1", repr(self.device))

    def prepared(self, cohort: Cohort) -> ReadyTotalSegmentator:
        """The segmenter with the program, its version and the labels that it gives.

        Raises:
            MissingNeedError: It is not installed, or no case has a CT.
            SettingsError: It has no such task for CT.
            LabelError: The cohort knows none of its labels.
        """
        program = require_program(_PROGRAM, segmenter=self.name, package=_PACKAGE)
        require_roles(cohort, (_ROLE,), segmenter=self.name)
        said = _capabilities(program)
        names = _names(said, self.task)
        labels = choose_labels(names, self.labels, cohort=cohort.scheme, tool=self.name)
        return ReadyTotalSegmentator(self, str(said.get("totalsegmentator_version")), labels, program)


@dataclass(frozen=True)
class ReadyTotalSegmentator(PreparedSegmenter):
    """TotalSegmentator with what is installed.

    Attributes:
        settings: What was asked for.
        version: Of the program.
        labels: Its labels and those of the masks.
        program: Where it lies.
    """

    settings: TotalSegmentator
    version: str
    labels: ToolLabels
    program: str = field(repr=False)

    def predict(self, case: Case) -> Prediction:
        """The mask of a case on the grid of its CT.

        Raises:
            MissingNeedError: The case has no CT.
            PredictionError: The program cannot be run, fails, takes too long, or writes no mask.
            FormatError: What it writes is no mask.
            GeometryError: The mask lies on another grid.
            LabelError: The mask has a label that the program does not declare.
        """
        where = f"case {case.id}, {self.name}"
        with temporary_folder() as there:
            folder = Path(there)
            image, mask = folder / "ct.nii.gz", folder / "out" / "mask.nii.gz"
            write_role(case, _ROLE, image, segmenter=self.name)
            mask.parent.mkdir()
            words = self._words(image, mask)
            ran = call_program(words, folder=folder, timeout_s=self.settings.timeout_s, case=case.id)
            require_file(mask, "a mask", ran, case=case.id, program=self.program)
            found = read_label_map(mask, self.labels.scheme)
            case.image(_ROLE).geometry.require_same_grid(found.geometry, what="the mask", where=where)
            kept, dropped = recode(found, self.labels, where)
            facts = {"tool": f"{_PACKAGE} {self.version}", "task": self.settings.task}
            return Prediction(kept, notes=dropped_note(dropped), measured=measured(ran), facts=facts)

    def _words(self, image: Path, mask: Path) -> list[str]:
        settings = self.settings
        words = [self.program, "-i", str(image), "-o", str(mask), "--ml", "--task", settings.task, "--quiet"]
        device = [] if settings.device == "auto" else ["--device", settings.device.replace("cuda", "gpu")]
        return [*words, *(["--fast"] if settings.fast else []), *device]


def _capabilities(program: str) -> dict[str, Any]:
    """What the program says of itself: its version, and modality and labels of its tasks."""
    info = find_program(str(Path(program).with_name(_INFO))) or find_program(_INFO)
    if info is None:
        raise MissingNeedError(
            expected=f"a TotalSegmentator that has {_INFO}, as version 2.18 does",
            found="one without",
            where=program,
            remedy=f"pip install --upgrade {_PACKAGE}",
        )
    with temporary_folder() as there:
        answer = Path(there) / "info.json"
        ran = run_program([info, "--json"], folder=Path(there), timeout_s=_INFO_SECONDS, output=answer)
        if ran.status != 0:
            raise _silent(info, f"status {ran.status}: {ran.last_words}")
        try:
            said = read_json(answer, most_bytes=_INFO_BYTES)
        except FormatError as error:
            raise _silent(info, error.found) from error
    if not isinstance(said, dict) or not isinstance(said.get("tasks"), dict):
        raise _silent(info, "an answer without tasks")
    return said


def _names(said: Mapping[str, Any], task: str) -> dict[int, str]:
    """Names of the integers of a task."""
    tasks = {name: about for name, about in said["tasks"].items() if _is_of_ct(about)}
    if task not in tasks:
        raise wrong_parameter(TotalSegmentator.name, f"task as one of {', '.join(tasks)}", repr(task))
    return whole_names(tasks[task].get("classes"), where=f"{_INFO} --json, task {task}")


def _is_of_ct(about: Any) -> bool:
    return isinstance(about, dict) and about.get("modality") == "CT"


def _silent(info: str, found: str) -> MissingNeedError:
    return MissingNeedError(
        expected="a TotalSegmentator that says what it can do",
        found=found,
        where=f"{info} --json",
        remedy=f"run this command by hand; pip install --upgrade {_PACKAGE} mends a broken installation",
    )
