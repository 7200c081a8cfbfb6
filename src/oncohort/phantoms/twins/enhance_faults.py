"""Known faults of ENHANCE.PET, and those that a download can have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from oncohort.layouts import enhance_pet as layout
from oncohort.phantoms.twins.damage import Plant, copied, displaced, find_file, lost, stray, truncated
from oncohort.phantoms.twins.protocol import Fault, WrittenCase
from oncohort.storage import write_bytes

_CT, _PET = "images/CT_0001-1000/", "images/PT_0001-1683/"


def _of_case(damage: Callable[[str], Plant], folder: str) -> Plant:
    """A fault of the file of the case in `folder`."""

    def planted(written: WrittenCase) -> Path:
        return damage(f"{folder}{written.name}.nii.gz")(written)

    return planted


def _spaces_in_group(written: WrittenCase) -> Path:
    """The paper writes the names of the groups with spaces."""
    old = find_file(written, f"Peripheral-Bones/{written.name}.nii.gz")
    new = old.parent.parent / "Peripheral Bones" / old.name
    write_bytes(new, old.read_bytes())
    written.remove(old)
    return written.add(new)


def _counts_without_factor(written: WrittenCase) -> Path:
    """The PET of the Philips scanners of Careggi is in counts, and the sheet has no factor to SUV."""
    written.sheet["pet"] |= {"Units": "CNTS", "Manufacturer": "Philips (SYNTHETIC)"}
    return written.root / layout.SHEETS["pet"]


def _no_source(written: WrittenCase) -> Path:
    for kind in layout.SHEETS:
        written.sheet[kind]["Data-Source"] = None
    return written.root / layout.SHEETS["ct"]


def _unreadable_age(written: WrittenCase) -> Path:
    written.sheet["pet"]["Age"] = "sixty or so"
    return written.root / layout.SHEETS["pet"]


FAULTS: tuple[Fault, ...] = (
    Fault("spaces_in_group", 1, "read", "both spellings of a group are one", _spaces_in_group),
    Fault("missing_group", 2, "finding", "enhance_pet_missing", _of_case(lost, "Ribs/")),
    Fault("counts_without_factor", 3, "finding", "enhance_pet_no_suv", _counts_without_factor),
    Fault("truncated_pet", 4, "refused", "unreadable", _of_case(truncated, _PET)),
    Fault("truncated_ct", 5, "refused", "unreadable", _of_case(truncated, _CT)),
    Fault("mask_on_other_grid", 6, "refused", "other grid", _of_case(displaced, "Organs/")),
    Fault(
        "case_in_two_folders",
        7,
        "refused",
        "two files of one case",
        copied("PT_0001-1683/0007.nii.gz", "imaging-data/images/PT/{case}.nii.gz"),
    ),
    Fault("no_data_source", 8, "finding", "enhance_pet_cases", _no_source),
    Fault("unreadable_age", 8, "finding", "enhance_pet_value", _unreadable_age),
    Fault("archive_left", 8, "refused", "not part of the layout", stray("imaging-data/ground-truth/Ribs.zip")),
)
