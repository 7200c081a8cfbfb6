"""What was injected, how much of it, when, and how fast it decays."""

from __future__ import annotations

from datetime import datetime, timedelta

from oncohort.suv.clock import local_datetime, parse_datetime, parse_time, seconds, utc_offset
from oncohort.suv.findings import Finding
from oncohort.suv.header import PetHeader

WINDOW_HALF_LIVES = 10.0
"""An injection lies at most this many half-lives before the reference time."""

SCRUBBED_DAYS = 300
"""Dates further apart than this were changed by anonymisation."""

_NUCLIDES_S = {
    "C-11": (1221.8, "40565003", "C-105A1"),
    "N-13": (597.9, "21576001", "C-107A1"),
    "O-15": (122.2, "129504001", "C-B1038"),
    "F-18": (6586.2, "77004003", "C-111A1"),
    "Cu-64": (45721.0, "3932008", "C-127A2"),
    "Ga-68": (4057.7, "35337001", "C-131A3"),
    "Zr-89": (282276.0, "63360001", "C-168A4"),
    "I-124": (360806.0, "40937006", "C-114A5"),
}
_HALF_LIVES_S = {code: (name, seconds) for name, (seconds, *codes) in _NUCLIDES_S.items() for code in codes}
_GE_TIMES = {
    "GEAdministrationDateTime": "",
    "GEMeasurementDateTime": "the time of the dose measurement stood in for the injection, which the header lacks",
}
_BELOW_THIS_MBQ = 1e5
_ABOVE_THIS_GRAM = 1000.0
_HALF_LIFE_AGREEMENT = 0.05
_LONGEST_HALF_LIFE_S = 1e8


def nuclide_name(code: str) -> str | None:
    """The radionuclide that a code (SNOMED CT or SRT) means, such as "F-18"; None if it is not known.

    Examples:
        >>> nuclide_name("C-111A1")
        'F-18'
    """
    known = _HALF_LIVES_S.get(code)
    return None if known is None else known[0]


def weight_kg(header: PetHeader) -> Finding:
    """Body weight in kg; above 1000 it was written in gram.

    Raises:
        SuvRefusal: missing or 0 (`weight_missing`), impossible or swapped with the height (`weight_implausible`).

    Examples:
        >>> weight_kg(PetHeader("series 1", {"PatientWeight": "71000"}, ())).value
        71.0
    """
    weight, size = header.number("PatientWeight"), header.number("PatientSize")
    if weight is None or weight <= 0:
        found = header.text("PatientWeight") or "none"
        raise header.refusal("weight_missing", expected="PatientWeight in kg", found=found)
    if _is_swapped(weight, size):
        found = f"weight {weight:g}, height {size:g}"
        raise header.refusal("weight_implausible", expected="PatientWeight in kg and PatientSize in m", found=found)
    if weight > _ABOVE_THIS_GRAM:
        return Finding(weight / 1000, "PatientWeight", (f"PatientWeight {weight:g} was read as gram",))
    return Finding(weight, "PatientWeight")


def dose_bq(header: PetHeader) -> Finding:
    """Injected activity in Bq; below 1e5 it was written in MBq.

    Raises:
        SuvRefusal: missing or 0 (`dose_missing`), or several tracers (`several_tracers`).

    Examples:
        >>> dose_bq(PetHeader("series 1", {"RadionuclideTotalDose": "368.08"}, ())).value
        368080000.0
    """
    if (header.number("RadiopharmaceuticalCount") or 1) > 1:
        found = f"{header.text('RadiopharmaceuticalCount')} items"
        raise header.refusal("several_tracers", expected="one radiopharmaceutical", found=found)
    dose = header.number("RadionuclideTotalDose")
    if dose is None or dose <= 0:
        found = header.text("RadionuclideTotalDose") or "none"
        raise header.refusal("dose_missing", expected="RadionuclideTotalDose in Bq", found=found)
    if dose < _BELOW_THIS_MBQ:
        return Finding(dose * 1e6, "RadionuclideTotalDose", (f"RadionuclideTotalDose {dose:g} was read as MBq",))
    return Finding(dose, "RadionuclideTotalDose")


def half_life_s(header: PetHeader) -> Finding:
    """Half-life in s from the header, else from the radionuclide's code.

    Raises:
        SuvRefusal: neither is there (`half_life_missing`); they disagree or are impossible
            (`half_life_contradiction`).

    Examples:
        >>> half_life_s(PetHeader("series 1", {"RadionuclideCode": "C-111A1"}, ())).value
        6586.2
    """
    code = header.text("RadionuclideCode")
    nuclide, expected = _HALF_LIVES_S.get(code, ("", 0.0))
    value = header.number("RadionuclideHalfLife")
    if value is None or value <= 0:
        if nuclide:
            return Finding(expected, f"code {code}", (f"half-life missing; {nuclide} by its code {code}",))
        raise header.refusal("half_life_missing", expected="RadionuclideHalfLife in s", found=f"{value}, code {code!r}")
    if value > _LONGEST_HALF_LIFE_S or (nuclide and abs(value / expected - 1) > _HALF_LIFE_AGREEMENT):
        found = f"{value:g} s beside code {code!r} ({nuclide or 'unknown'})"
        raise header.refusal("half_life_contradiction", expected="one radionuclide", found=found)
    return Finding(value, "RadionuclideHalfLife")


def seconds_since_injection(header: PetHeader, reference: datetime, half_life: float) -> Finding:
    """Seconds from the injection to the reference time.

    The full date and time counts first. A time of day alone is put on the day of the reference time, or on the day
    before if it lies later. Where anonymisation tore the dates apart, only the times of day count. Without either,
    GE's private administration time counts, or the time of its dose measurement.

    Args:
        header: the series.
        reference: the time to which activities refer.
        half_life: in s.

    Raises:
        SuvRefusal: no time (`injection_missing`), or none between 0 and `WINDOW_HALF_LIVES` half-lives before the
            reference (`injection_implausible`).

    Examples:
        >>> header = PetHeader("series 1", {"RadiopharmaceuticalStartTime": "233000"}, ())
        >>> seconds_since_injection(header, datetime(2025, 1, 2, 0, 30), 6586.2).value
        3600.0
    """
    written, zone = header.text("RadiopharmaceuticalStartDateTime"), header.text("TimezoneOffsetFromUTC")
    full = local_datetime(written, zone)
    clock = parse_time(header.text("RadiopharmaceuticalStartTime"))
    notes: list[str] = []
    if full is not None and utc_offset(written) is not None and utc_offset(zone) is None:
        notes.append("the offset from UTC of the injection was left aside: the scan names no time zone")
    if full is not None:
        agrees = clock is None or abs(seconds(full, datetime.combine(full, clock))) <= 1
        if not agrees:
            notes.append(f"injection time {clock} and date-time {full} disagree; the latter was taken")
        torn = abs(seconds(reference, full)) > SCRUBBED_DAYS * 86400
        if not (torn and agrees):
            elapsed = Finding(seconds(reference, full), "RadiopharmaceuticalStartDateTime", tuple(notes))
            return _plausible(header, elapsed, half_life)
        notes.append(f"injection {full.date()} and scan {reference.date()} lie apart; only the times of day were used")
        clock = full.time()
    if clock is None:
        return _plausible(header, _by_private_time(header, reference), half_life)
    instant = datetime.combine(reference, clock)
    if instant > reference:
        instant -= timedelta(days=1)
    source = "RadiopharmaceuticalStartTime" if full is None else "time of RadiopharmaceuticalStartDateTime"
    return _plausible(header, Finding(seconds(reference, instant), source, tuple(notes)), half_life)


def _by_private_time(header: PetHeader, reference: datetime) -> Finding:
    for name, note in _GE_TIMES.items():
        instant = parse_datetime(header.text(name))
        if instant is not None:
            return Finding(seconds(reference, instant), name, (note,) if note else ())
    raise header.refusal("injection_missing", expected="the time of injection", found="none")


def _plausible(header: PetHeader, elapsed: Finding, half_life: float) -> Finding:
    if 0 <= elapsed.value <= WINDOW_HALF_LIVES * half_life:
        return elapsed
    raise header.refusal(
        "injection_implausible",
        expected=f"an injection 0 to {WINDOW_HALF_LIVES * half_life:.0f} s before the reference time",
        found=f"{elapsed.value:.0f} s ({elapsed.source})",
    )


def _is_swapped(weight: float, size: float | None) -> bool:
    if size is None or size <= 0:
        return False
    return (weight < 2.5 and size > 25) or (weight > 100 and 25 < size < 100 and weight < 230)
