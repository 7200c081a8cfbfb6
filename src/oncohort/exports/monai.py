"""Data lists of MONAI: one JSON file that names images, and label maps or boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from oncohort.cohort import Cohort
from oncohort.errors import GeometryError, MissingNeedError
from oncohort.exports.boxes import BoxChoice, class_names, lesion_boxes
from oncohort.exports.case_files import (
    CaseFiles,
    Images,
    case_files,
    referable_file,
    require_once,
    require_one_grid,
    role_stem,
    volume_row,
    write_record,
    wrong_setting,
)
from oncohort.exports.masks import Masks, check_contents
from oncohort.geometry import Box, Geometry
from oncohort.splits import Split
from oncohort.storage import encode_stem, write_json
from oncohort.volume import Volume

DATALIST_FILE = "dataset.json"
_OBLIQUE = 1e-3  # cosine between an axis of the grid and one of the patient, that counts as none


@dataclass(frozen=True)
class MonaiExport:
    """Writes a decathlon data list: `training`, `validation`, `test` with paths of images and label maps, or boxes.

    Paths of written files are relative to the list, those of referenced images absolute.

    Args:
        channels: Roles of the images of a case, in order; they share one grid.
        masks: Which label maps are written; None for a list for detection.
        boxes: Which boxes are written; their role is the first channel's unless said otherwise.
        images: `reference` names the .nii.gz files where they lie; `copy` writes them.
        split: Test set and folds.
        fold: Its cases become `validation`; without, every case of `training` has the number of its `fold`.
        world: Of boxes: `ras` as MONAI has it with `affine_lps_to_ras=False`, or `lps` for `True`.
        empty: Whether a case without boxes is written, or left out: many detectors do not take one.

    Raises:
        SettingsError: No channel, neither or both of masks and boxes, or a fold that the split lacks.

    Examples:
        >>> MonaiExport(("ct", "pet"), Masks()).roles
        ('ct', 'pet', 'lesions')
    """

    channels: tuple[str, ...]
    masks: Masks | None = None
    boxes: BoxChoice | None = None
    images: Images = "reference"
    split: Split | None = None
    fold: int | None = None
    world: Literal["ras", "lps"] = "ras"
    empty: Literal["write", "leave-out"] = "write"

    name: ClassVar[str] = "monai"
    place: ClassVar[str] = ""
    description: ClassVar[str] = "MONAI data list in the form of the decathlon, with label maps or boxes"

    def __post_init__(self) -> None:
        if not self.channels:
            raise wrong_setting(self.name, "at least one channel", "none", "name the roles of the images")
        require_once(self.name, self.channels)
        if (self.masks is None) == (self.boxes is None):
            raise wrong_setting(self.name, "masks or boxes", "both or neither", "choose one")
        folds = 0 if self.split is None else len(self.split.folds)
        if self.fold is not None and not 0 <= self.fold < folds:
            raise wrong_setting(self.name, f"a fold below {folds}", str(self.fold), "give a split with this fold")

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the images, then of the masks if they are written."""
        return (*self.channels, *([self.masks.role] if self.masks is not None else []))

    def settings(self) -> dict[str, Any]:
        """All choices as JSON values."""
        return {
            "export": self.name,
            "channels": list(self.channels),
            "masks": None if self.masks is None else self.masks.settings(),
            "boxes": None if self.boxes is None else self._choice(self.boxes).settings(),
            "images": self.images,
            "split": None if self.split is None else self.split.content_hash,
            "fold": self.fold,
            "world": self.world,
            "empty": self.empty,
        }

    def facts(self, cohort: Cohort, case: str) -> list[Any]:
        """The boxes of the case, if they are written."""
        return [] if self.boxes is None else self._choice(self.boxes).facts(cohort, case)

    def check(self, cohort: Cohort) -> None:
        """Raise unless labels, reader and split fit the cohort.

        Raises:
            SettingsError: A label that the scheme lacks, no boxes, or several readers.
            LeakageError: The split stands for other cases.
        """
        check_contents(self.name, cohort, self.masks, self.boxes, self.split)

    def write_case(self, cohort: Cohort, case: str, folder: Path) -> dict[str, Any]:
        """Write the label map of a case and what is copied of its images; give its entry of the list.

        Raises:
            MissingNeedError: The case lacks a role, or has no box and such cases are left out.
            GeometryError: Its channels lie on different grids, or boxes lie on oblique slices.
            LabelError: Labels overlap or have no name.
        """
        for role in self.roles:
            volume_row(cohort, case, role)
        found = {role: cohort[case].image(role) for role in self.channels}
        grid = found[self.channels[0]].geometry
        require_one_grid(found, grid, of=self.channels[0], case=case)
        with case_files(folder) as files:
            entry = self._target(cohort, case, grid, files)
            images = [self._image(cohort, case, role, image, files) for role, image in found.items()]
        return {
            "case": case,
            "entry": {"image": images if len(images) > 1 else images[0], **entry},
            "files": files.sizes,
        }

    def finish(self, cohort: Cohort, results: Sequence[Mapping[str, Any]], folder: Path) -> tuple[str, ...]:
        """Write the data list and the record."""
        parts = self._parts(results)
        document = {
            "name": cohort.name,
            "description": "made from a cohort by oncohort",
            "licence": "; ".join(cohort.facts.licences) or "not stated",
            "tensorImageSize": "3D",
            "modality": {str(number): role for number, role in enumerate(self.channels)},
            "labels": self._labels(cohort),
            "numTraining": len(parts["training"]),
            "numTest": len(parts.get("test", ())),
            **parts,
        }
        write_json(folder / DATALIST_FILE, document)
        mapping = None if self.masks is None else self.masks.mapping(cohort).to_dict()
        content = {
            "settings": self.settings(),
            "labels": mapping,
            "cases": {one["case"]: {"image": one["entry"]["image"]} for one in results},
        }
        return (DATALIST_FILE, write_record(folder, self.name, cohort, content))

    def _choice(self, boxes: BoxChoice) -> BoxChoice:
        return BoxChoice(boxes.role or self.channels[0], boxes.reader)

    def _target(self, cohort: Cohort, case: str, grid: Geometry, files: CaseFiles) -> dict[str, Any]:
        if self.masks is not None:
            volume = self.masks.volume(cohort, case, self.masks.mapping(cohort))
            require_one_grid({self.masks.role: volume}, grid, of=self.channels[0], case=case)
            return {"label": files.write_volume(f"labels/{encode_stem(case)}.nii.gz", volume)}
        lesions = lesion_boxes(cohort, case, self._choice(self.boxes or BoxChoice()))
        if not lesions and self.empty == "leave-out":
            remedy = "write cases without boxes too, if the detector takes them"
            raise MissingNeedError(expected="at least one box", found="none", where=f"case {case}", remedy=remedy)
        classes = class_names(cohort)
        return {
            "box": [world_box(box, grid, self.world, where=f"case {case}") for _, box in lesions],
            "label": [classes.index(name) for name, _ in lesions],
        }

    def _image(self, cohort: Cohort, case: str, role: str, image: Volume, files: CaseFiles) -> str:
        referred = referable_file(cohort, case, role, image) if self.images == "reference" else None
        return referred or files.write_volume(f"images/{encode_stem(case)}_{role_stem(role)}.nii.gz", image)

    def _labels(self, cohort: Cohort) -> dict[str, str]:
        if self.masks is None:
            return {str(number): name for number, name in enumerate(class_names(cohort))}
        exported = self.masks.mapping(cohort).exported
        return {"0": "background", **{str(value): name for name, value in exported.items()}}

    def _parts(self, results: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        entries = {one["case"]: dict(one["entry"]) for one in results}
        if self.split is None:
            return {"training": list(entries.values())}
        folds = {case: number for number, fold in enumerate(self.split.folds) for case in fold}
        test = set(self.split.test)
        held_out = set() if self.fold is None else set(self.split.folds[self.fold])
        parts: dict[str, list[dict[str, Any]]] = {"training": []}
        for case, entry in entries.items():
            numbered = {"fold": folds[case]} if self.fold is None and case in folds else {}
            part = "test" if case in test else "validation" if case in held_out else "training"
            parts.setdefault(part, []).append({**entry, **numbered})
        return parts


def world_box(box: Box, grid: Geometry, world: Literal["ras", "lps"], *, where: str) -> list[float]:
    """A voxel box as MONAI's [cx, cy, cz, w, h, d] in mm.

    Corners are where the affine takes the half-open voxel indices, as MONAI takes them back: half a voxel from where
    the edges of the voxels lie.

    Raises:
        GeometryError: Axes of the grid are oblique to those of the patient.

    Source: MONAI 1.6, `monai.apps.detection.transforms` (`AffineBoxToImageCoordinate`).

    Examples:
        >>> grid = Geometry((10, 10, 10), np.diag([-2.0, -2.0, 3.0, 1.0]))
        >>> world_box(Box((1, 2, 3), (3, 4, 5)), grid, "ras", where="here")
        [-4.0, -6.0, 12.0, 4.0, 4.0, 6.0]
    """
    cosines = np.abs(grid.affine[:3, :3] / np.array(grid.spacing_mm))
    if np.any((cosines > _OBLIQUE) & (cosines < 1 - _OBLIQUE)):
        raise GeometryError(
            expected="axes along those of the patient, so that boxes stay boxes",
            found=f"oblique axes: {grid}",
            where=where,
            remedy="resample it first: oncohort harmonise with a step resample",
        )
    corners = np.array([box.start, box.stop], np.float64) @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    corners = corners * ((-1.0, -1.0, 1.0) if world == "lps" else (1.0, 1.0, 1.0))
    low, high = corners.min(axis=0), corners.max(axis=0)
    return [float(value) + 0.0 for value in (*((low + high) / 2), *(high - low))]
