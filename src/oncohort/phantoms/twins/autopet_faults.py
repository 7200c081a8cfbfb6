"""Known faults of autoPET's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from oncohort.formats.nifti import read_nifti
from oncohort.layouts import autopet as layout
from oncohort.phantoms.twins.damage import displaced, find_file, lost, no_row, pointer, stray, truncated
from oncohort.phantoms.twins.nifti_files import write_image
from oncohort.phantoms.twins.protocol import Fault, WrittenCase
from oncohort.storage import read_json, write_json
from oncohort.volume import Volume, reorient


def _gc_under_simple_name(written: WrittenCase) -> Path:
    """Read as the simple dialect, such a file has no prompts at all."""
    path = written.root / "clicks" / f"{written.name}{layout.PROMPTS_IV_ENDING}"
    write_json(path, read_json(path.parent / layout.GC_FOLDER / path.name))
    return path


def _reversed_axes(written: WrittenCase) -> Path:
    """Turn every image to LPS with decimal voxels, as four of the real cases are."""
    folders = (layout.IMAGES_FOLDER, layout.LABELS_FOLDER)
    paths = [written.root / name for name in sorted(written.files) if name.startswith(folders)]
    for path in paths:
        turned = reorient(read_nifti(path), "LPS")
        write_image(path, Volume.from_array(turned.array.astype(np.float32), turned.geometry, turned.unit))
    return paths[0]


def _click_outside(written: WrittenCase) -> Path:
    path = find_file(written, layout.PROMPTS_V_ENDING)
    values = read_json(path)
    values["points"][0]["point"] = [9999, 0, 0]
    write_json(path, values)
    return path


def _label(written: WrittenCase) -> str:
    return f"{layout.LABELS_FOLDER}/{written.name}{layout.FILE_ENDING}"


def _lost_label(written: WrittenCase) -> Path:
    return lost(_label(written))(written)


def _displaced_label(written: WrittenCase) -> Path:
    return displaced(_label(written))(written)


def _dataset(written: WrittenCase) -> Path:
    """Done by the writer of the cohort."""
    return written.root / layout.DATASET_FILE


def _splits(written: WrittenCase) -> Path:
    """Done by the writer of the cohort."""
    return written.root / layout.SPLITS_FILE


FAULTS: tuple[Fault, ...] = (
    Fault("gc_prompts_under_simple_name", 1, "finding", "prompt_dialect", _gc_under_simple_name),
    Fault("lesion_label_missing", 1, "finding", "autopet_no_label", _lost_label),
    Fault("truncated_pet", 2, "refused", "unreadable", truncated("_0001.nii.gz")),
    Fault("label_on_other_grid", 3, "refused", "other grid", _displaced_label),
    Fault("pet_called_ct", 4, "finding", "autopet_pet_named_ct", _dataset),
    Fault("prompt_outside_grid", 4, "finding", "prompt_outside_grid", _click_outside),
    Fault("unknown_channel", 4, "refused", "unknown channel", stray("imagesTr/{case}_0007.nii.gz")),
    Fault("missing_ct", 5, "refused", "missing channel", lost("_0000.nii.gz", "_0001.nii.gz")),
    Fault("git_lfs_pointer", 6, "refused", "unreadable", pointer("_0000.nii.gz")),
    Fault("lps_axes", 7, "finding", "autopet_orientation", _reversed_axes),
    Fault("patient_in_two_folds", 8, "finding", "autopet_folds", _splits),
    Fault("no_row_in_sheet", 4, "finding", "autopet_sheet", no_row(layout.PSMA_SHEET)),
    Fault("heat_map_on_other_grid", 1, "refused", "other grid", displaced("_0002.nii.gz")),
)

STUDY_FAULTS: tuple[Fault, ...] = (
    Fault("no_resampled_ct", 1, "read", "the native CT takes its place", lost("CTres.nii.gz")),
    Fault("no_suv", 2, "refused", "missing channel", lost("SUV.nii.gz", "CT.nii.gz")),
    Fault("no_lesion_mask", 3, "finding", "autopet_no_label", lost("SEG.nii.gz")),
    Fault("stray_file", 4, "refused", "not part of the layout", stray("converter.log")),
    Fault("truncated_suv", 5, "refused", "unreadable", truncated("SUV.nii.gz")),
    Fault("mask_on_other_grid", 6, "refused", "other grid", displaced("SEG.nii.gz")),
)
