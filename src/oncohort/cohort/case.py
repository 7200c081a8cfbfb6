"""One study of one patient at one time point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oncohort.errors import MissingNeedError
from oncohort.geometry import Geometry
from oncohort.volume import LabelMap, Volume

REFERENCE_ORDER = ("lesions", "pet", "ct")
"""The reference grid of a case is that of the first of these roles that it has."""


@dataclass(frozen=True, eq=False)
class Case:
    """Volumes by role, and facts about the patient and the study.

    Args:
        id: The case id, stable between ingests.
        patient: Who it is; cases of one patient never part.
        facts: Everything else that is known (tracer, centre, sex, ...).
        volumes: A reader per role, called when the volume is asked for.

    Examples:
        >>> case = Case("A_20200101", "A", {"tracer": "FDG"}, {})
        >>> case.facts["tracer"], "pet" in case
        ('FDG', False)
    """

    id: str
    patient: str
    facts: Mapping[str, Any]
    volumes: Mapping[str, Callable[[], Volume | LabelMap]] = field(repr=False)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that the case has, in the order of the cohort's table."""
        return tuple(self.volumes)

    def __contains__(self, role: str) -> bool:
        return role in self.volumes

    def __getitem__(self, role: str) -> Volume | LabelMap:
        """The volume or label map of `role`.

        Raises:
            MissingNeedError: The case has no such role.
        """
        if role not in self.volumes:
            raise MissingNeedError(
                expected=f"a volume with role {role!r}",
                found=", ".join(self.roles) or "no volumes",
                where=f"case {self.id}",
                remedy=f"add {role!r} to the case, or leave the case out",
            )
        return self.volumes[role]()

    def image(self, role: str) -> Volume:
        """The volume of `role`, which must not be a label map.

        Raises:
            MissingNeedError: The case has no such role, or it is a mask.
        """
        found = self[role]
        if isinstance(found, LabelMap):
            raise self._wrong_kind(role, "an image", "a label map")
        return found

    def label_map(self, role: str) -> LabelMap:
        """The label map of `role`, which must not be an image.

        Raises:
            MissingNeedError: The case has no such role, or it is an image.
        """
        found = self[role]
        if isinstance(found, Volume):
            raise self._wrong_kind(role, "a label map", "an image")
        return found

    def reference_geometry(self) -> Geometry:
        """The grid of `lesions`, else of `pet`, else of `ct`.

        Raises:
            MissingNeedError: The case has none of these.
        """
        role = next((role for role in REFERENCE_ORDER if role in self), REFERENCE_ORDER[0])
        return self[role].geometry

    def _wrong_kind(self, role: str, expected: str, found: str) -> MissingNeedError:
        return MissingNeedError(
            expected=f"{expected} with role {role!r}",
            found=found,
            where=f"case {self.id}",
            remedy="correct the role's unit in volumes",
        )
