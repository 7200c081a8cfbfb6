"""`oncohort.json` beside the `dataset.json` of an nnU-Net raw data set: what nnU-Net has no word for.

::

    {
      "type": "oncohort.nnunet_export",
      "channels": {"0": {"name": "CT", "role": "ct", "unit": "HU"}, "1": {"name": "noNorm", "role": "pet", ...}},
      "cases": {"P1_1": {"patient": "P1", ...}, ...},
      ...
    }
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError
from oncohort.formats.json_values import as_object, as_text
from oncohort.formats.nnunet_raw import RawDataset
from oncohort.storage import read_json
from oncohort.units import Unit

RECORD_FILE = "oncohort.json"
"""Name of the record that every export leaves."""

RECORD_TYPE = "oncohort.nnunet_export"

_MOST_BYTES = 256 << 20
_ROLE = re.compile(r"[\w.%~-]{1,200}")


@dataclass(frozen=True)
class RecordedChannel:
    """A channel of a raw data set.

    Attributes:
        name: In `dataset.json`.
        role: In the cohort; None for a channel that was drawn from prompts.
        unit: Of the numbers; None if the cases differ.
    """

    name: str
    role: str | None
    unit: Unit | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values.

        Examples:
            >>> RecordedChannel("noNorm", "pet", Unit.SUVBW).to_dict()
            {'name': 'noNorm', 'role': 'pet', 'unit': 'SUVbw'}
        """
        return {"name": self.name, "role": self.role, "unit": None if self.unit is None else str(self.unit)}


@dataclass(frozen=True)
class NnunetRecord:
    """What the record says of a raw data set.

    Attributes:
        channels: By number.
        patients: Patient by case.
    """

    channels: Mapping[int, RecordedChannel]
    patients: Mapping[str, str]

    def is_of(self, dataset: RawDataset) -> bool:
        """Whether `dataset.json` still has the channels of the record, by number and name."""
        return {number: channel.name for number, channel in self.channels.items()} == dict(dataset.channels)


def read_nnunet_record(folder: str | Path) -> NnunetRecord | None:
    """The record in the folder of a raw data set; None if there is none, or one that does not name the channels.

    Raises:
        FormatError: The file is damaged.

    Examples:
        >>> read_nnunet_record("no_such_folder") is None
        True
    """
    path = Path(folder) / RECORD_FILE
    if not path.is_file():
        return None
    values = read_json(path, most_bytes=_MOST_BYTES)
    if not isinstance(values, dict) or values.get("type") != RECORD_TYPE or "channels" not in values:
        return None
    try:
        return NnunetRecord(_channels(values["channels"]), _patients(values.get("cases", {})))
    except (KeyError, ValueError) as error:
        raise FormatError(
            expected="the record of an export for nnU-Net: channels with name, role and unit, cases with a patient",
            found=f"{type(error).__name__}: {error}",
            where=str(path),
            remedy="export again, or remove the file: channel names then decide the roles",
        ) from error


def _patients(value: Any) -> dict[str, str]:
    cases = {case: as_object(each) for case, each in as_object(value).items()}
    return {case: as_text(each["patient"]) for case, each in cases.items() if "patient" in each}


def _channels(value: Any) -> dict[int, RecordedChannel]:
    channels = {int(number): _channel(each) for number, each in as_object(value).items()}
    roles = [channel.role for channel in channels.values() if channel.role is not None]
    if len(set(roles)) < len(roles):
        raise ValueError(f"one role twice in {', '.join(roles)}")
    return channels


def _channel(value: Any) -> RecordedChannel:
    found = as_object(value)
    name, role, unit = as_text(found["name"]), found["role"], found["unit"]
    if role is not None and not _ROLE.fullmatch(as_text(role)):
        raise ValueError(f"{role!r} instead of a role")
    if unit is not None and Unit(unit) is Unit.LABEL:
        raise ValueError("labels instead of an image")
    return RecordedChannel(name, role, None if unit is None else Unit(unit))
