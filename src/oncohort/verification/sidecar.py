"""The JSON file beside an image, field by field against the DICOM header."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.formats.dicom.header import DicomHeader
from oncohort.verification.verdict import FieldCheck, Finding

MOST_BYTES = 64 * 2**20
_DOSE_FIELDS = ("InjectedRadioactivity", "InjectionStart", "RadionuclideHalfLife", "PatientWeight")
_SUV_WORDS = {"suv", "suvbw", "gml", "g/ml", "gperml"}
_ACTIVITY_WORDS = {"bqml", "bq/ml", "bq/cc", "bq/cm3"}
_TIME = re.compile(r"^(?:\d{4}-\d{2}-\d{2}T|\d{8}T?)?(\d{2}):?(\d{2}):?(\d{2}(?:\.\d+)?)?$")
_RELATIVE = 1e-5
_SECONDS = 1.0


@dataclass(frozen=True)
class Sidecar:
    """A sidecar as it was read: its fields, or why it cannot be."""

    path: str
    fields: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()


def read_sidecar(path: Path) -> Sidecar:
    """The fields of a sidecar; a file that is no strict JSON object becomes a finding.

    Strict means: UTF-8, no key twice, no NaN, an object at the top, at most 64 MiB.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "a.json").write_text('{"Units": "Bq/mL", "Units": "HU"}')
        ...     read_sidecar(Path(folder) / "a.json").findings[0].text
        'the sidecar is no strict JSON: the key Units stands there twice'
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise ValueError(f"{size} bytes")  # noqa: TRY301 - one place says what a bad sidecar is
        found = json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (OSError, ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        return Sidecar(str(path), {}, (Finding("sidecar_unreadable", f"the sidecar is no strict JSON: {reason}"),))
    if not isinstance(found, dict):
        return Sidecar(str(path), {}, (Finding("sidecar_unreadable", "the sidecar is no strict JSON: no object"),))
    return Sidecar(str(path), found)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen = [name for name, _ in pairs]
        twice = next(name for name in seen if seen.count(name) > 1)
        raise ValueError(f"the key {twice[:80]} stands there twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def label_of(fields: Mapping[str, Any], image: Path) -> tuple[str, str]:
    """What the image is called, `suv`, `native` or "", and who says so."""
    units = re.sub(r"[\s_]", "", str(fields.get("Units", ""))).lower().replace("^-1", "")
    if units in _SUV_WORDS:
        return "suv", f"Units {fields['Units']} of the sidecar"
    if units in _ACTIVITY_WORDS:
        return "native", f"Units {fields['Units']} of the sidecar"
    if re.search(r"(?<![a-z])suv(bw)?(?![a-z])", image.name.lower()):
        return "suv", f"the file name {image.name}"
    return "", ""


def series_of(fields: Mapping[str, Any]) -> str:
    """SeriesInstanceUID of a sidecar; "" if it has none."""
    return str(fields.get("SeriesInstanceUID") or _own(fields).get("series_uid") or "")


def recipe_of(fields: Mapping[str, Any]) -> str:
    """The recipe by which Oncohort says that it made the SUV; "" if it says none."""
    return str(_scale(fields).get("recipe") or "")


def _own(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    found = fields.get("Oncohort")
    return found if isinstance(found, dict) else {}


def _scale(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _own(fields).get("scale")
    return found if isinstance(found, dict) else {}


def factor_findings(fields: Mapping[str, Any], factors: Sequence[float], text: str) -> Iterator[Finding]:
    """Whether the factor in the record of Oncohort's sidecar is that of the header.

    Args:
        fields: The sidecar.
        factors: By the header, one for each slice.
        text: What they lead to.
    """
    found = _scale(fields).get("factor")
    if found is None or not factors:
        return
    values = found if isinstance(found, list) else [found]
    wanted = set(factors)
    known = [_number(value) for value in values]
    right = all(value is not None and any(math.isclose(value, one, rel_tol=1e-6) for one in wanted) for value in known)
    if not right:
        listed = ", ".join(f"{one:.9g}" for one in sorted(wanted)[:3])
        yield Finding("field_differs", f"Oncohort.scale.factor is {_short(found)}, the header says {listed} ({text})")


def check_fields(fields: Mapping[str, Any], headers: Sequence[DicomHeader]) -> tuple[FieldCheck, ...]:
    """Every field of the sidecar that the header can check, and dose fields of a PET that are absent.

    Args:
        fields: The sidecar.
        headers: Slices of the series in order.
    """
    facts = [one.facts for one in headers]
    found = list(_checked(fields, _expectations(fields, facts, headers[0])))
    if headers[0].modality == "PT":
        wanted = [(name, _absent_value(name, facts[0])) for name in _DOSE_FIELDS if name not in fields]
        found += [FieldCheck(name, value, None, "absent") for name, value in wanted if value]
    return tuple(found)


_Rule = Callable[[Any, Any], bool]
_Expected = tuple[Any, _Rule]


def _checked(fields: Mapping[str, Any], expectations: Mapping[str, _Expected]) -> Iterator[FieldCheck]:
    for name, (expected, rule) in expectations.items():
        if name in fields and expected not in (None, "", []):
            found = fields[name]
            yield FieldCheck(name, expected, found, "equal" if rule(expected, found) else "differs")


def _expectations(
    fields: Mapping[str, Any], facts: Sequence[Mapping[str, str]], header: DicomHeader
) -> dict[str, _Expected]:
    first = facts[0]
    rules: dict[str, _Expected] = {
        name: (
            _texts(name, facts),
            _same_time if name.endswith("Time") and name != "FrameReferenceTime" else _same_text,
        )
        for name in first
        if name not in ("Units", "ImageType", "FrameReferenceTime", "ActualFrameDuration", "RescaleSlope")
    }
    rules |= {
        "Manufacturer": (first.get("Manufacturer"), _similar),
        "Modality": (header.modality, _same_text),
        "SeriesInstanceUID": (header.series, _same_text),
        "StudyInstanceUID": (header.study, _same_text),
        "FrameOfReferenceUID": (header.frame, _same_text),
    }
    if header.modality == "PT":
        rules |= _pet_expectations(fields, facts)
    return rules


def _pet_expectations(fields: Mapping[str, Any], facts: Sequence[Mapping[str, str]]) -> dict[str, _Expected]:
    first = facts[0]
    return {
        "Units": (_units(first), _same_units),
        "InjectedRadioactivity": (_dose(first, fields), _same_number),
        "RadionuclideTotalDose": (_number(first.get("RadionuclideTotalDose")), _same_number),
        "RadionuclideHalfLife": (_number(first.get("RadionuclideHalfLife")), _same_number),
        "TracerName": (first.get("Radiopharmaceutical"), _similar),
        "BodyWeight": (_number(first.get("PatientWeight")), _same_number),
        "FrameDuration": (_all_seconds("ActualFrameDuration", facts), _among),
        "DecayCorrectionFactor": (_all_numbers("DecayFactor", facts), _among),
        "TimeZero": (_texts("SeriesTime", facts) + _texts("AcquisitionTime", facts) + _injections(first), _same_time),
        "InjectionStart": (_injections(first), _starts_at(fields)),
        "ScanStart": (_texts("AcquisitionTime", facts) + _texts("SeriesTime", facts), _starts_at(fields)),
        "ImageDecayCorrected": (first.get("DecayCorrection"), _same_decay),
    }


def _texts(name: str, facts: Sequence[Mapping[str, str]]) -> list[str]:
    return list(dict.fromkeys(one[name] for one in facts if one.get(name)))


def _all_numbers(name: str, facts: Sequence[Mapping[str, str]]) -> list[float]:
    return [value for text in _texts(name, facts) if (value := _number(text)) is not None]


def _all_seconds(name: str, facts: Sequence[Mapping[str, str]]) -> list[float]:
    return [value / 1000 for value in _all_numbers(name, facts)]


def _injections(first: Mapping[str, str]) -> list[str]:
    stamp = first.get("RadiopharmaceuticalStartDateTime", "")
    clock = first.get("RadiopharmaceuticalStartTime", "")
    return [text for text in (stamp[8:].split("+")[0].split("-")[0], clock) if text]


def _dose(first: Mapping[str, str], fields: Mapping[str, Any]) -> float | None:
    dose = _number(first.get("RadionuclideTotalDose"))
    if dose is None:
        return None
    dose = dose * 1e6 if dose < 1e5 else dose
    return dose / {"mbq": 1e6, "kbq": 1e3}.get(str(fields.get("InjectedRadioactivityUnits", "MBq")).lower(), 1.0)


def _units(first: Mapping[str, str]) -> str:
    return first.get("Units", "")


def _absent_value(name: str, first: Mapping[str, str]) -> Any:
    if name == "InjectedRadioactivity":
        return _dose(first, {})
    return _injections(first) if name == "InjectionStart" else _number(first.get(name))


def _same_text(expected: Any, found: Any) -> bool:
    choices = expected if isinstance(expected, list) else [expected]
    return any(_one_text(str(one), found) for one in choices)


def _one_text(expected: str, found: Any) -> bool:
    if isinstance(found, list):
        return [part.strip().lower() for part in expected.split("\\")] == [str(part).strip().lower() for part in found]
    number, other = _number(expected), _number(found)
    if number is not None and other is not None:
        return _same_number(number, other)
    return _bare(expected) == _bare(str(found))


def _similar(expected: Any, found: Any) -> bool:
    """Whether one name holds the other: converters shorten them."""
    names = [_bare(str(one)) for one in (expected[0] if isinstance(expected, list) else expected, found)]
    return bool(all(names)) and (names[0] in names[1] or names[1] in names[0])


def _bare(text: str) -> str:
    return re.sub(r"[\s_^]+", "", text).lower()


def _same_number(expected: Any, found: Any) -> bool:
    value = _number(found)
    return value is not None and math.isclose(value, float(expected), rel_tol=_RELATIVE, abs_tol=1e-12)


def _among(expected: Any, found: Any) -> bool:
    values = found if isinstance(found, list) else [found]
    return bool(values) and all(any(_same_number(one, value) for one in expected) for value in values)


def _same_units(expected: Any, found: Any) -> bool:
    """Whether a unit may stand there: that of the header, or SUV, which is compared by voxels."""
    known = {"BQML": _ACTIVITY_WORDS, "GML": _SUV_WORDS}
    bare = re.sub(r"[\s_]", "", str(found)).lower()
    return bare in known.get(expected, {_bare(str(expected))}) or bare in _SUV_WORDS


def _same_decay(expected: Any, found: Any) -> bool:
    return isinstance(found, bool) and found == (expected != "NONE")


def _same_time(expected: Any, found: Any) -> bool:
    instant = clock_seconds(found)
    choices = expected if isinstance(expected, list) else [expected]
    known = [value for one in choices if (value := clock_seconds(one)) is not None]
    return instant is not None and any(_apart(instant, one) <= _SECONDS for one in known)


def _starts_at(fields: Mapping[str, Any]) -> _Rule:
    def rule(expected: Any, found: Any) -> bool:
        zero, start = clock_seconds(fields.get("TimeZero", fields.get("SeriesTime"))), _number(found)
        if zero is None or start is None:
            return False
        return any((at := clock_seconds(one)) is not None and _apart(zero + start, at) <= _SECONDS for one in expected)

    return rule


def _apart(one: float, other: float) -> float:
    """Seconds between two times of day, midnight allowed for."""
    gap = abs(one - other) % 86400
    return min(gap, 86400 - gap)


def clock_seconds(value: Any) -> float | None:
    """Seconds of the day in a DICOM or ISO time.

    Examples:
        >>> clock_seconds("11:00:00.5"), clock_seconds("110000.500"), clock_seconds("noon")
        (39600.5, 39600.5, None)
    """
    match = _TIME.match(str(value).strip())
    if match is None:
        return None
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3] or 0)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def field_findings(checks: Sequence[FieldCheck]) -> Iterator[Finding]:
    """One finding for each field that the header contradicts."""
    for one in checks:
        if one.status == "differs":
            yield Finding("field_differs", f"{one.name} is {_short(one.found)}, the header says {_short(one.expected)}")


def field_remarks(checks: Sequence[FieldCheck]) -> Iterator[str]:
    """What the sidecar lacks."""
    absent = [one.name for one in checks if one.status == "absent"]
    if absent:
        yield f"SUV cannot be computed from this sidecar alone: it lacks {', '.join(absent)}"


def _short(value: Any) -> str:
    if isinstance(value, list) and len(value) == 1:
        return str(value[0])[:120]
    return str(value)[:120]
