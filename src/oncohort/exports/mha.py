"""MetaImage files as Grand Challenge lays them out: a folder per input or output, a file per case.

::

    images/ct/<case>.mha
    images/pet/<case>.mha
    images/tumor-lesion-segmentation/<case>.mha
    oncohort.json
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal
from uuid import NAMESPACE_URL, uuid5

from oncohort.cohort import Cohort
from oncohort.exports.case_files import case_files, volume_row, write_record, wrong_setting
from oncohort.exports.masks import Masks
from oncohort.storage import encode_stem

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class MhaExport:
    """Writes .mha files as a container of Grand Challenge finds them under /input, and masks as it writes them.

    Every role keeps its own grid. Masks keep the integers of the cohort.

    Args:
        images: Folder (slug) below `images` for the role of each image.
        masks: Which masks are written.
        mask_slug: Their folder below `images`; None writes no masks.
        names: `case` for the case id, `uuid` for one UUID per case, the same in all folders. It is computed from the
            names of cohort and case: without the record it tells nothing, but it is no secret to whoever knows both.

    Raises:
        SettingsError: A slug that the platform does not take, or one for two roles.

    Examples:
        >>> MhaExport({"ct": "ct", "pet": "pet"}).roles
        ('ct', 'pet', 'lesions')
    """

    images: Mapping[str, str]
    masks: Masks = field(default_factory=Masks)
    mask_slug: str | None = "tumor-lesion-segmentation"
    names: Literal["case", "uuid"] = "case"

    name: ClassVar[str] = "mha"
    place: ClassVar[str] = ""
    description: ClassVar[str] = "MetaImage files in the folders of Grand Challenge"

    def __post_init__(self) -> None:
        slugs = [*self.images.values(), *([self.mask_slug] if self.mask_slug is not None else [])]
        for slug in slugs:
            if not _SLUG.fullmatch(slug):
                raise wrong_setting(self.name, "a slug of a-z, 0-9 and single -", repr(slug), "choose another slug")
        if len(set(slugs)) < len(slugs):
            raise wrong_setting(self.name, "a slug for every role", ", ".join(slugs), "choose different slugs")
        if not slugs:
            raise wrong_setting(self.name, "at least one role", "none", "name the roles of the images")

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the images, then of the masks."""
        return (*self.images, *([self.masks.role] if self.mask_slug is not None else []))

    def settings(self) -> dict[str, Any]:
        """All choices as JSON values."""
        own = {"images": dict(self.images), "mask_slug": self.mask_slug, "names": self.names}
        return {"export": self.name, **self.masks.settings(), **own}

    def facts(self, cohort: Cohort, case: str) -> str:
        """The name of the files."""
        return self._stem(cohort, case)

    def check(self, cohort: Cohort) -> None:
        """Raise unless the labels are known.

        Raises:
            SettingsError: A label that the scheme lacks.
        """
        self.masks.check(cohort, self.name)

    def write_case(self, cohort: Cohort, case: str, folder: Path) -> dict[str, Any]:
        """Write the images and masks of a case.

        Raises:
            MissingNeedError: The case lacks a role.
            LabelError: Labels overlap or have no name.
        """
        for role in self.roles:
            volume_row(cohort, case, role)
        stem, found, written = self._stem(cohort, case), cohort[case], {}
        with case_files(folder) as files:
            for role, slug in self.images.items():
                written[role] = files.write_volume(f"images/{slug}/{stem}.mha", found.image(role))
            if self.mask_slug is not None:
                volume = self.masks.volume(cohort, case, self.masks.unchanged(cohort))
                written[self.masks.role] = files.write_volume(f"images/{self.mask_slug}/{stem}.mha", volume)
        return {"case": case, "written": written, "files": files.sizes}

    def finish(self, cohort: Cohort, results: Sequence[Mapping[str, Any]], folder: Path) -> tuple[str, ...]:
        """Write the record: which file is of which case and role, and what the integers mean."""
        content = {
            "settings": self.settings(),
            "labels": self.masks.unchanged(cohort).to_dict() if self.mask_slug is not None else None,
            "cases": {one["case"]: one["written"] for one in results},
        }
        return (write_record(folder, self.name, cohort, content),)

    def _stem(self, cohort: Cohort, case: str) -> str:
        if self.names == "uuid":
            return str(uuid5(NAMESPACE_URL, f"oncohort:{cohort.name}:{case}"))
        return encode_stem(case)
