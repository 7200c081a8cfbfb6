"""Any program that reads images and writes a mask."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from oncohort.cohort import Case
from oncohort.errors import MissingNeedError, PredictionError, SettingsError
from oncohort.formats import read_label_map, write_volume
from oncohort.segmenters.parameters import require_positive
from oncohort.segmenters.protocol import LESION_SCHEME
from oncohort.volume import LabelMap

_MASK, _CASE = "mask", "case"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*(?:\.\d+)?)\}")
_LAST_WORDS = 400  # characters of what a failed program said


@dataclass(frozen=True)
class Command:
    """A program that is called once per case, without a shell, in a folder of its own.

    `{ct}`, `{pet}` and other roles in its words stand for NIfTI files of the case, `{mask}` for the file that it must
    write: a mask on the grid of the first role named, 0 outside, 1 inside. `{case}` is the case's id. Whoever runs a
    program trusts it: it can read and write whatever its user can.

    Args:
        program: The words, as in a shell; quotes group, nothing else is special.
        timeout_s: Seconds after which the program is stopped, for each case.

    Raises:
        SettingsError: No words, no `{mask}`, no role, or an unfinished quote.

    Examples:
        >>> Command(program="segment --ct {ct} --pet {pet} --out {mask}", timeout_s=600).needs
        ('ct', 'pet')
    """

    program: str
    timeout_s: float = 3600.0

    name: ClassVar[str] = "command"
    description: ClassVar[str] = "a program of your own that reads images and writes a mask"

    def __post_init__(self) -> None:
        require_positive("timeout_s", self.timeout_s, segmenter=self.name)
        if not isinstance(self.program, str) or not self.words:
            raise self._wrong("program as words", repr(self.program))
        if _MASK not in self._placeholders or not self.needs:
            raise self._wrong("a program with {mask} and at least one role such as {pet}", repr(self.program))

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the program, with placeholders."""
        try:
            return tuple(shlex.split(self.program))
        except ValueError as error:
            raise self._wrong("a program with closed quotes", str(error)) from error

    @property
    def needs(self) -> tuple[str, ...]:
        """The roles that the words name, in their order."""
        return tuple(name for name in self._placeholders if name not in (_MASK, _CASE))

    def segment(self, case: Case) -> LabelMap:
        """The mask that the program writes for a case.

        Raises:
            MissingNeedError: The case lacks a role.
            PredictionError: The program cannot be run, fails, takes too long, or writes no mask.
            FormatError: What it writes is no mask.
            GeometryError: The mask lies on another grid.
        """
        reference = case.image(self.needs[0]).geometry
        with tempfile.TemporaryDirectory(prefix="oncohort-") as there:
            folder = Path(there)
            files = {role: str(self._written(case, role, folder)) for role in self.needs}
            mask = folder / "mask.nii.gz"
            self._run(case, {**files, _MASK: str(mask), _CASE: case.id}, folder)
            if not mask.is_file():
                raise self._failed(case, "a mask written to {mask}", "no file")
            found = read_label_map(mask, LESION_SCHEME)
            reference.require_same_grid(found.geometry, what="the mask of the program", where=f"case {case.id}")
            found.require_known_labels(f"case {case.id}, mask of the program")
            return LabelMap.from_masks({"lesion": found.mask("lesion")}, reference, LESION_SCHEME)

    def _written(self, case: Case, role: str, folder: Path) -> Path:
        if role not in case:
            raise MissingNeedError(
                expected=f"role {role!r} for {self.name}",
                found=f"roles {', '.join(case.roles) or 'none'}",
                where=f"case {case.id}",
                remedy="name another role in the program, or leave the case out",
            )
        path = folder / f"{role}.nii.gz"
        write_volume(path, case.image(role))
        return path

    def _run(self, case: Case, values: Mapping[str, str], folder: Path) -> None:
        words = [_PLACEHOLDER.sub(lambda found: values[found[1]], word) for word in self.words]
        try:
            done = subprocess.run(  # noqa: S603 - the user's own program, without a shell
                words, cwd=folder, capture_output=True, timeout=self.timeout_s, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired as error:
            raise self._failed(case, f"an end within {self.timeout_s:g} s", "none; it was stopped") from error
        except OSError as error:
            raise self._failed(case, "a program that can be run", f"{words[0]}: {error.strerror}") from error
        if done.returncode:
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()[-_LAST_WORDS:]
            raise self._failed(case, "exit status 0", f"status {done.returncode}: {said or 'it said nothing'}")

    @property
    def _placeholders(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for word in self.words for name in _PLACEHOLDER.findall(word)))

    def _wrong(self, expected: str, found: str) -> SettingsError:
        return SettingsError(
            expected=expected, found=found, where=f"segmenter {self.name}", remedy="correct the setting"
        )

    def _failed(self, case: Case, expected: str, found: str) -> PredictionError:
        return PredictionError(
            expected=expected, found=found, where=f"case {case.id}, {self.words[0]}", remedy="run the program by hand"
        )
