"""Any program that reads images and writes a mask."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from oncohort.cohort import Case, Cohort
from oncohort.errors import MissingNeedError, SettingsError, shown
from oncohort.formats import read_label_map
from oncohort.segmenters.calling import call_program, measured, require_file, require_roles, write_role
from oncohort.segmenters.parameters import require_positive, wrong_parameter
from oncohort.segmenters.protocol import LESION_SCHEME, PlainSegmenter, Prediction
from oncohort.storage import temporary_folder
from oncohort.units import Unit
from oncohort.volume import LabelMap

_MASK, _CASE = "mask", "case"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*(?:\.\d+)?)\}")


@dataclass(frozen=True)
class Command(PlainSegmenter):
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
    main: ClassVar[str | None] = "program"
    usage: ClassVar[str] = 'command:"PROGRAM {pet} {mask}"'

    def __post_init__(self) -> None:
        require_positive("timeout_s", self.timeout_s, segmenter=self.name)
        if not isinstance(self.program, str) or not self.words:
            raise wrong_parameter(self.name, "program as words", repr(self.program))
        if _MASK not in self._placeholders or not self.needs:
            raise wrong_parameter(
                self.name, "a program with {mask} and at least one role such as {pet}", repr(self.program)
            )

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the program, with placeholders."""
        try:
            return tuple(shlex.split(self.program))
        except ValueError as error:
            raise wrong_parameter(self.name, "a program with closed quotes", str(error)) from error

    @property
    def _located(self) -> tuple[str, ...]:
        """The words as they are run, in a folder that is not this one."""
        return tuple(shlex.split(located_program(self.program, Path.cwd())))

    @property
    def needs(self) -> tuple[str, ...]:
        """The roles that the words name, in their order."""
        return tuple(name for name in self._placeholders if name not in (_MASK, _CASE))

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files among its words, such as scripts and weights."""
        return tuple(Path(word) for word in self._located if os.path.isfile(word))  # noqa: PTH113 - may be no path

    def prepared(self, cohort: Cohort) -> Command:
        """The segmenter with absolute paths, if there is such a program, and a case with the images that it reads.

        Raises:
            SettingsError: A role that it names is that of a mask.
            MissingNeedError: There is no such program, or no such case.
        """
        program = self._located[0]
        if not _PLACEHOLDER.search(program) and shutil.which(program) is None:
            raise MissingNeedError(
                expected="a program that can be run",
                found=f"no {program}",
                where=f"segmenter {self.name}",
                remedy="install it, or name it by its whole path",
            )
        self._require_images(cohort)
        return replace(self, program=located_program(self.program, Path.cwd()))

    def segment(self, case: Case) -> LabelMap:
        """The mask that the program writes for a case, as `predict` gives it."""
        return self.predict(case).mask

    def predict(self, case: Case) -> Prediction:
        """The mask that the program writes for a case, with the time and the memory that it took.

        Raises:
            MissingNeedError: The case lacks a role.
            PredictionError: The program cannot be run, fails, takes too long, or writes no mask.
            FormatError: What it writes is no mask.
            GeometryError: The mask lies on another grid.
        """
        with temporary_folder() as there:
            folder = Path(there)
            files = {role: folder / f"{role}.nii.gz" for role in self.needs}
            for role, path in files.items():
                write_role(case, role, path, segmenter=self.name)
            reference = case.image(self.needs[0]).geometry
            mask = folder / "mask.nii.gz"
            values = {_MASK: str(mask), _CASE: case.id, **{role: str(path) for role, path in files.items()}}
            words = [_PLACEHOLDER.sub(lambda found: values[found[1]], word) for word in self._located]
            ran = call_program(words, folder=folder, timeout_s=self.timeout_s, case=case.id)
            require_file(mask, "a mask written to {mask}", ran, case=case.id, program=words[0])
            found = read_label_map(mask, LESION_SCHEME)
            reference.require_same_grid(found.geometry, what="the mask of the program", where=f"case {case.id}")
            found.require_known_labels(f"case {case.id}, mask of the program")
            lesion = LabelMap.from_masks({"lesion": found.mask("lesion")}, reference, LESION_SCHEME)
            return Prediction(lesion, measured=measured(ran))

    def _require_images(self, cohort: Cohort) -> None:
        rows = [row for case in cohort.case_ids for row in cohort.volume_rows(case)]
        images = {row["role"] for row in rows if row["unit"] != Unit.LABEL}
        masks = [role for role in self.needs if role not in images and any(row["role"] == role for row in rows)]
        if masks:
            raise SettingsError(
                expected="a program that reads images",
                found=f"{shown(f'{{{role}}}' for role in masks)}, masks of the cohort",
                where=f"segmenter {self.name}, cohort {cohort.name!r}",
                remedy=f"name roles of images ({shown(sorted(images), 9) or 'none'}): programs are given no masks",
            )
        remedy = "name other roles in the words of the program, or ingest the images that are missing"
        require_roles(cohort, self.needs, segmenter=self.name, remedy=remedy)

    @property
    def _placeholders(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for word in self.words for name in _PLACEHOLDER.findall(word)))


def located_program(program: str, folder: Path) -> str:
    """The words of a program with absolute paths: what starts with `./` or `../` and is there, and the program itself.

    Args:
        program: The words, as in a shell; such with an unfinished quote come back as they are.
        folder: What they are relative to.

    Examples:
        >>> shlex.split(located_program("bin/segment --tmp ./scratch {pet} {mask}", Path("/models")))
        ['/models/bin/segment', '--tmp', './scratch', '{pet}', '{mask}']
        >>> located_program("python -m segment {pet} {mask}", Path("/models"))
        'python -m segment {pet} {mask}'
    """
    try:
        words = shlex.split(program)
    except ValueError:  # the segmenter says what is wrong
        return program
    are_paths = [word.startswith(("./", "../")) and os.path.exists(folder / word) for word in words]  # noqa: PTH110
    if words and "/" in words[0] and not Path(words[0]).is_absolute():
        are_paths[0] = True
    if not any(are_paths):
        return program
    pairs = zip(words, are_paths, strict=True)
    return shlex.join(str(folder / word) if is_path else word for word, is_path in pairs)
