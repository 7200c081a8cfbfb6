"""Which series a structure set was drawn on, and which of its regions are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from oncohort.errors import FormatError
from oncohort.formats.dicom.header import DicomHeader
from oncohort.formats.dicom.index import DicomIndex
from oncohort.formats.dicom.rtstruct import RtStruct, read_rtstruct
from oncohort.formats.dicom.values import RefusedFile
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
    """The structure set with its series and the regions to keep, or why no case can use it.

    The series that it refers to decides; where it names several or none of those met, the slices that its contours
    name.

    Args:
        header: of the structure set.
        lookup: series that were met.
        roi: names of the regions to keep; None keeps all.
    """
    try:
        structures = read_rtstruct(header.path)
    except FormatError as error:
        return RefusedFile(header.path, "broken DICOM", error.found)
    target = _target(structures, lookup)
    if isinstance(target, RefusedFile):
        return target
    if lookup.usable[target] != (header.patient, header.study):
        detail = "the series it refers to belongs to another patient or study"
        return RefusedFile(header.path, "reference mismatch", detail)
    if not structures.names:
        return RefusedFile(header.path, "no regions", "a structure set that names no region of interest")
    kept = tuple(name for name in _drawn(structures) if roi is None or name in roi)
    if not kept:
        return RefusedFile(header.path, "region not selected", f"it holds {', '.join(structures.names)}"[:300])
    return StructuresFound(header, target, kept)


def _drawn(structures: RtStruct) -> tuple[str, ...]:
    """The regions with contours; all of them if none has any, which is how a reader says "no lesion"."""
    drawn = tuple(name for name in structures.names if any(structures.contours(name)))
    return drawn or structures.names


def _target(structures: RtStruct, lookup: SeriesLookup) -> str | RefusedFile:
    named = {uid for uid in structures.series if uid in lookup.met}
    if len(named) != 1:
        slices = (lookup.by_instance[one] for one in structures.instances if one in lookup.by_instance)
        named = set().union(*slices) or named
    usable = sorted(named.intersection(lookup.usable))
    if len(usable) == 1:
        return usable[0]
    if usable:
        return RefusedFile(structures.path, "several references", f"it was drawn on {', '.join(usable)}"[:300])
    if named:
        return RefusedFile(structures.path, "reference refused", f"series {min(named)} was refused")
    missing = ", ".join(structures.series) or "no series named"
    return RefusedFile(structures.path, "reference missing", f"{missing}: not in this folder"[:300])
