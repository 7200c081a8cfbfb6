"""Raw data sets of nnDetection: instance maps with the class of every instance.

::

    Task012_Name/dataset.yaml
    Task012_Name/raw_splitted/imagesTr/<case>_0000.nii.gz      one file per channel
    Task012_Name/raw_splitted/labelsTr/<case>.nii.gz           instances 1 ... N
    Task012_Name/raw_splitted/labelsTr/<case>.json             {"instances": {"1": 0, ...}}
    Task012_Name/raw_splitted/imagesTs  labelsTs               the same for test cases
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oncohort.cohort import Cohort
from oncohort.errors import LabelError
from oncohort.exports.boxes import BoxChoice, class_names, lesion_boxes
from oncohort.exports.case_files import (
    case_files,
    require_once,
    require_one_grid,
    volume_row,
    write_record,
    wrong_setting,
)
from oncohort.exports.masks import Masks, check_contents
from oncohort.geometry import Box, Geometry
from oncohort.kernels import label_components
from oncohort.splits import Split
from oncohort.storage import encode_stem, write_bytes
from oncohort.units import Unit
from oncohort.volume import Volume

DATASET_FILE = "dataset.yaml"
_MOST_INSTANCES = 65535


@dataclass(frozen=True)
class NnDetectionExport:
    """Writes a raw data set that nnDetection preprocesses.

    Args:
        number: Of the task, 0 to 999.
        title: Name after the number.
        channels: Roles of the images, in order; all lie on the grid of the instances.
        masks: Instances are the connected components (26 neighbours) of each of these labels.
        boxes: Instances are the boxes of lesions, filled; instead of masks.
        split: Its test set becomes `imagesTs`, `labelsTs`.

    Raises:
        SettingsError: A number, a name or channels that nnDetection does not take; masks and boxes, or neither.

    Examples:
        >>> NnDetectionExport(12, "Lungs", ("ct",), masks=Masks()).place
        'Task012_Lungs'
    """

    number: int
    title: str
    channels: tuple[str, ...]
    masks: Masks | None = None
    boxes: BoxChoice | None = None
    split: Split | None = None

    name: ClassVar[str] = "nndetection"
    description: ClassVar[str] = "nnDetection raw data set: instance maps, JSON beside them, dataset.yaml"

    def __post_init__(self) -> None:
        if not 0 <= self.number <= 999:
            raise wrong_setting(self.name, "a task number from 0 to 999", str(self.number), "choose another number")
        if not self.title or not all(letter.isalnum() or letter in "-_" for letter in self.title):
            raise wrong_setting(
                self.name, "a name of letters, digits, - and _", repr(self.title), "choose another name"
            )
        if not self.channels:
            raise wrong_setting(self.name, "at least one channel", "none", "name the roles of the images")
        require_once(self.name, self.channels)
        if (self.masks is None) == (self.boxes is None):
            raise wrong_setting(self.name, "masks or boxes", "both or neither", "choose one")

    @property
    def place(self) -> str:
        """Name of the folder that nnDetection expects."""
        return f"Task{self.number:03d}_{self.title}"

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the images, then of the masks."""
        return (*self.channels, *([self.masks.role] if self.masks is not None else []))

    def settings(self) -> dict[str, Any]:
        """All choices as JSON values."""
        return {
            "export": self.name,
            "number": self.number,
            "title": self.title,
            "channels": list(self.channels),
            "masks": None if self.masks is None else self.masks.settings(),
            "boxes": None if self.boxes is None else self._choice().settings(),
            "split": None if self.split is None else self.split.content_hash,
        }

    def facts(self, cohort: Cohort, case: str) -> list[Any]:
        """The name of the case, and its boxes if they are written."""
        return [_stems(cohort)[case], [] if self.boxes is None else self._choice().facts(cohort, case)]

    def check(self, cohort: Cohort) -> None:
        """Raise unless labels, reader and split fit the cohort.

        Raises:
            SettingsError: A label that the scheme lacks, no boxes, or several readers.
            LeakageError: The split stands for other cases.
        """
        check_contents(self.name, cohort, self.masks, self.boxes, self.split)

    def write_case(self, cohort: Cohort, case: str, folder: Path) -> dict[str, Any]:
        """Write images, instances and their classes.

        Raises:
            MissingNeedError: The case lacks a role.
            GeometryError: A channel lies on another grid than the instances.
            LabelError: Labels or boxes overlap, or there are more than 65535 instances.
        """
        for role in self.roles:
            volume_row(cohort, case, role)
        part, stem = ("Ts" if self.split is not None and case in self.split.test else "Tr"), _stems(cohort)[case]
        images = {role: cohort[case].image(role) for role in self.channels}
        instances, classes = self._instances(cohort, case, images[self.channels[0]].geometry)
        of = self.channels[0] if self.masks is None else self.masks.role
        require_one_grid(images, instances.geometry, of=of, case=case)
        below = f"{self.place}/raw_splitted"
        with case_files(folder) as files:
            for number, image in enumerate(images.values()):
                files.write_volume(f"{below}/images{part}/{stem}_{number:04d}.nii.gz", image)
            files.write_volume(f"{below}/labels{part}/{stem}.nii.gz", instances)
            named = {str(number): value for number, value in enumerate(classes, start=1)}
            files.write_json(f"{below}/labels{part}/{stem}.json", {"instances": named})
        return {"case": case, "stem": stem, "part": part, "instances": len(classes), "files": files.sizes}

    def finish(self, cohort: Cohort, results: Sequence[Mapping[str, Any]], folder: Path) -> tuple[str, ...]:
        """Write `dataset.yaml` and the record with the name of every case."""
        test = any(one["part"] == "Ts" for one in results)
        lines = [
            f"task: {self.place}",
            f"name: {json.dumps(self.title)}",
            "dim: 3",
            f"test_labels: {'true' if test else 'false'}",
            "labels:",
            *(f"  {json.dumps(str(number))}: {json.dumps(name)}" for number, name in enumerate(self._classes(cohort))),
            "modalities:",
            *(f"  {json.dumps(str(number))}: {json.dumps(_modality(r))}" for number, r in enumerate(self.channels)),
        ]
        write_bytes(folder / self.place / DATASET_FILE, ("\n".join(lines) + "\n").encode())
        content = {
            "settings": self.settings(),
            "classes": self._classes(cohort),
            "cases": {
                one["case"]: {"stem": one["stem"], "part": one["part"], "instances": one["instances"]}
                for one in results
            },
        }
        record = write_record(folder / self.place, self.name, cohort, content)
        return (f"{self.place}/{DATASET_FILE}", f"{self.place}/{record}")

    def _choice(self) -> BoxChoice:
        boxes = self.boxes or BoxChoice()
        return BoxChoice(boxes.role or self.channels[0], boxes.reader)

    def _classes(self, cohort: Cohort) -> list[str]:
        return class_names(cohort) if self.masks is None else list(self.masks.mapping(cohort).exported)

    def _instances(self, cohort: Cohort, case: str, grid: Geometry) -> tuple[Volume, list[int]]:
        if self.masks is None:
            classes = class_names(cohort)
            lesions = lesion_boxes(cohort, case, self._choice())
            array: NDArray[Any] = np.zeros(grid.shape, np.uint16, order="F")
            for number, (_, box) in enumerate(lesions, start=1):
                _require_free(array[box.slices], case)
                array[box.slices] = number
            return _volume(array, grid, len(lesions), case), [classes.index(name) for name, _ in lesions]
        mapping = self.masks.mapping(cohort)
        labels = self.masks.volume(cohort, case, mapping)
        array, numbers = components_of_labels(labels.array, tuple(mapping.exported.values()))
        return _volume(array, labels.geometry, len(numbers), case), [number - 1 for number in numbers]


def components_of_labels(labels: NDArray[Any], values: Sequence[int]) -> tuple[NDArray[np.uint32], list[int]]:
    """Instances 1 ... N of an array of labels, component by component of each label, and the label of each.

    Args:
        labels: Integers (i, j, k).
        values: The labels, in the order of their instances.

    Examples:
        >>> labels = np.array([2, 2, 0, 1, 0, 2], np.uint8).reshape(6, 1, 1)
        >>> array, values = components_of_labels(labels, (1, 2))
        >>> array.ravel().tolist(), values
        ([2, 2, 0, 1, 0, 3], [1, 2, 2])
    """
    instances = np.zeros(labels.shape, np.uint32, order="F")
    of: list[int] = []
    for value in values:
        mask = labels == value
        box = Box.of_mask(mask)
        if box is not None:
            components, count = label_components(mask[box.slices], 26)
            inside = components > 0
            instances[box.slices][inside] = components[inside] + np.uint32(len(of))
            of += [value] * count
    return instances, of


def _volume(array: NDArray[Any], grid: Geometry, count: int, case: str) -> Volume:
    if count > _MOST_INSTANCES:
        raise LabelError(
            expected=f"at most {_MOST_INSTANCES} instances",
            found=str(count),
            where=f"case {case}",
            remedy="remove small components first",
        )
    return Volume.from_array(array.astype(np.uint8 if count < 256 else np.uint16), grid, Unit.LABEL)


def _require_free(part: NDArray[Any], case: str) -> None:
    if part.any():
        raise LabelError(
            expected="boxes of lesions that do not overlap",
            found=f"two that share {int(np.count_nonzero(part))} voxels",
            where=f"case {case}",
            remedy="export to monai, coco or voc, which keep boxes that overlap",
        )


def _modality(role: str) -> str:
    """The name of a channel: `CT` is the one that nnDetection clips and scales by the training set."""
    return "CT" if role.partition(".")[0] == "ct" else role.upper()


@lru_cache(maxsize=4)
def _stems(cohort: Cohort) -> dict[str, str]:
    """A name for every case without `.`, which nnDetection takes for the start of the ending."""
    stems: dict[str, str] = {}
    taken: set[str] = set()
    for case in cohort.case_ids:
        plain = encode_stem(case).replace(".", "_")
        stem, number = plain, 2
        while stem in taken:
            stem, number = f"{plain}_{number}", number + 1
        stems[case] = stem
        taken.add(stem)
    return stems
