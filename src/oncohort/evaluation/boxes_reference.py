"""The boxes of a cohort as a profile of boxes sees them: images, lesions, millimetres."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.boxes import (
    Boxes,
    BoxLesion,
    BoxReading,
    LinkSettings,
    MergeSettings,
    SliceBox,
    SliceStack,
    link_boxes,
    merge_readings,
    slice_positions_mm,
)
from oncohort.cohort import Cohort
from oncohort.errors import GeometryError, MissingNeedError, SettingsError
from oncohort.evaluation.findings import Finding
from oncohort.geometry import Geometry
from oncohort.profiles import BoxProtocol, Profile

Row = Mapping[str, Any]
_MOST_SLICES = 10_000
_EDGES = ("i0", "i1", "j0", "j1", "k0", "k1")


@dataclass(frozen=True, eq=False)
class BoxSeries:
    """One volume of a case that boxes are drawn on.

    Args:
        role: Of the volume.
        grid: Where its voxels lie; None if the cohort does not say.
        case: Which case, the frame in which mm of its volumes are comparable.
    """

    role: str
    grid: Geometry | None
    case: str

    @cached_property
    def stack(self) -> SliceStack:
        """Its slices in mm.

        Raises:
            MissingNeedError: The grid is not known.
        """
        if self.grid is None:
            raise MissingNeedError(
                expected="shape and affine of the volume, to compare boxes in mm",
                found="none",
                where=f"case {self.case}, {self.role}",
                remedy="add the volume to volumes.parquet, or use a profile of slices with hits by IoU",
            )
        return SliceStack.of_grid(self.grid, series=self.role, frame=self.case)

    @cached_property
    def _normal(self) -> tuple[float, float]:
        """Position of slice 0 along the normal, and the way to the next one; below 0 where positions fall."""
        step = self.stack.step_mm
        if self.grid is None or self.grid.shape[2] == 1:
            return (0.0 if self.grid is None else float(slice_positions_mm(self.grid)[0])), step
        first, second = slice_positions_mm(self.grid)[:2].tolist()
        return first, step if second > first else -step

    def position_mm(self, k: float) -> float:
        """Position of a slice along the normal.

        Raises:
            MissingNeedError: The grid is not known.
        """
        first, step = self._normal
        return first + step * k

    def in_mm(self, boxes: Boxes) -> Boxes:
        """Voxel boxes (n, 2 or 3, 2) in mm along row, column and normal, from pixel edge to pixel edge."""
        plane = self.stack.plane_mm(boxes[:, :2])
        if boxes.shape[1] == 2:
            return plane
        first, step = self._normal
        edges = np.sort((boxes[:, 2:] - 0.5) * step + first, axis=2)
        return np.concatenate([plane, edges], axis=1)


@dataclass(frozen=True, eq=False)
class DrawnBox:
    """A box of the reference.

    Args:
        image: Its image: volume and slice, volume, or nothing for the whole scan.
        class_name: What it shows.
        plain: (axes, 2) as compared by IoU.
        scaled: (axes, 2) as compared by centres.
        rows: The voxel boxes in the cohort's table that it stands for: volume, slice_uid and six edges.
        agreement: IoU3D of every pair of its readings.
    """

    image: tuple[str, int]
    class_name: str
    plain: NDArray[np.float64]
    scaled: NDArray[np.float64]
    rows: tuple[Row, ...]
    agreement: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class ReferenceCase:
    """What a case holds.

    Args:
        case: Its id.
        patient: Whose it is.
        series: The volumes that are scored, by role.
        slices: Slice index by volume and slice_uid, as far as boxes name them.
        boxes: Of the reference, of the classes that are scored.
        images: How many images take part.
        findings: What is odd.
        agreement: IoU3D of every pair of readings of one lesion, in several reconstructions.
    """

    case: str
    patient: str
    series: Mapping[str, BoxSeries]
    slices: Mapping[tuple[str, str], int]
    boxes: tuple[DrawnBox, ...]
    images: int
    findings: tuple[Finding, ...]
    agreement: tuple[float, ...] = ()


def box_structures(cohort: Cohort, profile: Profile) -> tuple[str, ...]:
    """The classes that are scored, in order; one name if all classes are one structure.

    Raises:
        SettingsError: Each class is asked for, and the cohort names none.
    """
    target = profile.target
    if target.structure is not None:
        return (target.structure,)
    if isinstance(target.structures, tuple):
        return target.structures
    drawn = cohort.tables.boxes["class"].drop_nulls().unique().sort().to_list()
    named = tuple(cohort.scheme.labels) or tuple(map(str, drawn))
    if not named:
        raise SettingsError(
            expected=f"classes with names, because {profile.name} scores each of them",
            found="none",
            where=f"boxes of cohort {cohort.name!r}",
            remedy="fill the column class of boxes.parquet",
        )
    return named


def protocol_of(profile: Profile) -> BoxProtocol:
    """How a profile compares boxes.

    Raises:
        SettingsError: It is a profile of masks.
    """
    if profile.boxes is None:
        raise SettingsError(
            expected="a profile of boxes",
            found=f"{profile.name}, a profile of {profile.kind}",
            where="profile",
            remedy="choose a profile whose kind is boxes",
        )
    return profile.boxes


def reference_cases(cohort: Cohort, profile: Profile) -> tuple[list[ReferenceCase], list[dict[str, str]]]:
    """The cases that are scored, and rows of case and reason for the others.

    Scored volumes of a case are those of the profile's role (`ct`, `ct.2` ...)
    that hold boxes; without any box, the first one of the role.

    Args:
        cohort: The references.
        profile: A profile of boxes.

    Raises:
        MissingNeedError: No case has anything to score, or boxes must be compared in mm and a grid is not known.
    """
    boxes = protocol_of(profile)
    drawn: dict[str, list[dict[str, Any]]] = {}
    for row in cohort.tables.boxes.unique(maintain_order=True).iter_rows(named=True):
        if row["state"] != "rejected" and _is_of_role(row["volume"], profile.target.role):
            drawn.setdefault(row["case"], []).append(row)
    classes = box_structures(cohort, profile)
    found, unscored = [], []
    for case in cohort:
        roles = [role for role in case.roles if _is_of_role(role, profile.target.role)]
        rows = drawn.get(case.id, [])
        if not rows and not roles:
            unscored.append({"case": case.id, "reason": f"no {profile.target.role} and no boxes"})
        elif not rows and boxes.cases_without_boxes == "unscored":
            unscored.append({"case": case.id, "reason": "no boxes"})
        else:
            roles = list(dict.fromkeys(row["volume"] for row in rows)) or roles[:1]
            series = {role: BoxSeries(role, _grid(cohort, case.id, role), case.id) for role in sorted(roles)}
            found.append(_Reader(case.id, case.patient, series, rows, profile, boxes, classes).read())
    if not found:
        raise MissingNeedError(
            expected=f"cases with boxes on {profile.target.role}",
            found=f"none among {len(cohort)} cases",
            where=f"cohort {cohort.name!r}",
            remedy="ingest the boxes with the images",
        )
    return found, unscored


def unscored_boxes(cohort: Cohort, profile: Profile) -> dict[str, int]:
    """How many boxes a profile leaves aside, by why: on volumes of another role, or rejected."""
    found: dict[str, int] = {}
    for volume, state in cohort.tables.boxes.select("volume", "state").iter_rows():
        is_scored = _is_of_role(volume, profile.target.role)
        why = "rejected" if is_scored and state == "rejected" else "" if is_scored else f"on {volume or 'no volume'}"
        if why:
            found[why] = found.get(why, 0) + 1
    return found


def _is_of_role(volume: str | None, role: str) -> bool:
    return volume == role or (
        volume is not None and volume.startswith(f"{role}.") and volume[len(role) + 1 :].isdigit()
    )


def _grid(cohort: Cohort, case: str, role: str) -> Geometry | None:
    row = next((row for row in cohort.volume_rows(case) if row["role"] == role), None)
    if row is None or row["shape"] is None:
        return None
    affine = np.eye(4) if row["affine"] is None else np.array(row["affine"], np.float64).reshape(4, 4)
    try:
        return Geometry(tuple(row["shape"]), affine)
    except GeometryError:
        return None


@dataclass(frozen=True, eq=False)
class _Reader:
    case: str
    patient: str
    series: Mapping[str, BoxSeries]
    rows: Sequence[Row]
    profile: Profile
    boxes: BoxProtocol
    classes: tuple[str, ...]

    def read(self) -> ReferenceCase:
        findings: list[Finding] = []
        series = {role: one for role, one in self.series.items() if self._is_comparable(one, findings)}
        kept = [row for row in self.rows if row["volume"] in series and self._is_usable(row, findings)]
        drawn = tuple(self._slice_boxes(kept) if self.boxes.dimension == 2 else self._lesions(kept))
        uids = {(row["volume"], row["slice_uid"]): int(row["k0"]) for row in kept if row["slice_uid"]}
        return ReferenceCase(
            case=self.case,
            patient=self.patient,
            series=series,
            slices=uids,
            boxes=drawn,
            images=self._count(drawn, findings),
            findings=tuple(findings),
            agreement=tuple(iou for one in drawn for iou in one.agreement),
        )

    def _is_comparable(self, one: BoxSeries, findings: list[Finding]) -> bool:
        """Whether mm of a series mean what those of the first one mean; asked for scans only."""
        first = next(iter(self.series.values()))
        if self.boxes.image != "scan" or one is first or one.stack.shares_axes(first.stack):
            return True
        words = f"{one.role} lies along other axes than {first.role}: its boxes are left out"
        findings.append(Finding("series_apart", "warning", words, "resample it onto the axes of the others"))
        return False

    def _is_usable(self, row: Row, findings: list[Finding]) -> bool:
        where = f"{row['volume']}, box {[row[name] for name in _EDGES]}"
        if any(row[name] is None for name in _EDGES) or any(
            row[last] <= row[first] for first, last in (_EDGES[:2], _EDGES[2:4], _EDGES[4:])
        ):
            findings.append(
                Finding("reference_box_unusable", "error", f"{where}: no pixel in it", "correct boxes.parquet")
            )
            return False
        if not self.profile.target.is_union and row["class"] not in self.classes:
            words = f"class {row['class']!r}, left out"
            findings.append(Finding("reference_label_unknown", "error", words, "name the class in the profile"))
            return False
        grid = self.series[row["volume"]].grid
        slices = _MOST_SLICES if grid is None else grid.shape[2]
        if not 0 <= row["k0"] < row["k1"] <= slices:
            words = f"{where}: beyond the {slices} slices"
            findings.append(Finding("reference_box_unusable", "error", words, "correct boxes.parquet"))
            return False
        return True

    def _class(self, row: Row) -> str:
        return self.classes[0] if self.profile.target.is_union else str(row["class"])

    def _slice_boxes(self, rows: Sequence[Row]) -> Iterator[DrawnBox]:
        for row in rows:
            plain = np.array([[row["i0"], row["i1"]], [row["j0"], row["j1"]]], np.float64)
            series = self.series[row["volume"]]
            scaled = plain if series.grid is None else series.in_mm(plain[None])[0]
            for k in range(row["k0"], row["k1"]):
                place = {**{name: row[name] for name in (*_EDGES, "volume", "slice_uid")}, "k0": k, "k1": k + 1}
                yield DrawnBox((row["volume"], k), self._class(row), plain, scaled, (place,))

    def _lesions(self, rows: Sequence[Row]) -> Iterator[DrawnBox]:
        """Numbered boxes of one lesion are that lesion; others are linked, and readings of a scan merged."""
        is_scan = self.boxes.image == "scan"
        numbered: dict[tuple[Any, ...], list[SliceBox]] = {}
        free: list[SliceBox] = []
        for row in rows:
            volume = "" if is_scan else row["volume"]
            lesion = row["lesion"]
            group = free if lesion is None else numbered.setdefault((volume, lesion, self._class(row)), [])
            group.extend(self._slices(row))
        for boxes in numbered.values():
            readings = [self._reading(part) for part in _by_reader(boxes)]
            yield self._drawn(BoxLesion(boxes[0].class_name, tuple(readings), ()))
        yield from (self._drawn(lesion) for lesion in self._linked(free, is_scan=is_scan))

    def _slices(self, row: Row) -> Iterator[SliceBox]:
        plane = ((float(row["i0"]), float(row["i1"])), (float(row["j0"]), float(row["j1"])))
        series = self.series[row["volume"]]
        for k in range(row["k0"], row["k1"]):
            yield SliceBox(series.role, str(k), series.position_mm(k), plane, self._class(row), row["reader"] or "")

    def _reading(self, boxes: Sequence[SliceBox]) -> BoxReading:
        ordered = tuple(sorted(boxes, key=lambda box: box.position_mm))
        return BoxReading(self.series[boxes[0].series].stack, boxes[0].class_name, boxes[0].reader, ordered)

    def _linked(self, boxes: Sequence[SliceBox], *, is_scan: bool) -> tuple[BoxLesion, ...]:
        linking = self.boxes.linking
        if linking is None:
            return ()
        stacks = {role: self.series[role].stack for role in {box.series for box in boxes}}
        settings = LinkSettings(linking.minimum_iou, linking.maximum_steps)
        readings = link_boxes(dict.fromkeys(boxes), stacks=stacks, settings=settings)
        if is_scan and linking.merge_iou is not None:
            return merge_readings(readings, settings=MergeSettings(linking.merge_iou))
        return tuple(BoxLesion(reading.class_name, (reading,), ()) for reading in readings)

    def _drawn(self, lesion: BoxLesion) -> DrawnBox:
        extent = lesion.extent_mm
        image = ("", -1) if self.boxes.image == "scan" else (lesion.readings[0].stack.series, -1)
        agreement = tuple(pair.iou_3d for pair in lesion.agreement)
        return DrawnBox(image, lesion.class_name, extent, extent, tuple(map(_extent_row, lesion.readings)), agreement)

    def _count(self, drawn: Sequence[DrawnBox], findings: list[Finding]) -> int:
        """How many images take part."""
        boxed = len({box.image for box in drawn})
        if self.boxes.images_without_reference == "skip":
            return boxed
        if self.boxes.image == "scan":
            return 1
        if self.boxes.image == "series":
            return len(self.series)
        if any(one.grid is None for one in self.series.values()):
            words = "how many slices there are is not known: those with boxes are the images"
            findings.append(Finding("slices_unknown", "warning", words, "add the volume to volumes.parquet"))
            return boxed
        return sum(one.grid.shape[2] for one in self.series.values() if one.grid is not None)


def _by_reader(boxes: Sequence[SliceBox]) -> list[list[SliceBox]]:
    groups: dict[tuple[str, str], list[SliceBox]] = {}
    for box in boxes:
        groups.setdefault((box.series, box.reader), []).append(box)
    return list(groups.values())


def _extent_row(reading: BoxReading) -> dict[str, Any]:
    """The voxel box round the slices of a reading."""
    edges = np.array([box.box for box in reading.boxes])
    slices = [int(box.slice_uid) for box in reading.boxes]
    (i0, j0), (i1, j1) = edges[..., 0].min(axis=0).tolist(), edges[..., 1].max(axis=0).tolist()
    found = {"i0": i0, "i1": i1, "j0": j0, "j1": j1, "k0": min(slices), "k1": max(slices) + 1}
    return {**found, "volume": reading.stack.series, "slice_uid": None}
