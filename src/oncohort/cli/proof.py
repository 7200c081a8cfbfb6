"""Proof: whether a conversion is right, whoever made it."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from oncohort.cli.output import ExitCode, Json, print_json, say, show_table
from oncohort.verification import Verdict, proof_page, verify_conversion

_SHOWN = 20
_CODES = {"equal": ExitCode.DONE, "differs": ExitCode.REFUSED, "cannot be compared": ExitCode.NOTHING}


def verify(
    dicom: Path,
    nifti: Path,
    *,
    sidecar: Path | None = None,
    identity: Literal["header", "folder"] = "header",
    page: Path | None = None,
    json: Json = False,
) -> int:
    """Prove a conversion voxel for voxel and field for field; say what differs, where, by how much, and why.

    Args:
        dicom: Folder of the DICOM series that was converted.
        nifti: What somebody made of it (.nii, .nii.gz).
        sidecar: Its JSON file; by default the one of the same name beside it, if there is one.
        identity: header, or folder: the files are one series though PatientID or UIDs are empty.
        page: Write a page (.html).
        json: Print one machine-readable document on stdout.
    """
    verdict = verify_conversion(dicom, nifti, sidecar=sidecar, identity=identity)
    if json:
        print_json(verdict.to_dict())
    _show(verdict)
    if page is not None:
        proof_page(
            page,
            verdict,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            oncohort=version("oncohort"),
        )
        say(f"page: {page}")
    return _CODES[verdict.status]


def _show(verdict: Verdict) -> None:
    say(f"{verdict.image}: {verdict.status}")
    if verdict.quantity:
        distance = verdict.grid["largest_corner_distance_mm"]
        say(f"{verdict.quantity}; {len(verdict.slices)} slices; corners within {distance:.2g} mm of their places")
    for finding in verdict.findings:
        say(f"{finding.cause}: {finding.text}")
    failing = [one for one in verdict.slices if one.differing]
    if failing:
        say(f"{verdict.differing} voxels in {len(failing)} of {len(verdict.slices)} slices differ")
        rows = [
            [one.slice, one.file, one.differing, one.largest, str(one.at), one.expected, one.found]
            for one in sorted(failing, key=lambda one: one.slice)[:_SHOWN]
        ]
        columns = ["slice", "file", "voxels", "largest", "at i, j, k", "DICOM", "image"]
        show_table("Slices that differ, the first failing one first", columns, rows)
    for remark in verdict.remarks:
        say(f"note: {remark}")
