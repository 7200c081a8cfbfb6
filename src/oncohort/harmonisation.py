"""Steps that change a case: each a frozen dataclass, from a case to a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol

from oncohort.cohort import Case
from oncohort.errors import SettingsError
from oncohort.geometry import Geometry
from oncohort.volume import LabelMap, Volume, resample
from oncohort.volume.grid_changes import Interpolation


class Step(Protocol):
    """What every step offers; its fields are its settings."""

    name: ClassVar[str]
    """Word by which recipes and study files name the step."""

    description: ClassVar[str]
    """One line that says what it changes."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Roles that a case must have."""
        ...

    @property
    def changes(self) -> tuple[str, ...]:
        """Roles whose voxels the step replaces."""
        ...

    def apply(self, case: Case) -> Case:
        """The case with the changed roles; voxels are computed when asked for."""
        ...


@dataclass(frozen=True)
class Resample:
    """One role on the grid of another.

    Args:
        role: The role that moves.
        onto: The role whose grid it takes.
        interpolation: "linear", "cubic" or "nearest"; label maps take "nearest" only.
        fill: Value outside the old grid, in the role's unit (-1024 HU for CT).

    Examples:
        >>> Resample(role="ct", onto="pet", interpolation="linear", fill=-1024).needs
        ('ct', 'pet')
    """

    name: ClassVar[str] = "resample"
    description: ClassVar[str] = "puts one role on the grid of another"

    role: str
    onto: str
    interpolation: Interpolation
    fill: float

    @property
    def needs(self) -> tuple[str, ...]:
        """The role that moves and the role that stays."""
        return (self.role, self.onto)

    @property
    def changes(self) -> tuple[str, ...]:
        """The role that moves."""
        return (self.role,)

    def apply(self, case: Case) -> Case:
        """The case with `role` on the grid of `onto`.

        Raises:
            MissingNeedError: The case lacks one of the two roles.
            SettingsError: A label map would be interpolated, or filled with what is no label.
        """
        onto = case[self.onto].geometry
        moved = self._resampled(case[self.role], onto=onto)
        volumes = dict(case.volumes)
        volumes[self.role] = _giver(moved)
        return Case(case.id, case.patient, case.facts, volumes)

    def _resampled(self, found: Volume | LabelMap, *, onto: Geometry) -> Volume | LabelMap:
        move = partial(resample, onto=onto, interpolation=self.interpolation, fill=self.fill)
        if isinstance(found, Volume):
            record = {"resampled": {"onto": self.onto, "interpolation": self.interpolation, "fill": self.fill}}
            return move(found).with_record({**found.record, **record})
        if self.interpolation != "nearest":
            raise self._wrong('interpolation = "nearest" for a label map', repr(self.interpolation))
        if self.fill not in (0, *found.scheme.labels.values()):
            raise self._wrong("fill = 0, or a label of the map", f"{self.fill:g}")
        layers = tuple(move(layer) for layer in found.layers)
        return LabelMap(layers[0].geometry, layers, found.scheme, found.annotated)

    def _wrong(self, expected: str, found: str) -> SettingsError:
        return SettingsError(
            expected=expected,
            found=found,
            where=f"step resample of {self.role!r}",
            remedy="labels are names, not amounts: use nearest and fill 0",
        )


def _giver(volume: Volume | LabelMap) -> Callable[[], Volume | LabelMap]:
    return lambda: volume


STEPS: dict[str, type[Resample]] = {Resample.name: Resample}
"""All steps by the name that recipes use."""
