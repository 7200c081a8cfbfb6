"""Which series a structure set or segmentation was drawn on, and which of its regions are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from oncohort.errors import FormatError
from oncohort.formats.dicom.header import DicomHeader
from oncohort.formats.dicom.index import DicomIndex
from oncohort.formats.dicom.rtstruct import RtStruct, read_rtstruct
from oncohort.formats.dicom.segmentation import Segmentation
from oncohort.formats.dicom.segmentation_reading import parse_segmentation
from oncohort.formats.dicom.values import RefusedFile, Unusable
from oncohort.sources.dicom.studies import StructuresFound


@dataclass(frozen=True)
class SeriesLookup:
    """Where a structure set may find its series.

    Attributes:
        by_instance: SeriesInstanceUIDs by SOPInstanceUID of every slice met; more than one where UIDs are reused.
        met: every SeriesInstanceUID met.
        usable: the patient and study of those that form a volume.
    """

    by_instance: Mapping[str, Collection[str]]
    met: Collection[str]
    usable: Mapping[str, tuple[str, str]]

    @staticmethod
    def of(index: DicomIndex, usable: Mapping[str, tuple[str, str]]) -> SeriesLookup:
        """The lookup of all series in an index."""
        by_instance: dict[str, set[str]] = {}
        for uid, slices in index.series.items():
            for header in slices:
                by_instance.setdefault(header.instance, set()).add(uid)
        return SeriesLookup(by_instance, frozenset(index.series), usable)


def attach(header: DicomHeader, lookup: SeriesLookup, roi: Sequence[str] | None) -> StructuresFound | RefusedFile:
    """The structure set or segmentation with its series and the regions to keep, or why no case can use it.

    The series that it refers to decides; where it names several or none of those met, the slices that its contours or
    frames name.

    Args:
        header: of the structure set or segmentation.
        lookup: series that were met.
        roi: names of the regions to keep; None keeps all.
    """
    try:
        return _attached(header, lookup, roi)
    except Unusable as unusable:
        return RefusedFile(header.path, unusable.reason, unusable.detail)


def _attached(header: DicomHeader, lookup: SeriesLookup, roi: Sequence[str] | None) -> StructuresFound:
    drawn = _read(header)
    target = _target(drawn, lookup)
    if lookup.usable[target] != (header.patient, header.study):
        raise Unusable("reference mismatch", "the series it refers to belongs to another patient or study")
    if not drawn.names:
        raise Unusable("no regions", "it names no region of interest and no segment")
    kept = tuple(name for name in _drawn_names(drawn) if roi is None or name in roi)
    if not kept:
        raise Unusable("region not selected", f"it holds {', '.join(drawn.names)}"[:300])
    if isinstance(drawn, RtStruct):
        _check_slices(drawn, kept, target, lookup)
    return StructuresFound(header, target, kept)


def _read(header: DicomHeader) -> RtStruct | Segmentation:
    if header.modality != "SEG":
        try:
            return read_rtstruct(header.path)
        except FormatError as error:
            raise Unusable("broken DICOM", error.found) from error
    found = parse_segmentation(header.path)
    if found.kind == "FRACTIONAL":
        raise Unusable("fractional segmentation", f"fractions of {', '.join(found.names)}"[:300])
    return found


def _check_slices(structures: RtStruct, kept: Collection[str], target: str, lookup: SeriesLookup) -> None:
    """Refuse contours on slices that the series lacks: they would be lost.

    Contours that name none of its slices were drawn before it was given new UIDs; their positions tell where they lie.
    """
    named = {uid for region in structures.regions if region.name in kept for uid in region.instances if uid}
    absent = sorted(uid for uid in named if target not in lookup.by_instance.get(uid, ()))
    if 0 < len(absent) < len(named):
        detail = f"{len(absent)} of {len(named)} slices that contours name are not in series {target}: {absent[0]}"
        raise Unusable("reference missing", detail[:300])


def _drawn_names(drawn: RtStruct | Segmentation) -> tuple[str, ...]:
    """The regions with contours; all of them if none has any, which is how a reader says "no lesion"."""
    if isinstance(drawn, Segmentation):
        return drawn.names
    return tuple(name for name in drawn.names if any(drawn.contours(name))) or drawn.names


def _target(drawn: RtStruct | Segmentation, lookup: SeriesLookup) -> str:
    named = {uid for uid in drawn.series if uid in lookup.met}
    if len(named) != 1:
        slices = (lookup.by_instance[one] for one in drawn.instances if one in lookup.by_instance)
        named = set().union(*slices) or named
    usable = sorted(named.intersection(lookup.usable))
    if len(usable) == 1:
        return usable[0]
    if usable:
        raise Unusable("several references", f"it was drawn on {', '.join(usable)}"[:300])
    if named:
        raise Unusable("reference refused", f"series {min(named)} was refused")
    missing = ", ".join(drawn.series) or "no series named"
    raise Unusable("reference missing", f"{missing}: not in this folder"[:300])
