"""Which predicted boxes belong to which case and image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oncohort.errors import InputError, OncohortError, PredictionError
from oncohort.evaluation.boxes_reference import BoxSeries, ReferenceCase
from oncohort.evaluation.findings import Finding
from oncohort.formats.box_files import BOX_FILES, EDGES, find_box_files, read_predicted_boxes
from oncohort.profiles import BoxProtocol

Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class BoxPredictions:
    """The predicted boxes of one model.

    Args:
        model: Whose.
        path: The file; None if there is none that can be read.
        rows: By case, in the order of the file; an empty list for a case that was looked at without finding.
        findings: What is wrong or odd with the file.
    """

    model: str
    path: Path | None
    rows: Mapping[str, list[dict[str, Any]]]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class PlacedBox:
    """A predicted box on an image of its case.

    Args:
        image: Volume and slice, volume, or nothing for the whole scan.
        class_name: As the prediction says; None if it says nothing.
        score: Higher is surer.
        plain: (axes, 2) as compared by IoU.
        scaled: (axes, 2) as compared by centres.
        row: Volume, slice_uid and six edges in voxels.
    """

    image: tuple[str, int]
    class_name: str | None
    score: float
    plain: NDArray[np.float64]
    scaled: NDArray[np.float64]
    row: Row


def read_model(model: str, folder: Path, cases: Sequence[str], known: Sequence[str]) -> BoxPredictions:
    """The predictions in a folder; a file that cannot be read is a finding.

    Args:
        model: Whose.
        folder: Holds one of `BOX_FILES`.
        cases: Ids of the cases that are scored.
        known: Ids of all cases of the cohort.

    Raises:
        PredictionError: There is no such folder.
    """
    if not folder.is_dir():
        raise _wrong("a folder of predictions", "no such folder", f"predictions of {model!r}: {folder}")
    files = find_box_files(folder)
    if len(files) != 1:
        found = " and ".join(path.name for path in files) or "none of them"
        evidence = f"expected one of {', '.join(BOX_FILES)}, found {found}"
        return BoxPredictions(model, None, {}, (_unusable(model, evidence, folder),))
    try:
        table = read_predicted_boxes(files[0])
    except InputError as error:
        evidence = f"expected {error.expected}, found {error.found}"
        return BoxPredictions(model, None, {}, (_unusable(model, evidence, files[0]),))
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in table.iter_rows(named=True):
        group = rows.setdefault(row["case"], [])
        if row["score"] is not None or row["problem"] is not None:
            group.append(row)
    findings = tuple(_unmatched(model, rows, table, files[0], set(known)))
    return BoxPredictions(model, files[0], {case: rows[case] for case in cases if case in rows}, findings)


def _unmatched(
    model: str, rows: Mapping[str, list[Any]], table: pl.DataFrame, path: Path, known: set[str]
) -> list[Finding]:
    strangers = [case for case in rows if case not in known]
    remedy = "name the rows by the cases of the cohort"
    return [
        Finding(
            "prediction_unmatched",
            "warning",
            f"{len(rows[case])} boxes of no such case",
            remedy,
            model,
            case,
            str(path),
        )
        for case in strangers
    ]


def place_boxes(
    rows: Sequence[Row], case: ReferenceCase, boxes: BoxProtocol
) -> tuple[tuple[PlacedBox, ...], tuple[Finding, ...]]:
    """Predicted rows of a case on its images.

    Boxes on a volume that is not scored are left out with a warning.

    Args:
        rows: From `read_model`.
        case: What the case holds.
        boxes: Of the profile.

    Raises:
        PredictionError: A row has a problem, or lies on a slice or beyond the edges of a volume that the case does
            not have: then none of the case can be trusted.
    """
    placed, elsewhere = [], []
    for row in rows:
        if row["problem"] is not None:
            raise _wrong("numbers of a box", str(row["problem"]), case.case)
        volume = row["volume"] or next(iter(case.series))
        if volume not in case.series:
            elsewhere.append(volume)
            continue
        placed.append(_place(row, case.series[volume], case, boxes))
    findings = [
        Finding(
            "prediction_unmatched",
            "warning",
            f"{elsewhere.count(volume)} boxes on {volume[:60]}, which is not scored",
            f"predict on {', '.join(case.series)}",
        )
        for volume in dict.fromkeys(elsewhere)
    ]
    return tuple(placed), tuple(findings)


def _place(row: Row, series: BoxSeries, case: ReferenceCase, boxes: BoxProtocol) -> PlacedBox:
    first, last = _slices(row, series, case)
    edges = np.array([[row["i0"], row["i1"]], [row["j0"], row["j1"]], [first, last]], np.float64)
    _require_inside(edges, series, case)
    place = {**dict(zip(EDGES, edges.reshape(-1).tolist(), strict=True)), "volume": series.role}
    place["slice_uid"] = row["slice_uid"]
    if boxes.dimension == 3:
        scaled = series.in_mm(edges[None])[0]
        image = ("" if boxes.image == "scan" else series.role, -1)
        return PlacedBox(image, row["class"], row["score"], scaled, scaled, place)
    if last - first != 1 or first != round(first):
        raise _wrong("a box on one slice", f"k0 {first:g} to k1 {last:g}", f"{case.case}, {series.role}")
    plain = edges[:2]
    scaled = plain if series.grid is None else series.in_mm(plain[None])[0]
    return PlacedBox((series.role, int(first)), row["class"], row["score"], plain, scaled, place)


def _slices(row: Row, series: BoxSeries, case: ReferenceCase) -> tuple[float, float]:
    """First slice and the one beyond the last, from `k0` and `k1`, else from the slice's identifier."""
    known = None if row["slice_uid"] is None else case.slices.get((series.role, row["slice_uid"]))
    if row["k0"] is None:
        if known is None:
            found = f"{str(row['slice_uid'])[:80]!r}, which no box of the cohort names, and no k0"
            raise _wrong("a slice of the case", found, f"{case.case}, {series.role}")
        return float(known), float(known + 1)
    if known is not None and known != row["k0"]:
        raise _wrong(f"slice {known}, as slice_uid says", f"k0 {row['k0']:g}", f"{case.case}, {series.role}")
    return row["k0"], row["k1"]


def _require_inside(edges: NDArray[np.float64], series: BoxSeries, case: ReferenceCase) -> None:
    """Raise if a box reaches no voxel, or a slice beyond the volume."""
    if series.grid is None:
        return
    shape = series.grid.shape
    is_off = any(stop <= 0 or start >= size for (start, stop), size in zip(edges, shape, strict=True))
    if is_off or edges[2, 0] < -0.5 or edges[2, 1] > shape[2] + 0.5:
        found = f"i, j, k from {edges[:, 0].tolist()} to {edges[:, 1].tolist()}"
        raise _wrong(
            f"a box on the grid of {shape[0]} x {shape[1]} x {shape[2]} voxels", found, f"{case.case}, {series.role}"
        )


def _unusable(model: str, evidence: str, path: Path) -> Finding:
    remedy = f"save the boxes of all cases as {', '.join(BOX_FILES)}"
    return Finding("model_without_predictions", "error", evidence, remedy, model, path=str(path))


def _wrong(expected: str, found: str, where: str) -> OncohortError:
    remedy = "predict on the volumes of the cohort, in voxels counted from 0"
    return PredictionError(expected=expected, found=found, where=where, remedy=remedy)
