"""Known faults of PanTS, and those that a download can have."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from oncohort.formats.nifti import read_nifti
from oncohort.layouts import pants as layout
from oncohort.phantoms.twins.damage import cell, displaced, find_file, lost, no_row, skewed, stray, truncated
from oncohort.phantoms.twins.nifti_files import affine_in, set_affine, write_image
from oncohort.phantoms.twins.protocol import Fault, WrittenCase
from oncohort.volume import Volume

_SHEET = layout.SHEET_FILE
_SHIFT_MM = 3.0
_TINY = 4


def _other_grid(written: WrittenCase) -> Path:
    """All labels lie 3 mm beside the CT."""
    labels = [written.root / name for name in sorted(written.files) if name.startswith("Label")]
    for path in labels:
        affine = affine_in(path)
        affine[0, 3] += _SHIFT_MM
        set_affine(path, affine)
    return labels[0].parent


def _no_means_to_tell_the_numbering(written: WrittenCase) -> Path:
    """Without the seven structures whose integers differ, nothing says which numbering the combined map has."""
    for name in layout.AMBIGUOUS:
        lost(f"/{name}{layout.FILE_ENDING}")(written)
    return find_file(written, layout.COMBINED_FILE)


def _sides_swapped(written: WrittenCase) -> Path:
    left, right = (find_file(written, f"kidney_{side}{layout.FILE_ENDING}") for side in ("left", "right"))
    content = left.read_bytes()
    left.write_bytes(right.read_bytes())
    right.write_bytes(content)
    return left


def _tiny_lesion(written: WrittenCase) -> Path:
    """A lesion of four voxels in the middle of the pancreas."""
    path = find_file(written, f"{layout.LESION}{layout.FILE_ENDING}")
    pancreas = read_nifti(find_file(written, f"/pancreas{layout.FILE_ENDING}"))
    array = np.zeros(pancreas.geometry.shape, dtype=np.uint8)
    voxels = np.argwhere(pancreas.array > 0)
    for i, j, k in voxels[len(voxels) // 2 :][:_TINY]:
        array[i, j, k] = 1
    written.sheet["tumor?"] = 1
    return write_image(path, Volume.from_array(array, pancreas.geometry, pancreas.unit))


FAULTS: tuple[Fault, ...] = (
    Fault("missing_file", 1, "finding", "pants_missing_structures", lost("celiac_artery.nii.gz", "aorta.nii.gz")),
    Fault("age_that_is_no_number", 1, "finding", "pants_sheet_numbers", cell(_SHEET, "age", "adult")),
    Fault("labels_beside_the_ct", 2, "finding", "pants_label_grid", _other_grid),
    Fault("skewed_axes", 3, "finding", "skewed_axes", skewed(layout.FILE_ENDING)),
    Fault("no_row_in_sheet", 3, "finding", "pants_case_without_row", no_row(_SHEET)),
    Fault("no_phase", 4, "read", "the phase is unknown", cell(_SHEET, "ct phase", None)),
    Fault("flag_without_lesion", 4, "read", "a check of voxels finds it", cell(_SHEET, "tumor?", 1)),
    Fault("wrong_phase", 5, "read", "a check of voxels finds it", cell(_SHEET, "ct phase", "Non-contrast")),
    Fault("structure_beside_the_others", 5, "refused", "other grid", displaced("/liver.nii.gz")),
    Fault("sides_swapped", 5, "read", "a check of voxels finds it", _sides_swapped),
    Fault("space_in_sex", 6, "finding", "pants_sheet_spaces", cell(_SHEET, "sex", "M ")),
    Fault("truncated_structure", 6, "refused", "unreadable", truncated("/stomach.nii.gz")),
    Fault("tiny_lesion", 7, "read", "a check of voxels finds it", _tiny_lesion),
    Fault("shape_of_another_case", 7, "finding", "pants_sheet_grid", cell(_SHEET, "shape", "(512, 512, 99)")),
    Fault(
        "unknown_structure",
        7,
        "refused",
        "unknown structure",
        stray("LabelTr/{case}/segmentations/esophagus.nii.gz"),
    ),
    Fault("numbering_untold", 8, "refused", "numbering unknown", _no_means_to_tell_the_numbering),
)
