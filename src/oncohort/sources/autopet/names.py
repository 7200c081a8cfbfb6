"""What an autoPET case id says: tracer, patient, centre and date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from oncohort.layouts import autopet, deep_psma

_DATES = (
    re.compile(r"(?P<month>\d{2})-(?P<day>\d{2})-(?P<year>\d{4})(?!\d)"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?!\d)"),
)


@dataclass(frozen=True)
class Identity:
    """Who and what a case is, by its id.

    Attributes:
        case: The case id.
        patient: The second token of the id; the id itself if it has no such form.
        study: What follows the patient in the id.
        subset: `fdg`, `psma`, or None for a case of another set.
        tracer: FDG, PSMA or None.
        centre: Where it was scanned, if known.
        licence: Of the set that it comes from.
        study_date: ISO 8601, or None.
    """

    case: str
    patient: str
    study: str = ""
    subset: str | None = None
    tracer: str | None = None
    centre: str | None = None
    licence: str | None = None
    study_date: str | None = None


def identify(case: str) -> Identity:
    """What the id of a case says.

    Ids are those of the published set, those that autoPET V gives to DEEP-PSMA, or foreign ones, which say nothing.

    Examples:
        >>> found = identify("psma_95b833d46f153cd2_2018-04-16")
        >>> found.patient, found.tracer, found.centre, found.study_date
        ('95b833d46f153cd2', 'PSMA', 'LMU', '2018-04-16')
        >>> identify("PSMA_0001").centre, identify("phantom").patient
        ('Peter Mac', 'phantom')
    """
    published = re.fullmatch(autopet.CASE_PATTERN, case, re.DOTALL)
    if published:
        subset = autopet.SUBSETS[published["tracer"]]
        return Identity(
            case=case,
            patient=published["patient"],
            study=published["study"],
            subset=published["tracer"],
            tracer=subset.tracer,
            centre=subset.centre,
            licence=autopet.LICENCE,
            study_date=study_date(published["study"]),
        )
    converted = re.fullmatch(deep_psma.CONVERTED_CASE_PATTERN, case)
    if converted:
        return Identity(
            case=case,
            patient=converted["patient"],
            tracer=converted["tracer"],
            centre=deep_psma.CENTRE,
            licence=deep_psma.LICENCE,
        )
    return Identity(case, case)


def study_date(text: str) -> str | None:
    """The date that a study's name begins with, MM-DD-YYYY (FDG) or YYYY-MM-DD (PSMA), in ISO 8601; None without one.

    Examples:
        >>> study_date("03-23-2003-NA-PET-CT Ganzkoerper"), study_date("2018-04-16"), study_date("13-40-2003")
        ('2003-03-23', '2018-04-16', None)
    """
    for pattern in _DATES:
        found = pattern.match(text)
        if found:
            try:
                return date(int(found["year"]), int(found["month"]), int(found["day"])).isoformat()
            except ValueError:
                return None
    return None


def timepoints(identities: Iterable[Identity]) -> Mapping[str, int | None]:
    """Number of each case among its patient's dated studies of one tracer, 1 for the first; None without a date.

    Two studies of one day share a number.

    Examples:
        >>> timepoints([identify("psma_a_2019-01-01"), identify("psma_a_2018-04-16")])
        {'psma_a_2019-01-01': 2, 'psma_a_2018-04-16': 1}
    """
    listed = list(identities)
    dates: dict[tuple[str, str | None], set[str]] = {}
    for one in listed:
        if one.study_date:
            dates.setdefault((one.patient, one.tracer), set()).add(one.study_date)
    return {
        one.case: sorted(dates[one.patient, one.tracer]).index(one.study_date) + 1 if one.study_date else None
        for one in listed
    }
