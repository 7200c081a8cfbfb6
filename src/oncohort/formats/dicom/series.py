"""A DICOM series as a volume: CT in HU, PET in SUVbw."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from oncohort.errors import FormatError, InputError, SuvRefusal
from oncohort.formats.dicom.correction import Correction, StackCorrection, correct_voxels
from oncohort.formats.dicom.geometry import stack_slices
from oncohort.formats.dicom.header import DicomHeader, Identity
from oncohort.formats.dicom.image import ImageFacts
from oncohort.formats.dicom.index import DicomIndex, index_files
from oncohort.formats.dicom.pixels import SliceFile, read_voxels
from oncohort.formats.dicom.values import Unusable
from oncohort.geometry import Geometry
from oncohort.suv import SuvScale, activity_factor, autopet_factor, pet_header, suv_factor, with_alternatives
from oncohort.units import Unit
from oncohort.volume import Volume

SuvRecipe = Literal["suv", "autopet-compat"]
"""Rules by which a PET becomes SUV; see docs/suv.md."""

_AIR_HU = -1024.0
_Scaling = tuple[tuple[float, ...], dict[str, Any], tuple[str, ...]]  # factor by slice, record, warnings


@dataclass(frozen=True)
class DicomSeries:
    """One series whose headers form a volume: all that reading its voxels needs.

    Attributes:
        uid: SeriesInstanceUID.
        modality: "CT" or "PT".
        geometry: the grid.
        slices: files in order along k.
        record: how numbers become HU or SUV (JSON-able).
        warnings: what a user should look at.
        correction: how the slices become the grid, if they do not form it as they are.
    """

    uid: str
    modality: str
    geometry: Geometry
    slices: tuple[SliceFile, ...]
    record: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    correction: StackCorrection | None = None

    @property
    def unit(self) -> Unit:
        """HU for CT; SUVbw for PET, or Bq/ml if that was asked for."""
        return Unit.HU if self.modality == "CT" else Unit(self.record.get("unit", Unit.SUVBW))

    def to_dict(self) -> dict[str, Any]:
        """The series as JSON values; `from_dict` reads it back."""
        return {
            "uid": self.uid,
            "modality": self.modality,
            "shape": list(self.geometry.shape),
            "affine": self.geometry.affine.tolist(),
            "slices": [list(asdict(one).values()) for one in self.slices],
            "record": dict(self.record),
            "warnings": list(self.warnings),
            "correction": None if self.correction is None else self.correction.to_dict(),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> DicomSeries:
        """The series that `to_dict` wrote."""
        return DicomSeries(
            values["uid"],
            values["modality"],
            Geometry(tuple(values["shape"]), values["affine"]),
            tuple(SliceFile(*one) for one in values["slices"]),
            values["record"],
            tuple(values["warnings"]),
            StackCorrection.from_dict(values["correction"]) if values.get("correction") else None,
        )

    def volume(self) -> Volume:
        """The series as a volume; pixels are read on first use."""
        return Volume(self.geometry, self.unit, self._voxels, self.record)

    def _voxels(self) -> NDArray[Any]:
        voxels = read_voxels(self.slices, self.modality)
        if self.correction is None:
            return voxels
        return correct_voxels(voxels, self.correction, _AIR_HU if self.modality == "CT" else 0.0)


def stack_series(
    headers: Sequence[DicomHeader],
    *,
    recipe: SuvRecipe = "suv",
    identity: Identity = "header",
    unit: Unit = Unit.SUVBW,
    correct: Collection[Correction] = (),
) -> DicomSeries:
    """The volume that the slices of one SeriesInstanceUID form.

    Args:
        headers: slices of one series, in any order.
        recipe: how a PET becomes SUV: by the rules of `oncohort.suv`, or as autoPET's published volumes were made.
        identity: "folder" takes also slices that share a SOPInstanceUID.
        unit: of a PET, SUVbw or Bq/ml; CT is in HU.
        correct: what may be corrected by resampling, if it is there: `tilt`, `gaps`.

    Raises:
        Unusable: they are no volume, or their numbers no HU, SUV or activity; with the reason in a few fixed words.
    """
    _check_one_series(headers, identity)
    images = [header.image for header in headers if header.image is not None]
    stack = stack_slices(images, correct)
    first = headers[0]
    factors, record, warnings = _scaled(headers, recipe, unit)
    slices = tuple(slice_file(headers[index], images[index], factors[index]) for index in stack.order)
    record = {**_scaling(slices), **record, "series_uid": first.series, "slices": len(slices)}
    if stack.correction is not None:
        record["correction"] = stack.correction.record
        warnings = (*warnings, f"resampled to correct {' and '.join(stack.correction.kinds)}")
    return DicomSeries(first.series, first.modality, stack.geometry, slices, record, warnings, stack.correction)


def read_series(path: str | Path, *, identity: Identity = "header", correct: Collection[Correction] = ()) -> Volume:
    """The one CT or PET series in a folder: CT in HU (integers), PET in SUVbw (float32).

    Slices are sorted by position along their normal; each has its own rescale slope. i runs along an image row, j
    along a column, k along the normal. The record holds the tags and the rule behind the numbers.

    Args:
        path: a folder with the files of one series; other files in it are passed over.
        identity: what says which files are one series. "folder" takes the word of the caller for it where headers
            have no PatientID or UIDs, or share a SOPInstanceUID, as after careless de-identification. Positions,
            sizes and all else are checked as ever.
        correct: what may be corrected by resampling, if it is there: "tilt" (a tilted gantry, by shear), "gaps" (uneven
            gaps, by interpolation onto a regular stack). The record says what was done.

    Raises:
        FormatError: no series, several, or one that is no volume.
        SuvRefusal: a PET whose SUV cannot be computed.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort import write_phantom_cohort
        >>> with TemporaryDirectory() as there:
        ...     phantoms = write_phantom_cohort(f"{there}/phantoms", cases=1, form="dicom")
        ...     first = min(phantoms.data.rglob("*.dcm"))
        ...     read_series(first.parent).unit
        <Unit.HU: 'HU'>
    """
    return _only_series(Path(path), "CT or PET", identity, correct).volume()


def read_pet(folder: str | Path) -> Volume:
    """The one PET series in a folder in body-weight SUV, or a refusal; never a wrong number.

    Args:
        folder: holds the files of one PET series.

    Raises:
        FormatError: no PET series, several, or one that is no volume.
        SuvRefusal: the SUV cannot be computed; `code` names the reason.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as empty:
        ...     try:
        ...         read_pet(empty)
        ...     except FormatError as error:
        ...         print(error.expected)
        one PET series
    """
    return _only_series(Path(folder), "PET").volume()


def _only_series(
    folder: Path, wanted: str, identity: Identity = "header", correct: Collection[Correction] = ()
) -> DicomSeries:
    index = _index_folder(folder, wanted, identity)
    candidates = {uid: slices for uid, slices in index.series.items() if wanted != "PET" or slices[0].modality == "PT"}
    if len(candidates) != 1:
        found = ", ".join(candidates) or "; ".join(sorted({one.reason for one in index.refused})) or "no files"
        raise _wrong(folder, f"one {wanted} series", found, "name a folder that holds the files of one series")
    (headers,) = candidates.values()
    broken = [one for one in index.refused if one.reason in ("truncated", "broken DICOM", "unreadable")]
    if broken:
        found = f"{broken[0].reason}: {broken[0].detail}"
        raise _wrong(Path(broken[0].path), "an intact DICOM file", found, "fetch the file again")
    try:
        return stack_series(headers, identity=identity, correct=correct)
    except Unusable as unusable:
        if isinstance(unusable.__cause__, SuvRefusal):
            raise unusable.__cause__ from None
        found = f"{unusable.reason} ({unusable.detail})"
        raise _wrong(folder, "slices that form one volume", found, "check the series in a viewer") from unusable


def _index_folder(folder: Path, wanted: str, identity: Identity) -> DicomIndex:
    if not folder.is_dir():
        raise _wrong(folder, f"a folder with one {wanted} series", "no folder", "name an existing folder")
    return index_files(sorted(path for path in folder.iterdir() if path.is_file()), identity=identity)


def _wrong(path: Path, expected: str, found: str, remedy: str) -> InputError:
    return FormatError(expected=expected, found=found, where=str(path), remedy=remedy)


def _check_one_series(headers: Sequence[DicomHeader], identity: Identity) -> None:
    for name in ("patient", "study", "modality", "frame"):
        values = sorted({str(getattr(header, name)) for header in headers})
        if len(values) > 1:
            raise Unusable("two series with one UID", f"{len(values)} values of {name}: {', '.join(values)[:200]}")
    sizes = {(one.image.columns, one.image.rows, one.image.spacing_mm) for one in headers if one.image is not None}
    if len(sizes) > 1:
        raise Unusable("two series with one UID", f"image sizes and spacings {sorted(sizes)}"[:300])
    instances = [header.instance for header in headers]
    if identity == "header" and len(set(instances)) < len(instances):
        raise Unusable("two series with one UID", "two different files have the same SOPInstanceUID")


def _scaled(headers: Sequence[DicomHeader], recipe: SuvRecipe, unit: Unit) -> _Scaling:
    if headers[0].modality == "CT":
        return _hounsfield(headers)
    return _activity(headers, recipe) if unit is Unit.BQML else _uptake(headers, recipe)


def _hounsfield(headers: Sequence[DicomHeader]) -> _Scaling:
    for header in headers:
        kind = header.facts.get("RescaleType", "HU")
        if kind != "HU":
            raise Unusable("not HU", f"RescaleType {kind}")
        _check_rescale(header.image)
    return (1.0,) * len(headers), {"rule": "hu"}, ()


def _check_rescale(image: ImageFacts | None) -> None:
    if image is None or image.slope is None or image.intercept is None or image.slope == 0:
        raise Unusable("no rescale", "RescaleSlope or RescaleIntercept is missing or 0")


def _uptake(headers: Sequence[DicomHeader], recipe: SuvRecipe) -> _Scaling:
    for header in headers:
        _check_rescale(header.image)
    try:
        scale = pet_scale(headers, recipe=recipe)
    except SuvRefusal as refusal:
        raise Unusable("no SUV", f"{refusal.code}: expected {refusal.expected}, found {refusal.found}") from refusal
    return scale.factors, dict(scale.record), scale.warnings


def _activity(headers: Sequence[DicomHeader], recipe: SuvRecipe) -> _Scaling:
    for header in headers:
        _check_rescale(header.image)
    try:
        scale = activity_factor(pet_header([one.facts for one in headers], where=headers[0].path))
    except SuvRefusal as refusal:
        raise Unusable(
            "no activity", f"{refusal.code}: expected {refusal.expected}, found {refusal.found}"
        ) from refusal
    try:
        suv: Mapping[str, Any] = pet_scale(headers, recipe=recipe).record
    except SuvRefusal as refusal:
        suv = {"refused": refusal.code, "expected": refusal.expected, "found": refusal.found}
    record = {**scale.record, "unit": str(Unit.BQML), "suv": dict(suv)}
    return scale.factors, record, scale.warnings


def pet_scale(headers: Sequence[DicomHeader], *, recipe: SuvRecipe = "suv") -> SuvScale:
    """What turns the rescaled values of the slices of one PET series into SUVbw, a factor for each header.

    Args:
        headers: slices of one series.
        recipe: `suv`, or `autopet-compat`, which takes its times from the first file by name.

    Raises:
        SuvRefusal: The header does not permit an honest factor.
    """
    if recipe == "autopet-compat":
        return autopet_factor(_by_file_name(headers), where=headers[0].path)
    slices = [header.facts for header in headers]
    header = pet_header(slices, where=headers[0].path)
    return with_alternatives(suv_factor(header), header, _by_file_name(headers))


def _by_file_name(headers: Sequence[DicomHeader]) -> list[Mapping[str, str]]:
    return [one.facts for one in sorted(headers, key=lambda one: one.path)]


def _scaling(slices: Sequence[SliceFile]) -> dict[str, Any]:
    slopes, intercepts = [one.slope for one in slices], [one.intercept for one in slices]
    return {
        "slope": slopes[0] if len(set(slopes)) == 1 else slopes,
        "intercept": intercepts[0] if len(set(intercepts)) == 1 else intercepts,
    }


def slice_file(header: DicomHeader, image: ImageFacts, factor: float = 1.0) -> SliceFile:
    """Where the pixels of a slice lie, with its own slope and intercept; `factor` comes on top of them."""
    return SliceFile(
        header.path,
        header.bytes,
        header.mtime_ns,
        image.offset,
        image.columns,
        image.rows,
        image.dtype,
        image.bits_stored,
        image.slope or 0.0,
        image.intercept or 0.0,
        factor,
        image.syntax,
    )


def scale_text(record: Mapping[str, Any]) -> str:
    """The record as the JSON text of the column `scale`.

    Examples:
        >>> scale_text({"slope": 1.0, "rule": "hu"})
        '{"rule": "hu", "slope": 1.0}'
    """
    return json.dumps(record, sort_keys=True)
