"""The proof of a conversion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from oncohort.errors import GeometryError
from oncohort.formats.dicom.header import Identity
from oncohort.formats.nifti_header import NiftiHeader, read_header
from oncohort.formats.nifti_planes import NiftiPlanes, forms_apart_mm, open_planes
from oncohort.geometry import Geometry
from oncohort.verification.arrangement import Arrangement, arrange
from oncohort.verification.grid import Alignment, align, form_findings, grid_findings, slice_offsets
from oncohort.verification.order import order_findings, resampled_along_slices
from oncohort.verification.original import (
    ACTIVITY,
    NATIVE,
    SUV,
    Candidate,
    NotComparable,
    Original,
    Plane,
    Quantity,
    find_series,
    read_original,
)
from oncohort.verification.sidecar import (
    Sidecar,
    check_fields,
    factor_findings,
    field_findings,
    field_remarks,
    label_of,
    read_sidecar,
    recipe_of,
    series_of,
)
from oncohort.verification.values import Pair, rounding_of, slice_ratio, value_findings
from oncohort.verification.verdict import Finding, SliceCheck, Status, Verdict


def verify_conversion(
    dicom: str | Path, image: str | Path, *, sidecar: str | Path | None = None, identity: Identity = "header"
) -> Verdict:
    """Whether a NIfTI file holds what a DICOM series says, whoever converted it, and if not, why.

    The series is read again from its files: stored values, slope and intercept of each slice, positions. The image may
    hold the rescaled values (HU, Bq/ml) or SUVbw by the rules of `oncohort.suv`, in any orientation that its affine
    tells. One slice at a time is in memory. Differences are tested against known causes, each on every voxel.

    Args:
        dicom: Folder (or file) of the series.
        image: NIfTI file.
        sidecar: JSON file beside it; by default the one of the same name, if there is one.
        identity: "folder" takes the files of the folder for one series though PatientID or UIDs are empty.

    Raises:
        InputError: There is no such file, or no CT or PET series.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort.errors import FormatError
        >>> with TemporaryDirectory() as empty:
        ...     try:
        ...         verify_conversion(empty, f"{empty}/a.nii.gz")
        ...     except FormatError as error:
        ...         print(error.expected)
        a readable file
    """
    source, target = Path(dicom), Path(image)
    beside = _beside(target) if sidecar is None else Path(sidecar)
    told = read_sidecar(beside) if beside is not None else Sidecar("", {})
    try:
        header = _header(target)
    except NotComparable as problem:
        return _not_comparable(source, target, told, problem)
    found = find_series(source, header.geometry, series_of(told.fields), identity)
    return min((_verdict(source, target, told, header, one) for one in found), key=_rank)


def _verdict(source: Path, target: Path, told: Sidecar, header: NiftiHeader, candidate: Candidate) -> Verdict:
    try:
        original = read_original(*candidate)
        work = _Work(source, target, told, original, align(header.geometry, original.geometry))
        with open_planes(target) as planes:
            return _compared(work, planes)
    except NotComparable as problem:
        return _not_comparable(source, target, told, problem)


def _not_comparable(source: Path, target: Path, told: Sidecar, problem: NotComparable) -> Verdict:
    finding = Finding(problem.cause, problem.text)
    return Verdict("cannot be compared", str(source), str(target), told.path, findings=(finding,))


def _rank(verdict: Verdict) -> tuple[int, int, int]:
    """Smaller is nearer to equal."""
    return get_args(Status).index(verdict.status), verdict.differing, len(verdict.findings)


@dataclass(frozen=True)
class _Work:
    """What is compared."""

    source: Path
    target: Path
    sidecar: Sidecar
    original: Original
    alignment: Alignment

    def plane(self, planes: NiftiPlanes, n: int) -> Plane:
        """Slice `n` of the aligned image: (i, j) as the series has them."""
        axes, back = self.alignment.axes, self.alignment.reversed
        index = self.alignment.geometry.shape[2] - 1 - n if back[2] else n
        plane = planes.plane(axes[2], index)
        plane = plane.T if axes[0] > axes[1] else plane
        return plane[:: -1 if back[0] else 1, :: -1 if back[1] else 1]

    @property
    def count(self) -> int:
        """Slices of the image."""
        return self.alignment.geometry.shape[2]


def _beside(image: Path) -> Path | None:
    name = image.name.lower()
    stem = image.name[: -7 if name.endswith(".nii.gz") else -4]
    found = image.with_name(f"{stem}.json")
    return found if name.endswith((".nii.gz", ".nii")) and found.is_file() else None


def _header(path: Path) -> NiftiHeader:
    try:
        header = read_header(path)
    except GeometryError as error:
        raise NotComparable("no_geometry", f"the image has no usable affine: {error.found}") from None
    if len(header.shape) != 3:
        raise NotComparable("several_volumes", f"the image has a fourth axis: shape {header.shape}")
    return header


def _compared(work: _Work, planes: NiftiPlanes) -> Verdict:
    original = work.original
    nominal = _nominal(work.alignment.geometry, original.geometry)
    arrangement = arrange((work.plane(planes, n) for n in range(work.count)), original, nominal)
    if resampled_along_slices(arrangement, work.count, len(original.slices)):
        raise NotComparable(
            "resampled", f"the image has {work.count} slices that are none of the {len(original.slices)} of the series"
        )
    label, by = label_of(work.sidecar.fields, work.target)
    asked = recipe_of(work.sidecar.fields)
    named = arrangement.quantity.rule == asked and not arrangement.quantity.is_right
    expected = arrangement.quantity if named else _expected(original, arrangement, label)
    checks = tuple(_slice_checks(work, planes, nominal, expected))
    fields = check_fields(work.sidecar.fields, original.headers) if work.sidecar.path else ()
    settled, values = _voxel_findings(work, planes, arrangement, checks)
    if not arrangement.quantity.is_right and any(one.cause == "unnamed_factor" for one in values):
        named, values = True, _without_guess(values, checks, expected)
    findings = (
        *grid_findings(work.alignment, original, nominal),
        *form_findings(forms_apart_mm(work.target)),
        *order_findings(settled, original, work.count),
        *(() if named else _quantity_findings(original, arrangement, label, by)),
        *values,
        *work.sidecar.findings,
        *factor_findings(work.sidecar.fields, expected.factors, expected.text),
        *field_findings(fields),
    )
    if not findings and any(one.differing for one in checks):
        findings = (Finding("unexplained", f"the voxels are not {expected.text}"),)
    return Verdict(
        status="differs" if findings else "equal",
        dicom=str(work.source),
        image=str(work.target),
        sidecar=work.sidecar.path,
        series=original.headers[0].series,
        modality="CT" if original.headers[0].modality == "CT" else "PT",
        quantity=arrangement.quantity.text,
        findings=findings,
        remarks=(*original.remarks, *field_remarks(fields)),
        grid=_grid(work, checks),
        slices=checks,
        fields=fields,
    )


def _nominal(image: Geometry, series: Geometry) -> list[int]:
    """DICOM slice at the place of each slice of the image; their order, if the affine leads elsewhere."""
    count, last = image.shape[2], series.shape[2] - 1
    if count == last + 1:
        return list(range(count))
    centres = np.column_stack([np.zeros((count, 2)), np.arange(count)])
    places = series.to_index(image.to_mm(centres))[:, 2]
    nearest = np.round(places).astype(int)
    if np.abs(places - nearest).max() > 0.25 or nearest.min() < 0 or nearest.max() > last:
        nearest = np.minimum(np.arange(count), last)
    return [int(k) for k in nearest]


def _expected(original: Original, arrangement: Arrangement, label: str) -> Quantity:
    """What the image should hold: what it is called, else what it is taken for, else the nearest that is right."""
    native, suv = original.quantities[0], original.quantity(SUV)
    if label == SUV:
        is_uptake = original.unit == "GML" and arrangement.quantity.rule == NATIVE
        return native if suv is None or is_uptake else suv
    if label == NATIVE:
        return original.quantity(ACTIVITY) or native
    if arrangement.quantity.is_right:
        return arrangement.quantity
    return native if suv is None or arrangement.quantity.rule == "kilo" else suv


def _slice_checks(work: _Work, planes: NiftiPlanes, nominal: list[int], expected: Quantity) -> Iterator[SliceCheck]:
    offsets = slice_offsets(work.alignment.geometry, work.original, nominal)
    for n, k in enumerate(nominal):
        one, factor, header = work.original.slices[k], expected.factors[k], work.original.headers[k]
        stored, found = work.original.stored(k), work.plane(planes, n)
        right = (stored * one.slope + one.intercept) * factor
        away = np.abs(found - right)
        differs = ~(away <= rounding_of(stored, one.slope, one.intercept, factor))
        worst = np.where(np.isnan(away), np.inf, away)
        i, j = (int(index) for index in np.unravel_index(int(np.argmax(worst)), worst.shape))
        yield SliceCheck(
            slice=k,
            instance=header.instance,
            file=Path(header.path).name,
            largest=float(away[i, j]),
            at=(i, j, k),
            expected=float(right[i, j]),
            found=float(found[i, j]),
            differing=int(differs.sum()),
            ratio=slice_ratio(right, np.nan_to_num(found, posinf=0.0, neginf=0.0)),
            offset_mm=offsets[n],
        )


def _without_guess(
    values: tuple[Finding, ...], checks: tuple[SliceCheck, ...], expected: Quantity
) -> tuple[Finding, ...]:
    """The findings with the whole factor, where the nearest known rule leaves one over and explains nothing."""
    ratios = [one.ratio for one in checks if np.isfinite(one.ratio)]
    if not ratios:
        return values
    whole = float(np.median(ratios))
    text = f"every voxel is {whole:.7g} times ({100 * (whole - 1):+.4g} %) {expected.text}, by no rule that is known"
    return tuple(Finding("unnamed_factor", text) if one.cause == "unnamed_factor" else one for one in values)


def _quantity_findings(original: Original, arrangement: Arrangement, label: str, by: str) -> Iterator[Finding]:
    quantity = arrangement.quantity
    same = original.unit in ("GML", "HU") or len({one.factors for one in original.quantities[:2]}) == 1
    if label == SUV and quantity.rule == NATIVE and not same:
        yield Finding(
            "mislabelled_unit", f"{by} says SUV, but the voxels are {original.unit}: no SUV factor was applied"
        )
    if label == NATIVE and quantity.rule == SUV and not same:
        yield Finding("mislabelled_unit", f"{by} says activity, but the voxels are {quantity.text}")
    if not quantity.is_right:
        suv = original.quantity(SUV)
        percent = 100 * (float(np.median(quantity.factors)) / float(np.median(suv.factors)) - 1) if suv else None
        against = f": {percent:+.4g} % of SUVbw" if percent is not None and quantity.rule != "kilo" else ""
        yield Finding("other_rule", f"the values are {quantity.text}{against}")


def _voxel_findings(
    work: _Work, planes: NiftiPlanes, arrangement: Arrangement, checks: tuple[SliceCheck, ...]
) -> tuple[Arrangement, tuple[Finding, ...]]:
    """What was done to the values, and the arrangement under which that explains most."""
    if not any(one.differing for one in checks):
        return arrangement, ()
    lost = _not_finite(work, planes, checks)
    found = (
        [Finding("not_finite", f"{sum(lost.values())} voxels are no finite number", tuple(sorted(lost)))]
        if lost
        else []
    )
    step = abs(planes.header.slope) if planes.header.dtype.kind in "iu" else 0.0
    filled = arrangement.filled()
    if filled is not arrangement:
        values = tuple(value_findings(_pairs(work, planes, filled), step=step))
        if [one.cause for one in values] != ["unexplained"]:
            return filled, (*found, *values)
    return arrangement, (*found, *value_findings(_pairs(work, planes, arrangement), step=step))


def _not_finite(work: _Work, planes: NiftiPlanes, checks: tuple[SliceCheck, ...]) -> dict[int, int]:
    if planes.header.dtype.kind != "f":
        return {}
    counts = {k: int((~np.isfinite(work.plane(planes, n))).sum()) for n, k in enumerate(one.slice for one in checks)}
    return {k: count for k, count in counts.items() if count}


def _pairs(work: _Work, planes: NiftiPlanes, arrangement: Arrangement) -> Iterator[Pair]:
    for n, k in enumerate(arrangement.held):
        if k is None:
            continue
        one, stored = work.original.slices[k], work.original.stored(k)
        factor = arrangement.quantity.factors[k]
        found = arrangement.apply(work.plane(planes, n))
        right = (stored * one.slope + one.intercept) * factor
        yield Pair(k, np.where(np.isfinite(found), found, right), stored, one.slope, one.intercept, factor)


def _grid(work: _Work, checks: tuple[SliceCheck, ...]) -> dict[str, object]:
    image, series = work.alignment.geometry, work.original.geometry
    return {
        "series_shape": list(series.shape),
        "image_shape": list(image.shape),
        "series_spacing_mm": list(series.spacing_mm),
        "image_spacing_mm": list(image.spacing_mm),
        "image_axes": [
            f"{'-' if back else '+'}{'ijk'[axis]}"
            for axis, back in zip(work.alignment.axes, work.alignment.reversed, strict=True)
        ],
        "largest_corner_distance_mm": max(one.offset_mm for one in checks),
    }
