"""A verdict as a page."""

from __future__ import annotations

from pathlib import Path

from oncohort.reporting.data import Provenance
from oncohort.reporting.proof_page import ProofField, ProofPage, ProofSlice, render_proof
from oncohort.storage import write_bytes
from oncohort.verification.verdict import Verdict


def proof_page(out: str | Path, verdict: Verdict, *, created_at: str, oncohort: str) -> None:
    """Write the page of a verdict to the file `out`.

    Args:
        out: The file.
        verdict: From `verify_conversion`.
        created_at: ISO 8601.
        oncohort: Version that made it.

    Raises:
        OutputError: The file cannot be written.
    """
    page = ProofPage(
        title=Path(verdict.image).name,
        status=verdict.status,
        dicom=verdict.dicom,
        image=verdict.image,
        sidecar=verdict.sidecar,
        quantity=verdict.quantity,
        findings=tuple((one.cause, one.text) for one in verdict.findings),
        remarks=verdict.remarks,
        grid=_grid(verdict),
        slices=tuple(
            ProofSlice(
                one.slice,
                one.file,
                one.differing,
                one.largest,
                one.at,
                one.expected,
                one.found,
                one.ratio,
                one.offset_mm,
            )
            for one in verdict.slices
        ),
        fields=tuple(ProofField(one.name, str(one.expected), str(one.found), one.status) for one in verdict.fields),
        provenance=Provenance(created_at, versions={"oncohort": oncohort}),
    )
    write_bytes(out, render_proof(page).encode())


def _grid(verdict: Verdict) -> tuple[tuple[str, str, str], ...]:
    grid = verdict.grid
    if not grid:
        return ()
    return (
        ("voxels", _numbers(grid["series_shape"]), _numbers(grid["image_shape"])),
        ("spacing in mm", _numbers(grid["series_spacing_mm"]), _numbers(grid["image_spacing_mm"])),
        ("axes of the file", "", " ".join(grid["image_axes"])),
        ("largest distance of a corner in mm", "", f"{grid['largest_corner_distance_mm']:.4g}"),
    )


def _numbers(values: list[float]) -> str:
    return " × ".join(f"{value:.6g}" for value in values)
