"""Private elements that SUV needs, found by the creator of their block."""

from __future__ import annotations

from typing import NamedTuple

from oncohort.formats.dicom.values import HeaderValues

_BLOCKS = range(0x10, 0x20)
_FIRST = 0x10


class PrivateElement(NamedTuple):
    """One private element: its group, the creator of its block, its place in the block."""

    group: int
    creator: str
    place: int


PRIVATE_ELEMENTS: dict[str, PrivateElement] = {
    "GEScanDateTime": PrivateElement(0x0009, "GEMS_PETD_01", 0x0D),
    "GEAdministrationDateTime": PrivateElement(0x0009, "GEMS_PETD_01", 0x3B),
    "GEMeasurementDateTime": PrivateElement(0x0009, "GEMS_PETD_01", 0x39),
    "SiemensReferenceDateTime": PrivateElement(0x0071, "SIEMENS MED PT", 0x22),
    "PhilipsSUVFactor": PrivateElement(0x7053, "Philips PET Private Group", 0x00),
    "PhilipsActivityFactor": PrivateElement(0x7053, "Philips PET Private Group", 0x09),
}
"""By the names of `oncohort.suv`."""

_GROUPS = {
    group: {name: element for name, element in PRIVATE_ELEMENTS.items() if element.group == group}
    for group in sorted({element.group for element in PRIVATE_ELEMENTS.values()})
}

PRIVATE_TAGS = frozenset(group << 16 | block for group in _GROUPS for block in _BLOCKS) | frozenset(
    element.group << 16 | block << 8 | element.place for element in PRIVATE_ELEMENTS.values() for block in _BLOCKS
)
"""Every tag at which a creator or one of the elements can stand."""


def private_texts(data: HeaderValues) -> dict[str, str]:
    """The texts of the private elements that a header has, by their names.

    An element counts in a block of its creator. Where a group names no creator at all, as in anonymised files, its
    first block is taken.
    """
    found = {}
    for group, held in _GROUPS.items():
        creators = {block: data.text(group << 16 | block) for block in _BLOCKS}
        if not any(creators.values()):
            creators = dict.fromkeys((_FIRST,), next(iter(held.values())).creator)
        for name, element in held.items():
            texts = (data.text(group << 16 | block << 8 | element.place) for block in _of(creators, element.creator))
            found[name] = next((text for text in texts if text), "")
    return found


def _of(creators: dict[int, str], creator: str) -> list[int]:
    return [block for block, named in creators.items() if named == creator]
