"""DICOM SEG files, written with highdicom (the extra `dicom`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

from oncohort.errors import InputError, LabelError
from oncohort.formats.dicom.referenced import EARLIEST, ReferencedSeries, tolerant
from oncohort.formats.dicom.rtstruct_writing import require_names
from oncohort.formats.dicom.segmentation import Code, Segment
from oncohort.formats.dicom.study import DicomStudy
from oncohort.labels import LabelScheme
from oncohort.storage import atomic_path
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

Algorithm = Literal["MANUAL", "SEMIAUTOMATIC", "AUTOMATIC"]

NEOPLASM = (Code("49755003", "SCT", "Morphologically Abnormal Structure"), Code("108369006", "SCT", "Neoplasm"))
"""Category and type of a lesion."""

_ORGAN = Code("123037004", "SCT", "Anatomical Structure")
_TISSUE = Code("85756007", "SCT", "Tissue")
_GREATEST = 255
_MOST_VOXELS = 1 << 33
_FROM_HEADER = ("PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime")


def describe_segments(
    scheme: LabelScheme, *, algorithm: Algorithm, algorithm_name: str = "", lesions: Iterable[str] = ()
) -> dict[str, Segment]:
    """What a segmentation is to say of each label: one segment per label, numbered from 1 by its integer.

    A label with a SNOMED CT code is an anatomical structure of this code, a lesion is a neoplasm, all else a tissue.

    Args:
        scheme: names, integers and codes.
        algorithm: who drew them.
        algorithm_name: the model or program; needed unless a person drew them.
        lesions: labels that are lesions.

    Examples:
        >>> scheme = LabelScheme("liver", {"liver": 5, "lesion": 9}, codes={"liver": "10200004"})
        >>> found = describe_segments(scheme, algorithm="MANUAL", lesions=["lesion"])
        >>> [(one.number, one.type.value, one.type.meaning) for one in found.values()]
        [(1, '10200004', 'liver'), (2, '108369006', 'Neoplasm')]
    """
    known = set(lesions)
    ordered = sorted(scheme.labels, key=lambda name: scheme.labels[name])
    return {
        name: Segment(number, name, *_codes(name, scheme, known), algorithm, algorithm_name)
        for number, name in enumerate(ordered, start=1)
    }


def tracking_uid(patient: str, tracking_id: str) -> str:
    """The TrackingUID of a lesion of a patient: the same at all time points, for the same name.

    Examples:
        >>> tracking_uid("A", "lesion 1") == tracking_uid("A", "lesion 1") != tracking_uid("A", "lesion 2")
        True
    """
    return DicomStudy(patient, EARLIEST, {}, "tracking").uid(tracking_id)


def write_segmentation(
    path: str | Path,
    label_map: LabelMap,
    series: ReferencedSeries,
    segments: Mapping[str, Segment],
    *,
    kind: Literal["BINARY", "LABELMAP"] = "BINARY",
) -> None:
    """Write labels as a DICOM SEG object for a series on disk, in the patient and study of the series.

    Labels that overlap stay apart (BINARY). `read_segmentation` gives back every label with no differing voxel. The
    same labels give the same bytes.

    Args:
        path: the file.
        label_map: labels on the grid of the series.
        series: the images that frames refer to.
        segments: what is said of each label, by name; other labels are left out.
        kind: BINARY is what most programs read; LABELMAP is a newer storage class, of labels that do not overlap.

    Raises:
        InputError: the extra `dicom` is missing, labels that overlap in a LABELMAP, or too many that overlap.
        GeometryError: the labels lie on another grid.
        LabelError: a segment that is no label, a name that DICOM cannot hold, or half a tracking identity.
        OutputError: the file cannot be written.

    Examples:
        >>> segments = describe_segments(masks.scheme, algorithm="MANUAL")  # doctest: +SKIP
        >>> write_segmentation("seg.dcm", masks, read_referenced_series("scan/ct"), segments)  # doctest: +SKIP
    """
    series.geometry.require_same_grid(label_map.geometry, what="labels", where=str(path))
    named = _numbered(segments, str(path))
    for name in named:
        label_map.scheme.value(name)
    pixels = _pixels(label_map, named, kind, str(path))
    _write(path, pixels, series, list(named.values()), kind)


def write_fractions(
    path: str | Path, fractions: Mapping[str, Volume], series: ReferencedSeries, segments: Mapping[str, Segment]
) -> None:
    """Write probabilities as a FRACTIONAL DICOM SEG object; they are rounded to 1/255.

    Args:
        path: the file.
        fractions: probabilities, 0 to 1, on the grid of the series, by the names of `segments`.
        series: the images that frames refer to.
        segments: what is said of each segment.

    Raises:
        InputError: the extra `dicom` is missing, or a volume that holds no probabilities.
        GeometryError: a volume lies on another grid.
        LabelError: a segment without volume, or a name that DICOM cannot hold.
        OutputError: the file cannot be written.
    """
    named = _numbered(segments, str(path))
    missing = sorted(set(named).symmetric_difference(fractions))
    if missing:
        raise _wrong_label("a volume for every segment", ", ".join(missing), str(path))
    planes = []
    for name in named:
        volume = fractions[name]
        series.geometry.require_same_grid(volume.geometry, what=name, where=str(path))
        _require_probability(volume, name, str(path))
        planes.append(np.rint(volume.array.astype(np.float32) * _GREATEST).astype(np.uint8).transpose(2, 1, 0))
    stored = np.stack(planes, axis=-1)
    _write(path, stored.astype(np.float32) / _GREATEST, series, list(named.values()), "FRACTIONAL")


def _numbered(segments: Mapping[str, Segment], where: str) -> dict[str, Segment]:
    """The segments in order of their numbers, numbered from 1 without gaps, as BINARY objects must be."""
    if not segments:
        raise _wrong_label("one segment or more", "none", where)
    ordered = sorted(segments.items(), key=lambda item: item[1].number)
    for name, segment in ordered:
        if bool(segment.tracking_id) != bool(segment.tracking_uid):
            raise _wrong_label("both of tracking_id and tracking_uid, or neither", f"one of {name!r}", where)
        if segment.algorithm != "MANUAL" and not segment.algorithm_name:
            raise _wrong_label("algorithm_name of what is not MANUAL", f"none for {name!r}", where)
    require_names([*segments, *(segment.label for segment in segments.values())], where)
    return {name: replace(segment, number=number) for number, (name, segment) in enumerate(ordered, start=1)}


def _codes(name: str, scheme: LabelScheme, lesions: set[str]) -> tuple[Code, Code]:
    if name in lesions:
        return NEOPLASM
    code = scheme.codes.get(name)
    return (_TISSUE, _TISSUE) if code is None else (_ORGAN, Code(code, "SCT", name[:64]))


def _pixels(
    label_map: LabelMap, named: Mapping[str, Segment], kind: str, where: str
) -> NDArray[np.unsignedinteger[Any]]:
    """Segment numbers (k, j, i), or a plane of 0 and 1 for each segment (k, j, i, segment) if some overlap."""
    if len(label_map.layers) == 1:
        dtype = np.uint8 if len(named) < 256 else np.uint16
        array = label_map.layers[0].array
        table = np.zeros(max(int(array.max(initial=0)), *label_map.scheme.labels.values()) + 1, dtype)
        for name, segment in named.items():
            table[label_map.scheme.value(name)] = segment.number
        numbered: NDArray[Any] = table[array]
        return numbered.transpose(2, 1, 0)
    if kind == "LABELMAP":
        raise _wrong("labels that do not overlap", f"{len(label_map.layers)} layers", where, "write it as BINARY")
    if len(named) * label_map.layers[0].array.size > _MOST_VOXELS:
        found = f"{len(named)} that overlap, on {label_map.layers[0].array.size} voxels"
        raise _wrong("fewer segments", found, where, "write several objects")
    return np.stack([label_map.mask(name).transpose(2, 1, 0) for name in named], axis=-1).astype(np.uint8)


def _require_probability(volume: Volume, name: str, where: str) -> None:
    low, high = float(volume.array.min()), float(volume.array.max())
    if volume.unit is not Unit.PROBABILITY or not (low >= 0.0 and high <= 1.0):
        found = f"{volume.unit} from {low:g} to {high:g}"
        raise _wrong(f"probabilities of {name}, 0 to 1", found, where, "give the probabilities of the model")


def _write(
    path: str | Path, pixels: NDArray[Any], series: ReferencedSeries, segments: Sequence[Segment], kind: str
) -> None:
    highdicom = _highdicom()
    described = repr([asdict(segment) for segment in segments]).encode()
    study = series.study_of(described + kind.encode() + np.ascontiguousarray(pixels).tobytes())
    with _translated(str(path)):
        sources = [_complete(source, series.geometry.spacing_mm[2]) for source in series.datasets()]
        made = highdicom.seg.Segmentation(
            source_images=sources,
            pixel_array=pixels,
            segmentation_type=kind,
            segment_descriptions=[_description(highdicom, segment) for segment in segments],
            series_instance_uid=study.uid("SEG series"),
            series_number=300,
            sop_instance_uid=study.uid("SEG"),
            instance_number=1,
            manufacturer="Oncohort",
            manufacturer_model_name="Oncohort",
            software_versions=version("oncohort"),
            device_serial_number="0",
            series_description="Segmentation",
        )
        _settle(made, sources[0], study)
        with atomic_path(path) as temporary:
            made.save_as(temporary)


def _complete(source: Dataset, gap_mm: float) -> Dataset:
    """A header in UTF-8, with the attributes that may be missing, but that highdicom asks for."""
    source.decode()
    source.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _FROM_HEADER:
        setattr(source, keyword, str(source.get(keyword) or ""))
    if not source.get("SliceThickness"):
        source.SliceThickness = format_number_as_ds(gap_mm)
    return source


def _description(highdicom: Any, segment: Segment) -> Any:
    coded, family = highdicom.sr.CodedConcept, Code("123110", "DCM", "Artificial Intelligence")
    more: dict[str, Any] = {}
    if segment.tracking_uid:
        more = {"tracking_uid": segment.tracking_uid, "tracking_id": segment.tracking_id}
    if segment.algorithm_name:
        more["algorithm_identification"] = highdicom.AlgorithmIdentificationSequence(
            name=segment.algorithm_name, family=coded(family.value, family.scheme, family.meaning), version="0"
        )
    if segment.anatomy:
        more["anatomic_regions"] = [coded(one.value, one.scheme, one.meaning) for one in segment.anatomy]
    return highdicom.seg.SegmentDescription(
        segment_number=segment.number,
        segment_label=segment.label,
        segmented_property_category=coded(segment.category.value, segment.category.scheme, segment.category.meaning),
        segmented_property_type=coded(segment.type.value, segment.type.scheme, segment.type.meaning),
        algorithm_type=segment.algorithm,
        **more,
    )


def _settle(made: Any, source: Dataset, study: DicomStudy) -> None:
    """Put what the clock and chance gave in the place of what the series says."""
    for keyword in ("ContentDate", "InstanceCreationDate", "SeriesDate"):
        if keyword in made:
            setattr(made, keyword, source.StudyDate)
    for keyword in ("ContentTime", "InstanceCreationTime", "SeriesTime"):
        if keyword in made:
            setattr(made, keyword, source.StudyTime)
    for item in made.get("ContributingEquipmentSequence", [])[-1:]:
        item.pop("ContributionDateTime", None)
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = study.uid("dimensions")


def _highdicom() -> Any:
    try:
        return import_module("highdicom")
    except ImportError as error:
        raise _wrong(
            "the package highdicom", str(error), "writing DICOM SEG", "pip install 'oncohort[dicom]'"
        ) from error


@contextmanager
def _translated(where: str) -> Iterator[None]:
    try:
        with tolerant():
            yield
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        found = f"{type(error).__name__}: {error}"[:300]
        raise _wrong(
            "a series that highdicom can refer to", found, where, "correct the headers of the series"
        ) from error


def _wrong(expected: str, found: str, where: str, remedy: str) -> InputError:
    return InputError(expected=expected, found=found, where=where, remedy=remedy)


def _wrong_label(expected: str, found: str, where: str) -> LabelError:
    return LabelError(expected=expected, found=found, where=where, remedy="correct the segments")
