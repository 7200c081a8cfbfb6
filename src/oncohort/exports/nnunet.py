"""nnU-Net raw data sets: images by reference or copied, labels without gaps, folds by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from oncohort.cohort import Cohort
from oncohort.errors import SettingsError
from oncohort.exports.case_files import (
    RECORD_FILE,
    CaseFiles,
    case_files,
    referable_file,
    require_one_grid,
    volume_row,
)
from oncohort.exports.fingerprint import fingerprint_case, fingerprint_dataset, read_part, write_part
from oncohort.exports.labels import LabelMapping, mapped
from oncohort.formats.nnunet_raw import RawDataset, image_path, label_path, write_dataset
from oncohort.splits import Split
from oncohort.storage import encode_stem, write_json
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

SPLITS_FILE = "splits_final.json"
FINGERPRINT_FILE = "dataset_fingerprint.json"

Normalisation = Literal["ct", "none", "z-score", "rescale"]
"""How nnU-Net is told to normalise a channel: as CT (clipped and scaled by the training set), not at all, by mean and
deviation of each image, or to 0 to 1 in each image."""

CHANNEL_NAMES: dict[str, str] = {"ct": "CT", "none": "noNorm", "z-score": "zscore", "rescale": "rescale_to_0_1"}
"""The channel name by which nnU-Net (2.8) picks a normalisation; any other name means z-score by image."""

USUAL: dict[str, Normalisation] = {"ct": "ct", "pet": "none"}
"""CT as CT; PET not at all, so that SUV keep their meaning. Other roles need a word."""


@dataclass(frozen=True)
class Channel:
    """One input channel.

    Args:
        role: Role of the image in the cohort.
        normalisation: What nnU-Net does with it.
    """

    role: str
    normalisation: Normalisation

    @staticmethod
    def usual(role: str) -> Channel:
        """The channel of a role with its usual normalisation.

        Raises:
            SettingsError: The role has none.

        Examples:
            >>> Channel.usual("pet").normalisation
            'none'
        """
        kind = USUAL.get(role.partition(".")[0])
        if kind is None:
            raise _wrong(f"a normalisation ({', '.join(CHANNEL_NAMES)}) for role {role!r}", "none", "name one")
        return Channel(role, kind)


@dataclass(frozen=True)
class NnunetExport:
    """Writes a raw data set that nnU-Net plans, preprocesses and trains.

    Args:
        number: Of the data set, 1 to 999.
        title: Name after the number.
        channels: In order.
        label_role: Role of the masks.
        images: `reference`: the key `dataset` of dataset.json names the files where they lie; `copy`: they are written.
        regions: Labels of dataset.json that join labels of the scheme, by name; then every region is trained as one.
        ignore: Label whose voxels the loss passes over; it gets the highest integer.
        labels: Labels of the scheme that are written, the others become background; none for all.
        union: Name of the one label that all labels together become.
        gaps: `close` numbers labels 1, 2, 3 ...; `keep` leaves their integers and names those between `unused_4`,
            because nnU-Net takes consecutive integers only.
        split: Folds and test set; test cases are not trained on.
        fingerprint: Whether `dataset_fingerprint.json` is written too, from the voxels that pass by.

    Raises:
        SettingsError: A number, name or channel that nnU-Net does not take.

    Examples:
        >>> NnunetExport(7, "Sarcoma", (Channel.usual("ct"), Channel.usual("pet"))).dataset_folder
        'Dataset007_Sarcoma'
    """

    number: int
    title: str
    channels: tuple[Channel, ...]
    label_role: str = "lesions"
    images: Literal["reference", "copy"] = "reference"
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignore: str | None = None
    labels: tuple[str, ...] = ()
    union: str | None = None
    split: Split | None = None
    fingerprint: bool = False
    gaps: Literal["close", "keep"] = "close"

    name: ClassVar[str] = "nnunet"
    description: ClassVar[str] = "nnU-Net raw data set with dataset.json, labels without gaps and splits_final.json"

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 999:
            raise _wrong("a data set number from 1 to 999", str(self.number), "choose another number")
        if not self.title or not all(letter.isalnum() or letter in "-_" for letter in self.title):
            raise _wrong("a name of letters, digits, - and _", repr(self.title), "choose another name")
        if self.union is not None and (self.labels or self.regions or self.ignore):
            raise _wrong("union alone", "labels, regions or ignore beside it", "leave one of them out")
        if self.gaps == "keep" and (self.union or self.regions or self.ignore):
            raise _wrong("gaps kept without union, regions or ignore", "one of them", "close the gaps")
        if not self.channels:
            raise _wrong("at least one channel", "none", "name the roles of the images")

    @property
    def dataset_folder(self) -> str:
        """Name of the folder that nnU-Net expects."""
        return f"Dataset{self.number:03d}_{self.title}"

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the images, then of the masks."""
        return (*(channel.role for channel in self.channels), self.label_role)

    def settings(self) -> dict[str, Any]:
        """All choices as JSON values."""
        return {
            "export": self.name,
            "number": self.number,
            "title": self.title,
            "channels": [[channel.role, channel.normalisation] for channel in self.channels],
            "label_role": self.label_role,
            "images": self.images,
            "regions": {name: list(members) for name, members in self.regions.items()},
            "ignore": self.ignore,
            "labels": list(self.labels),
            "union": self.union,
            "split": None if self.split is None else self.split.content_hash,
            "fingerprint": self.fingerprint,
            "gaps": self.gaps,
        }

    def facts(self, cohort: Cohort, case: str) -> None:
        """None: files and settings say all."""

    def check(self, cohort: Cohort) -> None:
        """Raise unless regions, the label to ignore and the split fit the cohort.

        Raises:
            SettingsError: A label that the scheme lacks.
            LeakageError: The split stands for other cases.
        """
        known = set(cohort.scheme.labels)
        written = set(self.labels) or known
        asked = {*(name for members in self.regions.values() for name in members), *self.labels}
        asked |= {self.ignore} if self.ignore is not None else set()
        if asked - (known & written):
            unknown = ", ".join(sorted(asked - (known & written)))
            raise _wrong(f"labels that are written: {', '.join(sorted(known & written))}", unknown, "correct the names")
        if self.split is not None:
            self.split.require_cases(cohort.case_ids)

    def write_case(self, cohort: Cohort, case: str, folder: Path) -> dict[str, Any]:
        """Write the label map of a case, and its images unless they are referenced.

        Raises:
            MissingNeedError: The case lacks a channel or the mask.
            GeometryError: A channel lies on another grid than the mask.
            LabelError: Labels overlap or have no name.
        """
        part = "test" if self.split is not None and case in self.split.test else "train"
        images, masks = self._read(cohort, case)
        with case_files(folder) as files:
            written = [self._image(cohort, case, number, image, part, files) for number, image in enumerate(images)]
            volume = self._label_volume(masks, self._mapping(cohort), f"case {case}")
            label = files.write_volume(label_path(self.dataset_folder, case, split=part).as_posix(), volume)
            if self.fingerprint and part == "train":
                arrays = [image.array for image in images]
                found = fingerprint_case(arrays, volume.array, volume.geometry, where=f"case {case}")
                files.sizes[_part_path(case)] = write_part(folder / _part_path(case), found)
        return {
            "case": case,
            "part": part,
            "images": written,
            "label": label.removeprefix(f"{self.dataset_folder}/"),
            "files": files.sizes,
        }

    def finish(self, cohort: Cohort, results: Sequence[Mapping[str, Any]], folder: Path) -> tuple[str, ...]:
        """Write `dataset.json`, `splits_final.json` where there is a split, and the record with the label mapping."""
        target = folder / self.dataset_folder
        trained = sorted((one for one in results if one["part"] == "train"), key=lambda one: encode_stem(one["case"]))
        write_dataset(target, self._dataset(cohort, trained), training_cases=len(trained))
        record = {
            "type": "oncohort.nnunet_export",
            "format_version": "1.0",
            "settings": self.settings(),
            "cohort": cohort.name,
            "label_scheme": cohort.scheme.to_dict(),
            "labels": self._mapping(cohort).to_dict(),
            "cases": {
                one["case"]: {"stem": encode_stem(one["case"]), "part": one["part"], "images": one["images"]}
                for one in results
            },
        }
        write_json(target / RECORD_FILE, record)
        names = ["dataset.json", RECORD_FILE]
        if self.split is not None and self.split.folds:
            write_json(target / SPLITS_FILE, self._folds({one["case"] for one in trained}))
            names.append(SPLITS_FILE)
        if self.fingerprint:
            parts = [read_part(folder / _part_path(one["case"])) for one in trained]
            write_json(target / FINGERPRINT_FILE, fingerprint_dataset(parts))
            names.append(FINGERPRINT_FILE)
        return tuple(f"{self.dataset_folder}/{name}" for name in names)

    def _label_volume(self, labels: LabelMap, mapping: LabelMapping, where: str) -> Volume:
        if self.union is not None:
            return Volume.from_array(labels.foreground().astype(np.uint8), labels.geometry, Unit.LABEL)
        return mapped(labels, mapping, where=where)

    def _read(self, cohort: Cohort, case: str) -> tuple[list[Volume], LabelMap]:
        for role in self.roles:
            volume_row(cohort, case, role)
        found = cohort[case]
        masks = found.label_map(self.label_role)
        images = {channel.role: found.image(channel.role) for channel in self.channels}
        require_one_grid(images, masks.geometry, of=self.label_role, case=case)
        return [images[channel.role] for channel in self.channels], masks

    def _image(self, cohort: Cohort, case: str, number: int, image: Volume, part: str, files: CaseFiles) -> str:
        if self.images == "reference":
            referred = referable_file(cohort, case, self.channels[number].role, image)
            if referred is not None:
                return referred
        path = image_path(self.dataset_folder, case, number, split=part).as_posix()
        return files.write_volume(path, image).removeprefix(f"{self.dataset_folder}/")

    def _mapping(self, cohort: Cohort) -> LabelMapping:
        if self.union is not None:
            return LabelMapping({self.union: 1}, {self.union: 1})
        closed = LabelMapping.gapless(cohort.scheme, only=self.labels, last=self.ignore)
        return closed if self.gaps == "close" else LabelMapping(closed.original, closed.original, closed.dropped)

    def _dataset(self, cohort: Cohort, trained: Sequence[Mapping[str, Any]]) -> RawDataset:
        exported = self._mapping(cohort).exported
        facts: dict[str, Any] = {
            "name": self.title,
            "licence": "; ".join(cohort.facts.licences) or "not stated",
        }
        if self.images == "reference":
            facts["dataset"] = {
                encode_stem(one["case"]): {"images": one["images"], "label": one["label"]} for one in trained
            }
        labels: dict[str, tuple[int, ...]] = {name: (value,) for name, value in exported.items()}
        unused = set(range(1, max(exported.values()) + 1)) - set(exported.values())
        labels |= {f"unused_{value}": (value,) for value in sorted(unused)}
        if self.regions:
            labels = {name: tuple(exported[member] for member in members) for name, members in self.regions.items()}
            facts["regions_class_order"] = list(range(1, len(labels) + 1))
        if self.ignore is not None:
            labels = {name: values for name, values in labels.items() if name != self.ignore}
            labels["ignore"] = (exported[self.ignore],)
        return RawDataset(_channel_names(self.channels), labels, ".nii.gz", facts)

    def _folds(self, trained: set[str]) -> list[dict[str, list[str]]]:
        split = self.split
        if split is None:
            return []
        return [
            {
                "train": [encode_stem(case) for case in split.training(fold) if case in trained],
                "val": [encode_stem(case) for case in split.validation(fold) if case in trained],
            }
            for fold in range(len(split.folds))
        ]


def _part_path(case: str) -> str:
    return f".oncohort/fingerprint/{encode_stem(case)}.npz"


def _channel_names(channels: Sequence[Channel]) -> dict[int, str]:
    return {number: CHANNEL_NAMES[channel.normalisation] for number, channel in enumerate(channels)}


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="nnU-Net export", remedy=remedy)
