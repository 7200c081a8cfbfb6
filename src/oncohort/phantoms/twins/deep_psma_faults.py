"""Known faults of DEEP-PSMA, and those that a download can have."""

from __future__ import annotations

from pathlib import Path

from oncohort.layouts import deep_psma as layout
from oncohort.phantoms.twins.damage import Plant, displaced, find_file, lost, stray, truncated
from oncohort.phantoms.twins.protocol import Fault, WrittenCase
from oncohort.storage import write_bytes, write_json


def _threshold(value: object) -> Plant:
    def plant(written: WrittenCase) -> Path:
        path = find_file(written, f"PSMA/{layout.THRESHOLD_FILE}")
        write_json(path, value)
        return path

    return plant


def _same_direction(written: WrittenCase) -> Path:
    """Both folders hold the transform from PSMA to FDG; the finding is about the folder of the tracer PSMA."""
    source = find_file(written, f"PSMA/{layout.RIGID_FILE}")
    write_bytes(find_file(written, f"FDG/{layout.RIGID_FILE}"), source.read_bytes())
    return source


def _affine_transform(written: WrittenCase) -> Path:
    path = find_file(written, f"FDG/{layout.RIGID_FILE}")
    write_bytes(path, path.read_bytes().replace(layout.RIGID_KIND.encode(), b"AffineTransform_double_3_3"))
    return path


FAULTS: tuple[Fault, ...] = (
    Fault("threshold_without_value", 1, "refused", "unreadable", _threshold({})),
    Fault("other_threshold", 2, "finding", "deep_psma_threshold", _threshold({layout.THRESHOLD_KEY: 2.9})),
    Fault("transform_not_inverted", 3, "finding", "deep_psma_transforms", _same_direction),
    Fault("missing_ct", 4, "finding", "deep_psma_missing_file", lost(f"FDG/{layout.CT_FILE}")),
    Fault("missing_pet", 5, "refused", "missing channel", lost(f"FDG/{layout.PET_FILE}", "FDG/CT.nii.gz")),
    Fault("organs_on_other_grid", 6, "finding", "deep_psma_organ_grid", displaced(f"PSMA/{layout.ORGANS_FILE}")),
    Fault("affine_transform", 6, "refused", "not a rigid transform", _affine_transform),
    Fault("burden_on_other_grid", 7, "refused", "other grid", displaced(f"PSMA/{layout.TTB_FILE}")),
    Fault("truncated_ct", 8, "refused", "unreadable", truncated(f"FDG/{layout.CT_FILE}")),
    Fault("stray_file", 8, "refused", "not part of the layout", stray("{case}/notes.txt")),
)
