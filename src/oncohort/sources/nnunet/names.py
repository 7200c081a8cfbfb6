"""What the names in an nnU-Net data set mean here: channels as roles, labels as lesions or organs."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from oncohort.formats.nnunet_raw import RawDataset
from oncohort.formats.nnunet_record import RecordedChannel
from oncohort.labels import LabelScheme
from oncohort.storage import decode_stem, encode_stem
from oncohort.units import USUAL_UNITS, Unit

ROLES = {"ct": "ct", "pet": "pet", "pt": "pet", "suv": "pet"}
"""Role of each known channel name, in lower case."""

LESION_WORDS = (
    "lesion", "tumor", "tumour", "metasta", "cancer", "carcinoma", "lymphoma", "melanoma", "sarcoma", "neoplas", "gtv",
)  # fmt: skip
"""A label whose name holds one of these, in lower case, is a lesion."""


def label_scheme(dataset: RawDataset) -> LabelScheme:
    """Names and integers of the labels; regions of several integers become groups.

    An integer that only occurs in regions is called `label_<n>`.

    Raises:
        LabelError: Two labels share an integer.

    Examples:
        >>> label_scheme(RawDataset({0: "CT"}, {"whole": (1, 2), "core": (2,)})).groups
        {'whole': ('label_1', 'core')}
    """
    singles = {name: values[0] for name, values in dataset.labels.items() if len(values) == 1}
    regions = {name: values for name, values in dataset.labels.items() if len(values) > 1}
    names = {value: name for name, value in singles.items()}
    for value in sorted({value for values in regions.values() for value in values} - set(names) - {0}):
        names[value] = f"label_{value}"
        singles[names[value]] = value
    groups = {name: tuple(names[value] for value in values if value) for name, values in regions.items()}
    return LabelScheme(str(dataset.facts.get("name", "nnU-Net labels")), singles, groups)


def channel_roles(dataset: RawDataset, recorded: Mapping[int, RecordedChannel] | None = None) -> dict[int, str]:
    """Role of each channel number: as recorded, otherwise by the channel's name.

    Examples:
        >>> channel_roles(RawDataset({0: "CT", 1: "PET"}, {}))
        {0: 'ct', 1: 'pet'}
        >>> channel_roles(RawDataset({0: "CT", 1: "CT", 2: "T1 / post"}, {}))
        {0: 'ct', 1: 'ct.2', 2: 't1%20%2F%20post'}
        >>> channel_roles(RawDataset({0: "noNorm"}, {}), {0: RecordedChannel("noNorm", "pet", Unit.SUVBW)})
        {0: 'pet'}
    """
    told = {number: channel.role for number, channel in (recorded or {}).items() if channel.role is not None}
    roles: dict[int, str] = {}
    for number, name in dataset.channels.items():
        plain = name.strip().lower()
        role = ROLES.get(plain) or quote(plain, safe="") or f"channel_{number}"
        taken = sum(other.split(".")[0] == role for other in {**told, **roles}.values())
        roles[number] = told.get(number) or (f"{role}.{taken + 1}" if taken else role)
    return roles


def channel_units(roles: Mapping[int, str], recorded: Mapping[int, RecordedChannel] | None = None) -> dict[int, Unit]:
    """Unit of each channel number: as recorded, otherwise by its role, HU of a CT and SUVbw of a PET.

    Examples:
        >>> {number: str(unit) for number, unit in channel_units({0: "ct", 1: "pet.2", 2: "t1"}).items()}
        {0: 'HU', 1: 'SUVbw', 2: '1'}
    """
    units = {number: USUAL_UNITS.get(role.split(".")[0], Unit.NONE) for number, role in roles.items()}
    told = {
        number: channel.unit or Unit.NONE for number, channel in (recorded or {}).items() if channel.role is not None
    }
    return {**units, **told}


def label_role(dataset: RawDataset) -> str:
    """`lesions` if every label but `ignore` is named like a lesion, else `organs`.

    Examples:
        >>> label_role(RawDataset({}, {"Tumour": (1,)})), label_role(RawDataset({}, {"kidney": (1,), "tumor": (2,)}))
        ('lesions', 'organs')
    """
    names = [name for name in dataset.labels if name.lower() != "ignore"]
    return "lesions" if names and all(is_lesion(name) for name in names) else "organs"


def is_lesion(name: str) -> bool:
    """Whether a label's name says lesion, tumour or the like.

    Examples:
        >>> is_lesion("Primary_GTVp"), is_lesion("kidney")
        (True, False)
    """
    return any(word in name.lower() for word in LESION_WORDS)


def case_id(stem: str) -> str:
    """The id that our own writer encoded as the file stem `stem`; a published stem is its own id.

    Examples:
        >>> case_id("a%2Fb"), case_id("100%")
        ('a/b', '100%')
    """
    decoded = decode_stem(stem)
    return decoded if encode_stem(decoded) == stem else stem


def is_text(name: str) -> bool:
    """Whether the bytes of a file name are UTF-8; tables cannot hold others.

    Examples:
        >>> is_text("ü"), is_text(chr(0xDCFC))
        (True, False)
    """
    return not any("\ud800" <= character <= "\udfff" for character in name)
