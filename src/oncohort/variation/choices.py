"""What is varied, and which values are tried."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from oncohort.errors import SettingsError
from oncohort.metrics import Matching, Presence
from oncohort.profiles import Profile

Parameter = Literal["connectivity", "minimum-volume", "matching", "empty", "truth"]
"""`connectivity`: which voxels make one component. `minimum-volume`: smaller components are removed. `matching`: when
a lesion is found. `empty`: what metrics are worth where masks are empty. `truth`: whether a case is positive by its
mask or by a column."""

PARAMETERS: tuple[Parameter, ...] = get_args(Parameter)

PARAMETER_WORDS: dict[Parameter, str] = {
    "connectivity": "Which voxels make one component: neighbours by faces (6), edges too (18) or corners too (26).",
    "minimum-volume": "Components below a volume are removed from the masks before anything is counted.",
    "matching": "When a predicted lesion counts as one of the reference.",
    "empty": "What a metric is worth where the reference, or both masks, are empty.",
    "truth": "Whether a case is positive because its mask holds voxels, or because a column says so.",
}
"""What each parameter is, in one sentence."""

Side = Literal["prediction", "reference", "both"]
"""Of which masks small components are removed."""

AS_WRITTEN = "as written"
"""Name of the profile itself among the variants."""

_SIZE = re.compile(r"(?P<amount>\d+(?:\.\d+)?) ?(?P<unit>voxels?|mm3|ml)")


@dataclass(frozen=True)
class Removal:
    """Components below a size are removed.

    Args:
        side: From the prediction, from the reference, or from both.
        amount: Components of fewer voxels, or of a smaller volume, are removed.
        unit: "voxels" or "mm3".

    Examples:
        >>> Removal("prediction", 100.0, "mm3").smallest(voxel_ml=0.03)
        4
    """

    side: Side
    amount: float
    unit: Literal["voxels", "mm3"]

    @property
    def name(self) -> str:
        """As tables call it."""
        unit = "voxels" if self.unit == "voxels" else "mm³"
        where = "reference and prediction" if self.side == "both" else self.side
        return f"below {self.amount:g} {unit}, {where}"

    def smallest(self, *, voxel_ml: float) -> int:
        """The least number of voxels of a component that stays.

        Args:
            voxel_ml: Volume of one voxel in ml.
        """
        amount = self.amount if self.unit == "voxels" else self.amount / (voxel_ml * 1000.0)
        whole = round(amount)
        return whole if abs(amount - whole) < 1e-9 * max(1.0, amount) else int(amount) + 1

    def concerns(self, side: Literal["reference", "prediction"]) -> bool:
        """Whether components of this side are removed."""
        return self.side in (side, "both")


@dataclass(frozen=True)
class Choices:
    """The parameters that are varied and the values that are tried.

    Args:
        parameters: In the order of the tables.
        connectivities: Of `connectivity`.
        minimum_sizes: Of `minimum-volume`, such as "10 voxels", "100 mm3" or "1 ml".
        sides: Of `minimum-volume`: each size is removed from each of these.
        matchings: Of `matching`.
        truth_column: Of `truth`: a column of `cases.parquet`.

    Raises:
        SettingsError: A parameter, size or side that is not known.

    Examples:
        >>> [removal.name for removal in Choices(minimum_sizes=("1 ml",), sides=("both",)).removals]
        ['below 1000 mm³, reference and prediction']
    """

    parameters: tuple[Parameter, ...] = PARAMETERS
    connectivities: tuple[Literal[6, 18, 26], ...] = (6, 18, 26)
    minimum_sizes: tuple[str, ...] = ("10 voxels", "100 mm3", "1000 mm3")
    sides: tuple[Side, ...] = ("prediction", "reference", "both")
    matchings: tuple[Matching, ...] = (
        Matching("any-overlap"),
        Matching("iou", 0.1),
        Matching("iou", 0.5),
        Matching("many-to-many", 0.1),
    )
    truth_column: str | None = None

    def __post_init__(self) -> None:
        _require_known(self.parameters, PARAMETERS, "--vary")
        _require_known(self.sides, get_args(Side), "--remove-from")
        if not self.parameters:
            raise _wrong(f"one of {', '.join(PARAMETERS)}", "none", "--vary")
        for text in self.minimum_sizes:
            parse_size(text)

    @property
    def removals(self) -> tuple[Removal, ...]:
        """Every size on every side."""
        sizes = [parse_size(text) for text in self.minimum_sizes]
        return tuple(Removal(side, *size) for side in self.sides for size in sizes)


@dataclass(frozen=True)
class Variant:
    """A profile with one parameter changed.

    Args:
        parameter: Which one; None for the profile as it is written.
        name: The value that was tried.
        profile: The changed protocol.
        columns: The metrics per case that can change, and are measured anew.
        only_where: Cases in which they can change; None for all.
        removal: Small components that are removed first.
        without: Metrics that have no answer under this value.
    """

    parameter: Parameter | None
    name: str
    profile: Profile
    columns: frozenset[str] = frozenset()
    only_where: Presence | None = None
    removal: Removal | None = None
    without: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Names the variant among all others."""
        return f"{self.parameter}: {self.name}"


def parse_size(text: str) -> tuple[float, Literal["voxels", "mm3"]]:
    """Amount and unit of a size in words; ml become mm3.

    Raises:
        SettingsError: It is no amount with a unit.

    Examples:
        >>> parse_size("10voxels"), parse_size("0.5 ml")
        ((10.0, 'voxels'), (500.0, 'mm3'))
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or float(found["amount"]) <= 0:
        raise _wrong("a size such as 10voxels, 100mm3 or 1ml", repr(text), "--minimum-volume")
    amount = float(found["amount"])
    if found["unit"].startswith("voxel"):
        return amount, "voxels"
    return (amount * 1000.0 if found["unit"] == "ml" else amount), "mm3"


def _require_known(given: tuple[str, ...], known: tuple[str, ...], where: str) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise _wrong(f"some of {', '.join(known)}", ", ".join(unknown), where)


def _wrong(expected: str, found: str, where: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where=where, remedy="choose among what is expected")
