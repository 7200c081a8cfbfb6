"""nnU-Net raw data sets: images by reference or copied, labels without gaps, folds by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from oncohort.cohort import Cohort
from oncohort.errors import InputError, SettingsError, shown
from oncohort.exports.case_files import (
    CaseFiles,
    case_files,
    referable_file,
    require_once,
    require_one_grid,
    volume_row,
)
from oncohort.exports.channels import CHANNEL_NAMES, Channel
from oncohort.exports.fingerprint import fingerprint_case, fingerprint_dataset, read_part, write_part
from oncohort.exports.labels import LabelMapping, mapped
from oncohort.exports.named_labels import named_labels, require_named
from oncohort.exports.prompt_channels import PromptDrawing
from oncohort.exports.regions import Region, ordered_regions
from oncohort.formats.nifti_header import read_header
from oncohort.formats.nnunet_raw import RawDataset, image_path, label_path, write_dataset
from oncohort.formats.nnunet_record import RECORD_FILE, RECORD_TYPE, RecordedChannel
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
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
        regions: Labels of dataset.json that join labels and groups of the scheme, by name; then every region is trained
            as one, and labels in no region become background.
        ignore: Label, or group, whose voxels the loss passes over; it gets the highest integer.
        labels: Labels and groups of the scheme that are written, the others become background; none for all.
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
        require_once(self.name, [channel.role for channel in self.channels])
        if self.prompts is None and any(channel.polarity for channel in self.channels):
            raise _wrong("an encoding for channels of prompts", "none", "declare it with --prompt-encoding")
        self._check_labels()

    def _check_labels(self) -> None:
        if self.union is not None and (self.labels or self.regions or self.ignore):
            raise _wrong("union alone", "labels, regions or ignore beside it", "leave one of them out")
        if self.gaps == "keep" and (self.union or self.regions or self.ignore):
            raise _wrong("gaps kept without union, regions or ignore", "one of them", "close the gaps")
        if self.union in RESERVED or set(self.regions) & RESERVED:
            raise _wrong(f"names other than {' and '.join(sorted(RESERVED))}", "one of them", "choose another name")

    @property
    def dataset_folder(self) -> str:
        """Name of the folder that nnU-Net expects."""
        return f"Dataset{self.number:03d}_{self.title}"

    @property
    def place(self) -> str:
        """The folder of the data set."""
        return self.dataset_folder

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
        self._require_labels(cohort.scheme)
        exported, ignored = self._mapping(cohort).exported, self._ignored(cohort.scheme)
        if not exported:
            raise _wrong("at least one label", "none in the label scheme", "name the labels of the cohort")
        if not set(exported) - set(ignored):
            raise _wrong("a label beside the one to ignore", shown(ignored, 9), "leave --ignore out, or add labels")
        reserved = (set(exported) - set(ignored)) & RESERVED
        if reserved and not self.regions:
            remedy = "name the label with --ignore if it is that, or choose others with --labels"
            raise _wrong("labels that nnU-Net does not take for something else", ", ".join(reserved), remedy)
        if self.regions:
            self._ordered_regions(cohort)
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
                files.sizes[self._part_path(case)] = write_part(folder / self._part_path(case), found)
        return {
            "case": case,
            "part": part,
            "images": written,
            "units": [str(image.unit) for image in images],
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
        patients = dict(cohort.tables.cases.select("case", "patient").iter_rows())
        record = {
            "type": RECORD_TYPE,
            "format_version": "1.0",
            "settings": self.settings(),
            "cohort": cohort.name,
            "channels": self._recorded_channels(results),
            "label_scheme": cohort.scheme.to_dict(),
            "labels": self._mapping(cohort).to_dict(),
            "regions": [asdict(region) for region in self._ordered_regions(cohort)],
            "cases": {
                one["case"]: {
                    "stem": encode_stem(one["case"]),
                    "patient": patients[one["case"]],
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
            parts = [read_part(folder / self._part_path(one["case"])) for one in trained]
            if not any(histogram.voxels for part in parts for histogram in part.foreground):
                raise _wrong(
                    "a labelled voxel in a training case", "none", "nnU-Net cannot plan without; correct masks"
                )
            write_json(target / FINGERPRINT_FILE, fingerprint_dataset(parts))
            names.append(FINGERPRINT_FILE)
        return tuple(f"{self.dataset_folder}/{name}" for name in names)

    def _recorded_channels(self, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Role and unit of every channel, which nnU-Net's names do not say, for whoever reads the folder again."""
        found: dict[str, Any] = {}
        for number, name in _channel_names(self.channels).items():
            units = {one["units"][number] if "units" in one else None for one in results}
            unit = next(iter(units)) if len(units) == 1 else None
            channel = self.channels[number]
            role = channel.role if channel.polarity is None else None
            found[str(number)] = RecordedChannel(name, role, None if unit is None else Unit(unit)).to_dict()
        return found

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

    def _part_path(self, case: str) -> str:
        return f"{self.dataset_folder}/.oncohort/fingerprint/{encode_stem(case)}.npz"

    def _require_labels(self, scheme: LabelScheme) -> None:
        """Raise unless all that is named is there, and is written."""
        require_named([*self._named(), *self.labels], scheme, where="nnU-Net export")
        written, asked = (set(named_labels(names, scheme)) for names in (self.labels, self._named()))
        if self.labels and asked - written:
            expected = f"regions and the label to ignore among --labels: {shown(sorted(written), 9)}"
            raise _wrong(expected, shown(sorted(asked - written), 9), "name them with --labels too")
        members = (member for members in self.regions.values() for member in members)
        both = set(named_labels(members, scheme)) & set(self._ignored(scheme))
        if both:
            raise _wrong("regions without labels to ignore", shown(sorted(both), 9), "leave them out of the regions")

    def _named(self) -> tuple[str, ...]:
        """Labels and groups that regions or the label to ignore name."""
        members = (name for members in self.regions.values() for name in members)
        return (*members, *([] if self.ignore is None else [self.ignore]))

    def _ignored(self, scheme: LabelScheme) -> tuple[str, ...]:
        return () if self.ignore is None else named_labels([self.ignore], scheme)

    def _ordered_regions(self, cohort: Cohort) -> list[Region]:
        regions = {name: named_labels(members, cohort.scheme) for name, members in self.regions.items()}
        return ordered_regions(regions, self._mapping(cohort).exported)

    def _mapping(self, cohort: Cohort) -> LabelMapping:
        if self.union is not None:
            return LabelMapping({self.union: 1}, {self.union: 1})
        only = named_labels(self._named() if self.regions else self.labels, cohort.scheme)
        closed = LabelMapping.gapless(cohort.scheme, only=only, last=self._ignored(cohort.scheme))
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
            ordered = self._ordered_regions(cohort)
            labels = {region.name: region.values for region in ordered}
            facts["regions_class_order"] = [region.painted for region in ordered]
        if self.ignore is not None:
            ignored = self._ignored(cohort.scheme)
            labels = {name: values for name, values in labels.items() if name not in ignored}
            labels["ignore"] = (exported[ignored[0]],)
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


def _channel_names(channels: Sequence[Channel]) -> dict[int, str]:
    return {number: CHANNEL_NAMES[channel.normalisation] for number, channel in enumerate(channels)}


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="nnU-Net export", remedy=remedy)
