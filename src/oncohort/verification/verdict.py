"""What a proof finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["equal", "differs", "cannot be compared"]


@dataclass(frozen=True)
class Finding:
    """One difference and what it comes from.

    Attributes:
        cause: One word of docs/verify.md, such as `merged_slopes`.
        text: What differs, where, by how much.
        slices: DICOM slices concerned, counted from 0 along their normal; empty if it concerns all or none.
    """

    cause: str
    text: str
    slices: tuple[int, ...] = ()


@dataclass(frozen=True)
class SliceCheck:
    """One slice of the image beside the DICOM slice at its place.

    Attributes:
        slice: DICOM slice, counted from 0 along the normal of the series.
        instance: Its SOPInstanceUID.
        file: Its file name.
        largest: Greatest |difference| in the unit that is compared; NaN if a voxel is not finite.
        at: DICOM column, row, slice of that voxel.
        expected: What DICOM says there.
        found: What the image says there.
        differing: Voxels that differ by more than rounding.
        ratio: Image over DICOM, fitted over the slice; NaN where the slice is 0.
        offset_mm: Greatest distance of a corner of the slice from its place.
    """

    slice: int
    instance: str
    file: str
    largest: float
    at: tuple[int, int, int]
    expected: float
    found: float
    differing: int
    ratio: float
    offset_mm: float


@dataclass(frozen=True)
class FieldCheck:
    """One field of the sidecar beside the header.

    Attributes:
        name: Key of the sidecar.
        expected: By the header.
        found: In the sidecar; None if it is absent.
        status: `equal`, `differs` or `absent`.
    """

    name: str
    expected: Any
    found: Any
    status: Literal["equal", "differs", "absent"]


@dataclass(frozen=True)
class Verdict:
    """Whether a conversion is right.

    Attributes:
        status: `equal`, `differs` or `cannot be compared`.
        dicom: Folder or file of the series.
        image: The NIfTI file.
        sidecar: The JSON file beside it; "" without one.
        series: SeriesInstanceUID.
        modality: `CT` or `PT`.
        quantity: What the numbers of the image were taken for.
        findings: Differences with their causes; why nothing could be compared.
        remarks: What a user should know though it is no difference.
        grid: Shapes, spacings, orientation and distance of the corners.
        slices: A line for each slice of the image.
        fields: A line for each field of the sidecar that the header can check.
    """

    status: Status
    dicom: str
    image: str
    sidecar: str = ""
    series: str = ""
    modality: str = ""
    quantity: str = ""
    findings: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = ()
    grid: Mapping[str, Any] = field(default_factory=dict)
    slices: tuple[SliceCheck, ...] = ()
    fields: tuple[FieldCheck, ...] = ()

    @property
    def first_failing(self) -> SliceCheck | None:
        """The first slice whose voxels differ, along the normal of the series."""
        failing = [one for one in self.slices if one.differing]
        return min(failing, key=lambda one: one.slice) if failing else None

    @property
    def worst(self) -> SliceCheck | None:
        """The slice with the greatest difference; one that is not finite comes first."""
        known = [one for one in self.slices if one.differing]
        return max(known, key=lambda one: (one.largest != one.largest, one.largest)) if known else None

    @property
    def differing(self) -> int:
        """Voxels that differ."""
        return sum(one.differing for one in self.slices)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values.

        Examples:
            >>> Verdict("equal", "scan", "a.nii.gz").to_dict()["status"]
            'equal'
        """
        first, worst = self.first_failing, self.worst
        return {
            "status": self.status,
            "dicom": self.dicom,
            "image": self.image,
            "sidecar": self.sidecar or None,
            "series": self.series or None,
            "modality": self.modality or None,
            "quantity": self.quantity or None,
            "causes": [one.cause for one in self.findings],
            "findings": [asdict(one) for one in self.findings],
            "remarks": list(self.remarks),
            "differing_voxels": self.differing,
            "first_failing_slice": None if first is None else asdict(first),
            "largest_difference": None if worst is None else asdict(worst),
            "grid": dict(self.grid),
            "slices": [asdict(one) for one in self.slices],
            "fields": [asdict(one) for one in self.fields],
        }
