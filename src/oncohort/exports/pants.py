"""The layout of PanTS: one file per structure, so that structures may overlap."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from oncohort.cohort import Cohort
from oncohort.exports.case_files import case_files, volume_row, write_record, wrong_setting
from oncohort.layouts import pants as layout
from oncohort.layouts.labels import common_name
from oncohort.storage import encode_stem
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

OtherLabels = Literal["refuse", "write", "leave-out"]
"""What becomes of labels that PanTS has no file for: an error, a file of their own name, nothing."""


@dataclass(frozen=True)
class PantsExport:
    """Writes `ImageTr/<id>/ct.nii.gz` and `LabelTr/<id>/segmentations/<structure>.nii.gz`, for test cases `...Te`.

    A case whose id is one of PanTS keeps it. Others are numbered in the order of the cohort: from 1, those of the split
    `test` from 9001. A label that nobody looked for in a case has no file, an absent structure an empty one.

    Args:
        image_role: Role of the CT.
        label_role: Role of the masks.
        rename: Published name of the structure for a label that is called otherwise.
        others: What becomes of labels that PanTS does not have.

    Examples:
        >>> PantsExport(rename={"lesion": "pancreatic_lesion"}).stem_of("lesion")
        'pancreatic_lesion'
    """

    image_role: str = "ct"
    label_role: str = "organs"
    rename: Mapping[str, str] = field(default_factory=dict)
    others: OtherLabels = "refuse"

    name: ClassVar[str] = "pants"
    place: ClassVar[str] = ""
    description: ClassVar[str] = "the layout of PanTS: one file per structure, which may overlap"

    @property
    def roles(self) -> tuple[str, ...]:
        """Role of the CT, then of the masks."""
        return (self.image_role, self.label_role)

    def settings(self) -> dict[str, Any]:
        """All choices as JSON values."""
        own = {"image_role": self.image_role, "label_role": self.label_role}
        return {"export": self.name, **own, "rename": dict(self.rename), "others": self.others}

    def facts(self, cohort: Cohort, case: str) -> list[Any]:
        """The number of the case in the layout."""
        return [_numbers(cohort)[case]]

    def stem_of(self, label: str) -> str | None:
        """Name of the file of a label without its ending; None if PanTS has none."""
        return self.rename.get(label) or _published().get(label)

    def check(self, cohort: Cohort) -> None:
        """Raise unless every label has a file of its own.

        Raises:
            SettingsError: A label that PanTS does not have, or two with one file.
        """
        known, names = set(cohort.scheme.labels), cohort.scheme.labels
        self._refuse(sorted(set(self.rename) - known), f"labels of the cohort: {', '.join(names)}")
        self._refuse(sorted(set(self.rename.values()) - set(layout.STRUCTURES)), "published names of PanTS")
        unknown = [name for name in names if self.stem_of(name) is None]
        if self.others == "refuse" and len(unknown) < len(names):
            self._refuse(unknown, "labels that PanTS has")
        elif self.others != "write" and len(unknown) == len(names):
            self._refuse(unknown, "labels that PanTS has, at least one")
        split = dict(cohort.tables.cases.select("case", "split").iter_rows())
        late = [case for case, number in _numbers(cohort).items() if _is_late(case, number, split[case])]
        self._refuse(late[:3], f"at most {layout.LAST_TRAINING_CASE} cases outside the test set")
        stems = list(self._stems(cohort).values())
        self._refuse(sorted({stem for stem in stems if stems.count(stem) > 1}), "one file for every label")

    def write_case(self, cohort: Cohort, case: str, folder: Path) -> dict[str, Any]:
        """Write the CT and the file of every label.

        Raises:
            MissingNeedError: The case lacks the CT or the masks.
            LabelError: An integer has no name.
        """
        for role in self.roles:
            volume_row(cohort, case, role)
        number = _numbers(cohort)[case]
        part, name = layout.split_of(number), layout.case_id(number)
        masks, image = cohort[case].label_map(self.label_role), cohort[case].image(self.image_role)
        masks.require_known_labels(f"case {case}")
        below = f"{layout.LABEL_FOLDERS[part]}/{name}/{layout.STRUCTURES_FOLDER}"
        missing = []
        with case_files(folder) as files:
            files.write_volume(f"{layout.IMAGE_FOLDERS[part]}/{name}/{layout.CT_FILE}", image)
            for label, stem in self._stems(cohort).items():
                if masks.annotated is not None and label not in masks.annotated:
                    missing.append(label)
                elif label in masks.scheme.labels:
                    files.write_volume(f"{below}/{stem}{layout.FILE_ENDING}", _mask(masks, label))
        return {"case": case, "id": name, "missing": missing, "files": files.sizes}

    def finish(self, cohort: Cohort, results: Sequence[Mapping[str, Any]], folder: Path) -> tuple[str, ...]:
        """Write the record: id of every case, file of every label, and which labels were left out."""
        stems = self._stems(cohort)
        content = {
            "settings": self.settings(),
            "structures": stems,
            "not_of_pants": [label for label, stem in stems.items() if stem not in layout.STRUCTURES],
            "left_out": [label for label in cohort.scheme.labels if label not in stems],
            "cases": {one["case"]: {"id": one["id"], "missing": one["missing"]} for one in results},
        }
        return (write_record(folder, self.name, cohort, content),)

    def _stems(self, cohort: Cohort) -> dict[str, str]:
        stems = {label: self.stem_of(label) for label in cohort.scheme.labels}
        kept = {label: stem for label, stem in stems.items() if stem is not None}
        others = [label for label in stems if label not in kept] if self.others == "write" else []
        return {**kept, **{label: encode_stem(label) for label in others}}

    def _refuse(self, found: Sequence[str], expected: str) -> None:
        if found:
            remedy = "correct the names, rename labels, or choose what becomes of other labels (write or leave-out)"
            raise wrong_setting(self.name, expected, ", ".join(found), remedy)


def _mask(masks: LabelMap, label: str) -> Volume:
    return Volume.from_array(masks.mask(label).astype(np.uint8), masks.geometry, Unit.LABEL)


@cache
def _published() -> dict[str, str]:
    """Published name by common name, and by itself."""
    common = {common_name(name, layout.NAME) or name: name for name in layout.STRUCTURES}
    return {**{name: name for name in layout.STRUCTURES}, **common}


def _is_late(case: str, number: int, part: str | None) -> bool:
    """Whether a case got a number of the test set that is none of it."""
    return part != "test" and layout.split_of(number) == "test" and not re.fullmatch(layout.CASE_PATTERN, case)


@lru_cache(maxsize=4)
def _numbers(cohort: Cohort) -> dict[str, int]:
    """The number of every case: its own where the id is one of PanTS, else the next that is free in its part."""
    own = {case: re.fullmatch(layout.CASE_PATTERN, case) for case in cohort.case_ids}
    numbers = {case: int(match["number"]) for case, match in own.items() if match is not None}
    taken = set(numbers.values())
    following = {"train": 1, "test": layout.LAST_TRAINING_CASE + 1}
    for case, part in cohort.tables.cases.select("case", "split").iter_rows():
        if case in numbers:
            continue
        place = "test" if part == "test" else "train"
        while following[place] in taken:
            following[place] += 1
        numbers[case] = following[place]
        taken.add(following[place])
    return numbers
