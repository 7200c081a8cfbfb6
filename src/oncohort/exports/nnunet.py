"""nnU-Net raw data sets: images by reference or copied, labels without gaps, folds by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from oncohort.cohort import Cohort
from oncohort.errors import InputError, SettingsError
from oncohort.exports.case_files import (
    RECORD_FILE,
    CaseFiles,
    case_files,
    referable_file,
    require_one_grid,
    volume_row,
)
from oncohort.exports.channels import CHANNEL_NAMES, Channel
from oncohort.exports.fingerprint import fingerprint_case, fingerprint_dataset, read_part, write_part
from oncohort.exports.labels import LabelMapping, mapped
from oncohort.exports.prompt_channels import PromptDrawing
from oncohort.exports.regions import ordered_regions
from oncohort.formats.nifti_header import read_header
from oncohort.formats.nnunet_raw import RawDataset, image_path, label_path, write_dataset
from oncohort.geometry import Geometry
from oncohort.prompts import require_encoding
from oncohort.splits import Split
from oncohort.storage import encode_stem, write_json
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

SPLITS_FILE = "splits_final.json"
FINGERPRINT_FILE = "dataset_fingerprint.json"
RESERVED = frozenset({"background", "ignore"})
"""Names of labels that mean something to nnU-Net."""

_SAME_SPACING = 5e-6  # relative; nnU-Net refuses 1e-5
_PLACED = "placed_on_masks"


@dataclass(frozen=True)
class NnunetExport:
    """Writes a raw data set that nnU-Net plans, preprocesses and trains.

    Args:
        number: Of the data set, 1 to 999.
        title: Name after the number.
        channels: In order; those named `prompts.foreground` and `prompts.background` are drawn.
        label_role: Role of the masks.
        images: `reference`: the key `dataset` of dataset.json names the files where they lie; `copy`: they are written.
        regions: Labels of dataset.json that join labels of the scheme, by name; then every region is trained as one,
            and labels in no region become background.
        ignore: Label whose voxels the loss passes over; it gets the highest integer.
        labels: Labels of the scheme that are written, the others become background; none for all.
        union: Name of the one label that all labels together become.
        gaps: `close` numbers labels 1, 2, 3 ...; `keep` leaves their integers and names those between `unused_4`,
            because nnU-Net takes consecutive integers only.
        split: Folds and test set; test cases are not trained on.
        fingerprint: Whether `dataset_fingerprint.json` is written too, from the voxels that pass by.
        prompts: How channels of prompts are drawn. Heat maps that the cohort brings along must have been drawn so;
            without, they are written as they are.

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
    prompts: PromptDrawing | None = None

    name: ClassVar[str] = "nnunet"
    description: ClassVar[str] = "nnU-Net raw data set with dataset.json, labels without gaps and splits_final.json"

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 999:
            raise _wrong("a data set number from 1 to 999", str(self.number), "choose another number")
        if not self.title or not all(letter.isalnum() or letter in "-_" for letter in self.title):
            raise _wrong("a name of letters, digits, - and _", repr(self.title), "choose another name")
        if not self.channels:
            raise _wrong("at least one channel", "none", "name the roles of the images")
        if self.prompts is None and any(channel.polarity for channel in self.channels):
            raise _wrong("an encoding for channels of prompts", "none", "declare it with --prompt-encoding")
        self._check_labels()

    def _check_labels(self) -> None:
        if self.union is not None and (self.labels or self.regions or self.ignore):
            raise _wrong("union alone", "labels, regions or ignore beside it", "leave one of them out")
        if self.gaps == "keep" and (self.union or self.regions or self.ignore):
            raise _wrong("gaps kept without union, regions or ignore", "one of them", "close the gaps")
        if any(self.ignore in members for members in self.regions.values()):
            raise _wrong("regions without the label to ignore", repr(self.ignore), "leave it out of the regions")
        if self.union in RESERVED or set(self.regions) & RESERVED:
            raise _wrong(f"names other than {' and '.join(sorted(RESERVED))}", "one of them", "choose another name")

    @property
    def dataset_folder(self) -> str:
        """Name of the folder that nnU-Net expects."""
        return f"Dataset{self.number:03d}_{self.title}"

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the images, then of the masks."""
        return (*(channel.role for channel in self.channels if channel.polarity is None), self.label_role)

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
            "prompts": None if self.prompts is None else self.prompts.settings(),
        }

    def facts(self, cohort: Cohort, case: str) -> list[Any] | None:
        """The prompts of the case, if they are drawn; else files and settings say all."""
        return None if self.prompts is None else self.prompts.facts(cohort, case)

    def check(self, cohort: Cohort) -> None:
        """Raise unless regions, the label to ignore, prompts and the split fit the cohort.

        Raises:
            SettingsError: A label that the scheme lacks, no prompts, or prompts of several origins.
            LeakageError: The split stands for other cases.
        """
        known = set(cohort.scheme.labels)
        written = set(self.labels) or known
        asked = {*self._named(), *self.labels}
        if asked - (known & written):
            unknown = ", ".join(sorted(asked - (known & written)))
            raise _wrong(f"labels that are written: {', '.join(sorted(known & written))}", unknown, "correct the names")
        if not self._mapping(cohort).exported:
            raise _wrong("at least one label", "none in the label scheme", "name the labels of the cohort")
        reserved = (set(self._mapping(cohort).exported) - {self.ignore}) & RESERVED
        if reserved and not self.regions:
            remedy = "name the label with --ignore if it is that, or choose others with --labels"
            raise _wrong("labels that nnU-Net does not take for something else", ", ".join(reserved), remedy)
        if self.regions:
            ordered_regions(self.regions, self._mapping(cohort).exported)
        if self.prompts is not None and any(channel.polarity for channel in self.channels):
            self.prompts.check(cohort)
        if self.split is not None:
            self.split.require_cohort(cohort.tables.cases)

    def write_case(self, cohort: Cohort, case: str, folder: Path) -> dict[str, Any]:
        """Write the label map of a case, and its images unless they are referenced.

        Raises:
            MissingNeedError: The case lacks a channel, prompts or the mask.
            GeometryError: A channel lies on another grid than the mask.
            InputError: A heat map of the cohort was drawn in another encoding than the declared one; or voxels that are
                read (to be copied, or for the fingerprint) are not finite.
            LabelError: Labels overlap or have no name.
        """
        part = "test" if self.split is not None and case in self.split.test else "train"
        if self.images == "reference" and "$" in case:
            expected = "a case id without $, which nnU-Net takes for a variable in dataset.json"
            raise InputError(expected=expected, found=repr(case), where=f"case {case}", remedy="use --images copy")
        images, masks = self._read(cohort, case)
        if self.fingerprint or self.images == "copy":
            _require_finite(images, self.channels, case)
        with case_files(folder) as files:
            written = [self._image(cohort, case, number, image, part, files) for number, image in enumerate(images)]
            volume = self._label_volume(masks, self._mapping(cohort), f"case {case}")
            label = files.write_volume(label_path(self.dataset_folder, case, split=part).as_posix(), volume)
            if self.fingerprint and part == "train":
                arrays, spacing = [image.array for image in images], _spacing(images[0], written[0])
                found = fingerprint_case(
                    arrays, volume.array, volume.geometry, where=f"case {case}", spacing_mm=spacing
                )
                files.sizes[_part_path(case)] = write_part(folder / _part_path(case), found)
        return {
            "case": case,
            "part": part,
            "images": written,
            "heat_maps": {
                str(number): dict(image.record) for number, image in enumerate(images) if _is_heat_map(image)
            },
            "label": label.removeprefix(f"{self.dataset_folder}/"),
            "files": files.sizes,
        }

    def finish(self, cohort: Cohort, results: Sequence[Mapping[str, Any]], folder: Path) -> tuple[str, ...]:
        """Write `dataset.json`, `splits_final.json` where there is a split, and the record with the label mapping."""
        target = folder / self.dataset_folder
        trained = sorted((one for one in results if one["part"] == "train"), key=lambda one: encode_stem(one["case"]))
        if not trained:
            raise _wrong("at least one case to train on", "test cases alone", "see why the others could not be written")
        write_dataset(target, self._dataset(cohort, trained), training_cases=len(trained))
        record = {
            "type": "oncohort.nnunet_export",
            "format_version": "1.0",
            "settings": self.settings(),
            "cohort": cohort.name,
            "label_scheme": cohort.scheme.to_dict(),
            "labels": self._mapping(cohort).to_dict(),
            "regions": [asdict(region) for region in ordered_regions(self.regions, self._mapping(cohort).exported)],
            "cases": {
                one["case"]: {
                    "stem": encode_stem(one["case"]),
                    **{name: one[name] for name in ("part", "images", "heat_maps") if one[name]},
                }
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
            if not any(histogram.voxels for part in parts for histogram in part.foreground):
                raise _wrong(
                    "a labelled voxel in a training case", "none", "nnU-Net cannot plan without; correct masks"
                )
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
        images = {channel.role: self._channel(cohort, case, channel, masks) for channel in self.channels}
        require_one_grid(images, masks.geometry, of=self.label_role, case=case)
        return [_placed(images[channel.role], masks.geometry) for channel in self.channels], masks

    def _channel(self, cohort: Cohort, case: str, channel: Channel, masks: LabelMap) -> Volume:
        if self.prompts is not None and channel.polarity is not None:
            return self.prompts.draw(cohort, case, channel.polarity, masks.geometry)
        image = cohort[case].image(channel.role)
        if self.prompts is not None and _is_heat_map(image):
            where, polarity = f"case {case}, role {channel.role}", str(image.record["polarity"])
            require_encoding(image.record, self.prompts.encoding, polarity=polarity, where=where)
        return image

    def _image(self, cohort: Cohort, case: str, number: int, image: Volume, part: str, files: CaseFiles) -> str:
        if self.images == "reference" and self.channels[number].polarity is None and _PLACED not in image.record:
            referred = referable_file(cohort, case, self.channels[number].role, image)
            if referred is not None and "$" not in referred:
                return referred
        path = image_path(self.dataset_folder, case, number, split=part).as_posix()
        return files.write_volume(path, image).removeprefix(f"{self.dataset_folder}/")

    def _named(self) -> set[str]:
        """Labels that regions or the label to ignore name."""
        members = {name for members in self.regions.values() for name in members}
        return members | ({self.ignore} if self.ignore is not None else set())

    def _mapping(self, cohort: Cohort) -> LabelMapping:
        if self.union is not None:
            return LabelMapping({self.union: 1}, {self.union: 1})
        only = self._named() if self.regions else self.labels
        closed = LabelMapping.gapless(cohort.scheme, only=only, last=self.ignore)
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
        labels |= _unused(exported)
        if self.regions:
            ordered = ordered_regions(self.regions, exported)
            labels = {region.name: region.values for region in ordered}
            facts["regions_class_order"] = [region.painted for region in ordered]
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


def _unused(exported: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Names for the integers between those that are used, none of them the name of a label."""
    values = sorted(set(range(1, max(exported.values()) + 1)) - set(exported.values()))
    mark = "unused"
    while any(f"{mark}_{value}" in exported for value in values):
        mark = f"not_{mark}"
    return {f"{mark}_{value}": (value,) for value in values}


def _placed(image: Volume, grid: Geometry) -> Volume:
    """The image with the header of the masks, where nnU-Net would take its spacing for another one."""
    if np.allclose(image.geometry.spacing_mm, grid.spacing_mm, rtol=_SAME_SPACING, atol=0):
        return image
    return Volume(grid, image.unit, lambda: image.array, {**image.record, _PLACED: True})


def _require_finite(images: Sequence[Volume], channels: Sequence[Channel], case: str) -> None:
    """nnU-Net refuses a whole data set for one voxel that is no number."""
    for image, channel in zip(images, channels, strict=True):
        if image.array.dtype.kind == "f" and not np.isfinite(image.array).all():
            found = f"{int(np.count_nonzero(~np.isfinite(image.array)))} voxels that are NaN or infinite"
            where, remedy = f"case {case}, role {channel.role}", "correct the image, or leave the case out"
            raise InputError(expected="finite voxels", found=found, where=where, remedy=remedy)


def _is_heat_map(image: Volume) -> bool:
    return "polarity" in image.record


def _spacing(image: Volume, file: str) -> tuple[float, float, float]:
    """As nnU-Net reads it from the file, which holds it as float32 beside the affine."""
    if Path(file).is_absolute():
        return read_header(file).spacing_mm
    x, y, z = (float(np.float32(mm)) for mm in image.geometry.spacing_mm)
    return x, y, z


def _part_path(case: str) -> str:
    return f".oncohort/fingerprint/{encode_stem(case)}.npz"


def _channel_names(channels: Sequence[Channel]) -> dict[int, str]:
    return {number: CHANNEL_NAMES[channel.normalisation] for number, channel in enumerate(channels)}


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="nnU-Net export", remedy=remedy)
