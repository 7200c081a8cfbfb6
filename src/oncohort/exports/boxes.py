"""The boxes of a cohort, by image slice or by lesion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from oncohort.cohort import Cohort
from oncohort.errors import FormatError
from oncohort.exports.case_files import role_stem, volume_row, wrong_setting
from oncohort.formats import volume_path
from oncohort.geometry import Box
from oncohort.storage import encode_stem

UNNAMED = "lesion"
"""The class of boxes without one."""

_EDGES = (("i0", "i1"), ("j0", "j1"), ("k0", "k1"))


@dataclass(frozen=True)
class BoxChoice:
    """Which boxes of `boxes.parquet` are written; those of state `rejected` never are.

    Args:
        role: Role of the images that they were drawn on; None for all.
        reader: Who drew them; None where there is one.

    Examples:
        >>> BoxChoice("ct").settings()
        {'box_role': 'ct', 'reader': None}
    """

    role: str | None = None
    reader: str | None = None

    def settings(self) -> dict[str, Any]:
        """The choice as JSON values."""
        return {"box_role": self.role, "reader": self.reader}

    def check(self, cohort: Cohort, export: str) -> None:
        """Raise unless there are boxes, all of one reader.

        Raises:
            SettingsError: There are none, or of several readers.
        """
        boxes = cohort.tables.boxes
        if not boxes.height:
            raise wrong_setting(export, "a cohort with boxes", "an empty boxes.parquet", "ingest a set with boxes")
        readers = sorted(boxes["reader"].drop_nulls().unique().to_list())
        if self.reader is None and len(readers) > 1:
            raise wrong_setting(export, "boxes of one reader", ", ".join(readers), "name one with --reader")
        if self.reader is not None and self.reader not in readers:
            raise wrong_setting(export, f"a reader: {', '.join(readers)}", repr(self.reader), "name one of them")

    def rows(self, cohort: Cohort, case: str) -> list[dict[str, Any]]:
        """The rows of the chosen boxes of a case, in the order of the table."""
        table = cohort.tables.boxes
        chosen = table.filter(table["case"] == case).to_dicts()
        return [
            row
            for row in chosen
            if self.role in (None, row["volume"])
            and self.reader in (None, row["reader"])
            and row["state"] != "rejected"
        ]

    def facts(self, cohort: Cohort, case: str) -> list[Any]:
        """JSON values that change when boxes of a case or their images change."""
        rows = [[str(value) for value in row.values()] for row in self.rows(cohort, case)]
        return [rows, [[row["role"], str(row["path"]), list(row["shape"])] for row in cohort.volume_rows(case)]]


@dataclass(frozen=True)
class SliceBoxOfClass:
    """One box on one slice: half-open pixels, x along i and y along j."""

    class_name: str
    x: int
    y: int
    width: int
    height: int
    lesion: str | None = None
    reader: str | None = None


@dataclass(frozen=True)
class SliceImage:
    """One slice and its boxes.

    Attributes:
        stem: Name that no other slice of the cohort has, fit for files.
        file_name: `<SOPInstanceUID>.dcm` where it is known, else the stem.
        volume: Role of the volume.
        volume_file: Where the volume lies, absolute or relative to the cohort.
        k: Which slice of it.
    """

    stem: str
    file_name: str
    case: str
    patient: str
    volume: str
    volume_file: str
    k: int
    slice_uid: str | None
    width: int
    height: int
    boxes: tuple[SliceBoxOfClass, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` reads them back."""
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> SliceImage:
        """The slice that `to_dict` gave."""
        return SliceImage(**{**values, "boxes": tuple(SliceBoxOfClass(**box) for box in values["boxes"])})


def slice_images(
    cohort: Cohort, case: str, choice: BoxChoice, slices: Literal["boxed", "all"]
) -> tuple[list[SliceImage], int]:
    """The slices of a case with their boxes, and how many boxes lie on images that are no slice of a volume.

    A box of several slices stands on each.

    Args:
        cohort: With boxes.
        case: Of it.
        choice: Which boxes.
        slices: Those with boxes, or all of every volume that the choice allows and boxes were drawn on.

    Raises:
        FormatError: A box reaches outside its volume.
        MissingNeedError: A box names a volume that the case does not have.
    """
    rows = choice.rows(cohort, case)
    placed = [row for row in rows if row["volume"] is not None and row["k0"] is not None and row["k1"] is not None]
    on: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in placed:
        box = _box(row, volume_row(cohort, case, row["volume"])["shape"])
        for k in range(box.start[2], box.stop[2]):
            on.setdefault((row["volume"], k), []).append(row)
    for role in dict.fromkeys(row["volume"] for row in placed) if slices == "all" else ():
        for k in range(volume_row(cohort, case, role)["shape"][2]):
            on.setdefault((role, k), [])
    images = [_image(cohort, case, role, k, on[role, k]) for role, k in sorted(on)]
    return images, len(rows) - len(placed)


def lesion_boxes(cohort: Cohort, case: str, choice: BoxChoice) -> list[tuple[str, Box]]:
    """Class and 3D box of every lesion of a case on one volume: the hull of its slice boxes.

    A box without lesion is one of its own. Boxes on images that are no slice of a volume have no third axis and are
    not among them.

    Args:
        cohort: With boxes.
        case: Of it.
        choice: Which boxes; its role is that of the volume.

    Raises:
        FormatError: A box reaches outside the volume.
        MissingNeedError: The case has no such volume.
    """
    shape = volume_row(cohort, case, str(choice.role))["shape"]
    groups: dict[Any, list[dict[str, Any]]] = {}
    for number, row in enumerate(choice.rows(cohort, case)):
        if row["k0"] is not None and row["k1"] is not None:
            own = number if row["lesion"] is None else None
            groups.setdefault((row["lesion"], own, row["class"]), []).append(row)
    return [(rows[0]["class"] or UNNAMED, _hull(_box(row, shape) for row in rows)) for rows in groups.values()]


def class_names(cohort: Cohort) -> list[str]:
    """Every class of the boxes of a cohort, sorted."""
    return sorted({name or UNNAMED for name in cohort.tables.boxes["class"].to_list()})


def _image(cohort: Cohort, case: str, role: str, k: int, rows: list[dict[str, Any]]) -> SliceImage:
    volume = volume_row(cohort, case, role)
    uid = next((row["slice_uid"] for row in rows if row["slice_uid"]), None)
    stem = f"{encode_stem(case)}_{role_stem(role)}_{k:04d}"
    return SliceImage(
        stem=stem,
        file_name=f"{encode_stem(uid)}.dcm" if uid else stem,
        case=case,
        patient=cohort[case].patient,
        volume=role,
        volume_file=volume_path(cohort, volume).absolute().as_posix(),
        k=k,
        slice_uid=uid,
        width=int(volume["shape"][0]),
        height=int(volume["shape"][1]),
        boxes=tuple(_slice_box(row) for row in rows),
    )


def _slice_box(row: dict[str, Any]) -> SliceBoxOfClass:
    x, y = row["i0"], row["j0"]
    width, height = row["i1"] - x, row["j1"] - y
    return SliceBoxOfClass(row["class"] or UNNAMED, x, y, width, height, row["lesion"], row["reader"])


def _box(row: dict[str, Any], shape: Iterable[int]) -> Box:
    edges = [(row[low], row[high]) for low, high in _EDGES]
    limits = tuple(shape)
    if not all(0 <= low < high <= limit for (low, high), limit in zip(edges, limits, strict=True)):
        raise FormatError(
            expected=f"a box inside {limits}",
            found=str(edges),
            where=f"case {row['case']}, boxes.parquet",
            remedy="correct the box, or leave it out",
        )
    (i0, i1), (j0, j1), (k0, k1) = edges
    return Box((i0, j0, k0), (i1, j1, k1))


def _hull(boxes: Iterable[Box]) -> Box:
    listed = list(boxes)
    i0, j0, k0 = (min(box.start[axis] for box in listed) for axis in range(3))
    i1, j1, k1 = (max(box.stop[axis] for box in listed) for axis in range(3))
    return Box((i0, j0, k0), (i1, j1, k1))
