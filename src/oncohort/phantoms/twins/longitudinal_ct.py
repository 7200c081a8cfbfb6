"""Twin of the longitudinal CT set: baseline and follow-up with linked lesions.

::

    inputsTr/   <id>.csv  <id>_BL_00.json  <id>_BL_img_00.nii.gz  <id>_BL_mask_00.nii.gz  <id>_FU_00.json
                <id>_FU_img_00.nii.gz
    targetsTr/  <id>_FU_mask_00.nii.gz

Every patient has lesions that stay, grow and shrink, one that disappears, one that is new, and two that merge. Every
third patient has a second follow-up. Voxel coordinates count from 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.geometry import Geometry
from oncohort.layouts import longitudinal_ct as layout
from oncohort.phantoms.shapes import Ellipsoid
from oncohort.phantoms.twins.longitudinal_faults import FAULTS
from oncohort.phantoms.twins.nifti_files import write_image
from oncohort.phantoms.twins.protocol import Twin, TwinCase, WrittenCase, no_cohort_files
from oncohort.phantoms.twins.scene import Mask, Scene, scene_of, strided, volume_of
from oncohort.storage import write_bytes, write_json
from oncohort.units import Unit

_LESION_HU = 45
_DRAWN = 5
_TYPES = {
    "liver": "Liver",
    "lung": "Lung",
    "bone": "Skeleton",
    "mediastinal lymph node": "Lymph node",
    "abdominal lymph node": "Lymph node",
    "soft tissue": "Soft tissue / Skin",
}
_FATES = ("UNCHANGED", "UNCHANGED", "DISAPPEARING", "NEWLYAPPEARING", "MERGING")
_IDS = (1, 2, 4, 5, 7)
_PARTNER_ID = 9
_CUT_BELOW = 3  # slices that the follow-up lacks at its lower end


@dataclass(frozen=True)
class Course:
    """One lesion over time.

    Attributes:
        lesion: Its id.
        kind: Its `lesion_type`.
        fate: Its `topology_class`.
        before: At baseline.
        after: At follow-up.
        merged_into: The lesion that it became part of.
    """

    lesion: int
    kind: str
    fate: str
    before: Ellipsoid | None
    after: Ellipsoid | None
    merged_into: int | None = None


@dataclass(frozen=True)
class Visit:
    """One scan: its name ("BL_img_00"), grid, lesion ids and the voxels that the lesions have."""

    name: str
    side: str
    number: int
    grid: Geometry
    labels: NDArray[np.uint8]

    def centre(self, lesion: int) -> str:
        """Centre of gravity of a lesion in voxels, as a cell of the sheet; empty if it is not there."""
        voxels = np.argwhere(np.equal(self.labels.T, lesion))
        return _cell(voxels.mean(axis=0)) if voxels.size else ""

    def volume_mm3(self, lesion: int) -> float | None:
        """Volume of a lesion; None if it is not there."""
        count = int((self.labels == lesion).sum())
        return round(count * self.grid.voxel_mm3, 3) if count else None


def write_case(case: TwinCase) -> WrittenCase:
    """Draw one patient at two or three time points."""
    name = case.token(10)
    patient = case.draw(_DRAWN)
    healthy = case.draw(0)
    scene = scene_of(healthy, 2)
    image = np.ascontiguousarray(strided(healthy.ct, 2).array.T)
    courses = _courses(patient.truth)
    written = WrittenCase(case, name, {"patient": name})
    later = 2 if case.number % 3 == 0 else 1
    visits = [_draw(written, scene, image, courses, ("BL", 0))]
    visits += [_draw(written, scene, image, courses, ("FU", number)) for number in range(later)]
    rows = [_sheet_row(course, visits[0], visit) for visit in visits[1:] for course in courses]
    for visit in visits:
        _write_clicks(written, rows, visit)
    _write_csv(written, rows)
    written.truth |= {
        "scans": [visit.name for visit in visits],
        "lesions": [
            {"lesion": course.lesion, "type": course.kind, "fate": course.fate, "merged_into": course.merged_into}
            for course in courses
        ],
    }
    return written


def _courses(truth: Sequence[Any]) -> list[Course]:
    courses = []
    for lesion, fate, number in zip(truth, _FATES, _IDS, strict=True):
        body = Ellipsoid(lesion.centre_mm, lesion.radii_mm)
        changed = _grown(body, 1.25 if number == 1 else 0.8)
        before = None if fate == "NEWLYAPPEARING" else body
        after = None if fate == "DISAPPEARING" else changed
        courses.append(Course(number, _TYPES[lesion.organ], fate, before, after))
    last = courses[-1]
    assert last.before is not None
    x, y, z = last.before.centre
    reach = round(1.7 * last.before.radii[2], 1)
    partner = replace(last.before, centre=(x, y, round(z + reach, 1)))
    joined = Ellipsoid(
        (x, y, round(z + reach / 2, 1)), (*last.before.radii[:2], round(last.before.radii[2] + reach / 2, 1))
    )
    courses[-1] = replace(last, after=joined)
    return [*courses, Course(_PARTNER_ID, last.kind, "MERGING", partner, None, merged_into=last.lesion)]


def _grown(body: Ellipsoid, factor: float) -> Ellipsoid:
    a, b, c = (round(radius * factor, 1) for radius in body.radii)
    return replace(body, radii=(a, b, c))


def _draw(
    written: WrittenCase, scene: Scene, image: NDArray[np.int16], courses: Sequence[Course], scan: tuple[str, int]
) -> Visit:
    """Paint the lesions of one time point and write image and mask; the second follow-up is like the first."""
    side, number = scan
    values, labels = image.copy(), np.zeros(image.shape, dtype=np.uint8)
    values += np.random.default_rng((written.case.patient_seed, number, side == "FU")).integers(
        -4, 5, image.shape, np.int16
    )
    for course in courses:
        body = course.before if side == "BL" else course.after
        if body is not None:
            mask: Mask = scene.ellipsoid(body) & (labels == 0)
            values[mask], labels[mask] = _LESION_HU, course.lesion
    grid = scene.grid
    if side == "FU":
        values, labels = values[_CUT_BELOW:], labels[_CUT_BELOW:]
        affine = grid.affine.copy()
        affine[:3, 3] += affine[:3, 2] * _CUT_BELOW
        grid = Geometry((*grid.shape[:2], values.shape[0]), affine)
    visit = Visit(f"{side}_img_{number:02d}", side, number, grid, labels)
    masks = layout.TARGETS_FOLDER if side == "FU" else layout.INPUTS_FOLDER
    root = written.root
    path = root / layout.INPUTS_FOLDER / f"{written.name}_{side}_img_{number:02d}.nii.gz"
    written.add(write_image(path, volume_of(values, grid, Unit.HU)))
    path = root / masks / f"{written.name}_{side}_mask_{number:02d}.nii.gz"
    written.add(write_image(path, volume_of(labels, grid)))
    return visit


def _sheet_row(course: Course, baseline: Visit, later: Visit) -> dict[str, Any]:
    before, after = baseline.centre(course.lesion), later.centre(course.lesion)
    small = course.lesion == _PARTNER_ID
    return {
        "lesion_id": course.lesion,
        "cog_bl": before,
        "img_id_bl": baseline.number,
        "cog_propagated": _carried(before, -_CUT_BELOW),
        "cog_fu": after,
        "img_id_fu": later.number,
        "lesion_type": course.kind,
        "cog_backpropagated": "" if before else _carried(after, _CUT_BELOW),
        "topology_class": course.fate,
        "merged_into": course.merged_into or "",
        "volume_bl": baseline.volume_mm3(course.lesion) or "",
        "volume_fu": later.volume_mm3(course.lesion) or "",
        "target_lesion": not small,
        "use_for_challenge": not small,
        "linking_unclear": False,
    }


def _carried(cell: str, slices: int) -> str:
    """A point of one scan in the voxels of the other."""
    if not cell:
        return ""
    i, j, k = (float(part) for part in cell.split())
    return _cell(np.array((i, j, k + slices)))


def _cell(point: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.2f}" for value in point)


def _write_clicks(written: WrittenCase, rows: Sequence[Mapping[str, Any]], visit: Visit) -> None:
    """The points of the sheet: at baseline `cog_bl`; at follow-up `cog_propagated`, else `cog_fu`."""
    points: list[dict[str, Any]] = []
    for row in rows:
        cell = row["cog_bl"] if visit.side == "BL" else row["cog_propagated"] or row["cog_fu"]
        own = visit.side == "BL" or row["img_id_fu"] == visit.number
        name = f"lesion {row['lesion_id']}"
        if cell and own and name not in {point["name"] for point in points}:
            points.append({"point": [float(part) for part in cell.split()], "name": name})
    path = written.root / layout.INPUTS_FOLDER / f"{written.name}_{visit.side}_{visit.number:02d}.json"
    header = {"name": "Points of interest", "version": {"major": 1, "minor": 0}, "type": "Multiple points"}
    write_json(path, {**header, "points": points})
    written.add(path)


def _write_csv(written: WrittenCase, rows: Sequence[Mapping[str, Any]]) -> None:
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, (*layout.OLD_COLUMNS, *layout.NEW_COLUMNS), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    path = written.root / layout.INPUTS_FOLDER / f"{written.name}.csv"
    write_bytes(path, text.getvalue().encode())
    written.add(path)


TWIN = Twin(
    layout.NAME,
    layout.NAME,
    "baseline and follow-up CT with lesions linked over time",
    write_case,
    no_cohort_files,
    FAULTS,
)
