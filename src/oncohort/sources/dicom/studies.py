"""Which series and structure sets make a case, what their roles are, and what the case is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from oncohort.formats.dicom.header import DicomHeader
from oncohort.formats.dicom.series import DicomSeries

_BASES = {"PT": "pet", "CT": "ct"}
_MASK_BASES = {"pet": "lesions", "ct": "lesions_ct"}


@dataclass(frozen=True)
class SeriesFound:
    """A series that forms a volume, and the header of one of its files."""

    header: DicomHeader
    series: DicomSeries

    @property
    def order(self) -> tuple[float, float, str]:
        """Finer slices first, then the lower series number, then the UID."""
        return (round(self.series.geometry.spacing_mm[2], 3), _series_number(self.header), self.header.series)


@dataclass(frozen=True)
class StructuresFound:
    """A structure set or segmentation, the series it was drawn on, and the regions to keep."""

    header: DicomHeader
    target: str
    regions: tuple[str, ...]

    @property
    def order(self) -> tuple[float, str, str]:
        """Lower series number first, then the UIDs."""
        return (_series_number(self.header), self.header.series, self.header.instance)


@dataclass(frozen=True)
class Study:
    """One study of one patient: its volumes and masks by role.

    Attributes:
        patient: PatientID.
        uid: StudyInstanceUID.
        volumes: series by role, PET first.
        masks: structure sets by role.
        apart: roles whose frame of reference is not that of the case.
    """

    patient: str
    uid: str
    volumes: Mapping[str, SeriesFound]
    masks: Mapping[str, StructuresFound]
    apart: tuple[str, ...]

    @property
    def date(self) -> str:
        """StudyDate as YYYYMMDD; "" if missing."""
        return next((found.header.facts.get("StudyDate", "") for found in self.volumes.values()), "")


def pair_studies(series: Sequence[SeriesFound], structures: Sequence[StructuresFound]) -> list[Study]:
    """Series and structure sets paired into studies, by patient and study, in order of patient, date and UID.

    The frame of reference of a case is that of its PET (of its CT if it has none). Only series in that frame get
    the plain roles `ct`, `pet`, `lesions`, `lesions_ct`; others are numbered from 2 and listed as apart, because
    their voxels cannot be laid over those of the case.

    Args:
        series: series that form volumes.
        structures: structure sets, each on one of these series.

    Examples:
        >>> pair_studies([], [])
        []
    """
    groups: dict[tuple[str, str], list[SeriesFound]] = {}
    for found in series:
        groups.setdefault((found.header.patient, found.header.study), []).append(found)
    by_target: dict[str, list[StructuresFound]] = {}
    for drawn in structures:
        by_target.setdefault(drawn.target, []).append(drawn)
    studies = [_study(patient, uid, members, by_target) for (patient, uid), members in groups.items()]
    return sorted(studies, key=lambda study: (study.patient, study.date, study.uid))


def name_cases(studies: Sequence[Study], known: Mapping[str, str]) -> list[str]:
    """A case id for every study, in the same order, each once.

    A patient with one study gives the patient's id; several give `<patient>_<YYYYMMDD>`, and `..._<n>` in order of
    study UID where that is not unique. A study that is known keeps its id, so that ids never change when data are
    added.

    Args:
        studies: in any order.
        known: StudyInstanceUID -> case id of an earlier ingestion.

    Examples:
        >>> study = Study("A", "1.2", {}, {}, ())
        >>> name_cases([study], {}), name_cases([study], {"1.2": "A_20200101"})
        (['A'], ['A_20200101'])
    """
    uids = [study.uid for study in studies]
    patients = [study.patient for study in studies]
    names = {n: known[uid] for n, uid in enumerate(uids) if uid in known and uids.count(uid) == 1}
    taken = set(known.values())
    wanted: dict[str, list[int]] = {}
    for n, study in enumerate(studies):
        if n not in names:
            alone = patients.count(study.patient) == 1 and study.patient not in taken
            wanted.setdefault(study.patient if alone or not study.date else _dated(study), []).append(n)
    for name, group in wanted.items():
        numbered = len(group) > 1 or name in taken
        for n in sorted(group, key=lambda one: uids[one]):
            names[n] = _free(name, taken, numbered=numbered)
            taken.add(names[n])
    return [names[n] for n in range(len(studies))]


def _study(
    patient: str, uid: str, members: Iterable[SeriesFound], by_target: Mapping[str, Sequence[StructuresFound]]
) -> Study:
    ordered = sorted(members, key=lambda found: (found.header.modality != "PT", found.order))
    frame = ordered[0].header.frame
    volumes: dict[str, SeriesFound] = {}
    for found in sorted(ordered, key=lambda one: one.header.frame != frame):
        base = _BASES[found.header.modality]
        volumes[_role(base, volumes, plain=found.header.frame == frame)] = found
    masks: dict[str, StructuresFound] = {}
    for role, found in volumes.items():
        for drawn in sorted(by_target.get(found.header.series, ()), key=lambda one: one.order):
            base = role.partition(".")[0]
            masks[_role(_MASK_BASES[base], masks, plain=role == base)] = drawn
    apart = tuple(role for role, found in volumes.items() if found.header.frame != frame)
    return Study(patient, uid, volumes, masks, apart)


def _role(base: str, taken: Mapping[str, object], *, plain: bool) -> str:
    if plain and base not in taken:
        return base
    number = 2
    while f"{base}.{number}" in taken:
        number += 1
    return f"{base}.{number}"


def _free(name: str, taken: set[str], *, numbered: bool) -> str:
    if not numbered:
        return name
    number = 1
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _dated(study: Study) -> str:
    return f"{study.patient}_{study.date}"


def _series_number(header: DicomHeader) -> float:
    written = header.facts.get("SeriesNumber", "")
    return float(written) if written.lstrip("+-").isdigit() else float("inf")
