"""DICOM SEG files, held against their own header before any pixel is read."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from pydicom.dataset import Dataset

from oncohort.errors import FormatError
from oncohort.formats.dicom.compression import refuse_syntax
from oncohort.formats.dicom.dataset import DatasetValues, parse_header
from oncohort.formats.dicom.frames import FramePixels, Plane
from oncohort.formats.dicom.geometry import DIRECTION_TOLERANCE, LPS_TO_RAS
from oncohort.formats.dicom.header import SEGMENTATIONS
from oncohort.formats.dicom.segmentation import Code, Frame, Kind, Segment, Segmentation
from oncohort.formats.dicom.values import PYDICOM_ERRORS, RawHeader, Unusable, decoded, number, numbers, text

_IMPLICIT, _EXPLICIT, _BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
_PIXEL_DATA = b"\xe0\x7f\x10\x00"
_MOST_PIXELS = 1 << 26
_BITS = {"BINARY": (1,), "FRACTIONAL": (8,), "LABELMAP": (8, 16)}
_GEOMETRY = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
_ALGORITHMS = ("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL")


def read_segmentation(path: str | Path) -> Segmentation:
    """The segments of a DICOM SEG file: BINARY, FRACTIONAL or LABELMAP.

    Only the header is read; it must agree with itself and with the size of the file. Read are implicit and explicit
    VR little endian; fractions and label maps also compressed.

    Raises:
        FormatError: the file cannot be read, is no segmentation, or its header contradicts itself or the file.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     Path(folder, "a.dcm").write_bytes(b"no segmentation")
        ...     try:
        ...         read_segmentation(f"{folder}/a.dcm")
        ...     except FormatError as error:
        ...         print(error.expected)
        15
        a DICOM SEG object
    """
    try:
        return parse_segmentation(path)
    except Unusable as unusable:
        found = f"{unusable.reason}: {unusable.detail}"
        raise FormatError(
            expected="a DICOM SEG object", found=found, where=str(path), remedy="export the segmentation again"
        ) from unusable


def parse_segmentation(path: str | Path) -> Segmentation:
    """What `read_segmentation` gives.

    Raises:
        Unusable: with the reason in a few fixed words.
    """
    try:
        size = Path(path).stat().st_size
        with Path(path).open("rb") as stream:
            raw = parse_header(stream, size)
        return _segmentation(str(path), raw, size)
    except PYDICOM_ERRORS as error:
        raise Unusable("broken DICOM", f"{type(error).__name__}: {error}"[:300]) from error


def _segmentation(path: str, raw: RawHeader, size: int) -> Segmentation:
    if not isinstance(raw.values, DatasetValues):
        raise TypeError("a header that pydicom did not read")
    data = raw.values.data
    if text(data, 0x00080016) not in SEGMENTATIONS:
        raise Unusable("not CT or PET", "no segmentation")
    kind = _kind(data)
    pixels = _pixels(path, data, raw, kind, size)
    segments = tuple(_segments(data))
    padding = _padding(data, segments, kind)
    shown = tuple(segment for segment in segments if not segment.is_background)
    frames = tuple(_frames(data, pixels.frames, kind))
    _check_numbers(shown, frames, pixels, kind)
    return Segmentation(
        path=path,
        kind=kind,
        patient=decoded(data, "PatientID"),
        study=text(data, 0x0020000D),
        frame_of_reference=text(data, 0x00200052),
        series=_series(data),
        segments=shown,
        frames=frames,
        slice_gap_mm=_gap(data),
        padding=padding,
        pixels=pixels,
    )


def _kind(data: Dataset) -> Kind:
    written = text(data, 0x00620001)
    for kind in get_args(Kind):
        if kind == written:
            return kind  # type: ignore[no-any-return]
    raise Unusable("broken DICOM", f"SegmentationType is {written!r}")


def _pixels(path: str, data: Dataset, raw: RawHeader, kind: Kind, size: int) -> FramePixels:
    rows, columns, bits = int(data.Rows), int(data.Columns), int(data.BitsAllocated)
    frames = int(number(text(data, 0x00280008), "NumberOfFrames"))
    if frames < 1 or min(rows, columns) < 1 or rows * columns > _MOST_PIXELS:
        raise Unusable("broken DICOM", f"{frames} frames of {rows} x {columns} pixels")
    if bits not in _BITS[kind] or data.BitsStored != bits or data.SamplesPerPixel != 1 or data.PixelRepresentation:
        raise Unusable("broken DICOM", f"{kind} pixels of {data.BitsStored} bits in {bits}")
    greatest = (1 << bits) - 1
    if kind == "FRACTIONAL":
        greatest = int(data.MaximumFractionalValue)
        if not 1 <= greatest <= 255:
            raise Unusable("broken DICOM", f"MaximumFractionalValue is {greatest}")
    if raw.syntax in (_IMPLICIT, _EXPLICIT):
        expected = -(-frames * rows * columns * bits // 8)
        offset = _uncompressed(raw, expected, size)
        return FramePixels(path, rows, columns, frames, bits, offset, greatest)
    if bits == 1 or raw.syntax == _BIG_ENDIAN:
        raise Unusable("compressed", f"{kind} segmentation in transfer syntax {raw.syntax}")
    refuse_syntax(raw.syntax, bits)
    return FramePixels(path, rows, columns, frames, bits, raw.pixels_at + 12, greatest, raw.syntax)


def _uncompressed(raw: RawHeader, expected: int, size: int) -> int:
    """The byte at which the pixels begin, all of which must be there."""
    head, implicit = raw.pixel_head, raw.syntax == _IMPLICIT
    if len(head) < 12 or head[:4] != _PIXEL_DATA:
        raise Unusable("truncated", "the file ends before its pixel data")
    (length,) = struct.unpack("<I", head[4:8] if implicit else head[8:12])
    offset = raw.pixels_at + (8 if implicit else 12)
    if not expected <= length <= expected + 1:
        raise Unusable("broken DICOM", f"{length} bytes of pixel data instead of {expected}")
    if size - offset < expected:
        raise Unusable("truncated", f"{size - offset} of {expected} bytes of pixel data")
    return offset


def _segments(data: Dataset) -> Iterator[Segment]:
    for item in _items(data, "SegmentSequence"):
        named = int(item.SegmentNumber)
        algorithm = text(item, 0x00620008)
        yield Segment(
            number=named,
            label=decoded(item, "SegmentLabel") or f"segment {named}",
            category=_code(item, "SegmentedPropertyCategoryCodeSequence"),
            type=_code(item, "SegmentedPropertyTypeCodeSequence"),
            algorithm=algorithm if algorithm in _ALGORITHMS else "",
            algorithm_name=decoded(item, "SegmentAlgorithmName"),
            tracking_id=decoded(item, "TrackingID"),
            tracking_uid=text(item, 0x00620021),
            anatomy=tuple(_as_code(one) for one in _items(item, "AnatomicRegionSequence")),
        )


def _code(item: Dataset, keyword: str) -> Code:
    found = _items(item, keyword)
    return _as_code(found[0]) if found else Code("", "", "")


def _as_code(item: Dataset) -> Code:
    value = next(
        (found for name in ("CodeValue", "LongCodeValue", "URNCodeValue") if (found := decoded(item, name))), ""
    )
    return Code(value, decoded(item, "CodingSchemeDesignator"), decoded(item, "CodeMeaning"))


def _padding(data: Dataset, segments: Sequence[Segment], kind: Kind) -> frozenset[int]:
    if kind != "LABELMAP":
        return frozenset()
    values = {segment.number for segment in segments if segment.is_background}
    if all(segment.number or segment.is_background for segment in segments):
        values.add(0)
    if data.get("PixelPaddingValue") is not None:
        values.add(int(data.PixelPaddingValue))
    return frozenset(values)


def _check_numbers(segments: Sequence[Segment], frames: Sequence[Frame], pixels: FramePixels, kind: Kind) -> None:
    numbered = [segment.number for segment in segments]
    highest = pixels.greatest if kind == "LABELMAP" else 0xFFFF
    if len(set(numbered)) < len(numbered) or max(numbered, default=0) > highest:
        raise Unusable("broken DICOM", f"SegmentNumbers {numbered}"[:300])
    strange = {frame.segment for frame in frames if frame.segment is not None}.difference(numbered)
    if strange:
        raise Unusable("broken DICOM", f"frames of segments {sorted(strange)[:10]}, which are not described")


def _frames(data: Dataset, count: int, kind: Kind) -> Iterator[Frame]:
    shared = (_items(data, "SharedFunctionalGroupsSequence") or [Dataset()])[0]
    groups = _items(data, "PerFrameFunctionalGroupsSequence")
    if len(groups) != count:
        raise Unusable("broken DICOM", f"NumberOfFrames is {count}, {len(groups)} frames are described")
    for own in groups:
        segment = None
        if kind != "LABELMAP":
            segment = int(_group(own, shared, "SegmentIdentificationSequence").ReferencedSegmentNumber)
        yield Frame(segment, _plane(own, shared), tuple(_sources(own, shared)))


def _group(own: Dataset, shared: Dataset, keyword: str) -> Dataset:
    found = _items(own, keyword) or _items(shared, keyword)
    if not found:
        raise Unusable("no geometry" if keyword in _GEOMETRY else "broken DICOM", f"no {keyword}")
    return found[0]


def _plane(own: Dataset, shared: Dataset) -> Plane:
    position = numbers(
        DatasetValues(_group(own, shared, "PlanePositionSequence")), 0x00200032, 3, "ImagePositionPatient"
    )
    orientation = DatasetValues(_group(own, shared, "PlaneOrientationSequence"))
    cosines = np.array(numbers(orientation, 0x00200037, 6, "ImageOrientationPatient")).reshape(2, 3)
    measures = DatasetValues(_group(own, shared, "PixelMeasuresSequence"))
    between_rows, between_columns = numbers(measures, 0x00280030, 2, "PixelSpacing")
    if np.abs(cosines @ cosines.T - np.eye(2)).max() > DIRECTION_TOLERANCE or min(between_rows, between_columns) <= 0:
        raise Unusable("no geometry", f"orientation {cosines.tolist()}, spacing {between_rows}, {between_columns}")
    lps = np.column_stack([cosines[0] * between_columns, cosines[1] * between_rows, position])
    return np.asarray(LPS_TO_RAS @ lps)


def _gap(data: Dataset) -> float:
    shared = _items(data, "SharedFunctionalGroupsSequence")
    groups = [*shared[:1], *_items(data, "PerFrameFunctionalGroupsSequence")[:1]]
    measures = [one for group in groups for one in _items(group, "PixelMeasuresSequence")]
    several = len(_items(data, "PerFrameFunctionalGroupsSequence")) > 1
    for tag, name in ((0x00180088, "SpacingBetweenSlices"), (0x00180050, "SliceThickness"))[: 1 if several else 2]:
        for item in measures:
            if written := text(item, tag):
                return abs(number(written, name))
    return 0.0


def _sources(own: Dataset, shared: Dataset) -> Iterator[str]:
    for derivation in _items(own, "DerivationImageSequence") or _items(shared, "DerivationImageSequence"):
        for image in _items(derivation, "SourceImageSequence"):
            if uid := text(image, 0x00081155):
                yield uid


def _series(data: Dataset) -> tuple[str, ...]:
    studies = _items(data, "StudiesContainingOtherReferencedInstancesSequence")
    items = [*_items(data, "ReferencedSeriesSequence")]
    items += [series for study in studies for series in _items(study, "ReferencedSeriesSequence")]
    return tuple(dict.fromkeys(uid for item in items if (uid := text(item, 0x0020000E))))


def _items(data: Dataset, keyword: str) -> list[Dataset]:
    return list(data.get(keyword) or ())
