"""What is known of an ENHANCE.PET folder and of each of its cases beside the images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError, LabelError
from oncohort.formats.case_sheet import CASE_SHEET, read_case_sheet
from oncohort.labels import LabelScheme
from oncohort.layouts import enhance_pet as layout
from oncohort.layouts.labels import common_name, scheme
from oncohort.sources.enhance_pet.listing import Listing
from oncohort.sources.enhance_pet.sheets import Sheets, find_origin, read_sheets
from oncohort.sources.referenced import Row, finding
from oncohort.storage import read_json

_LARGEST_LABELS_BYTES = 1 << 20

UNIDENTIFIED = "unidentified"
"""Patient of every case that may be of the same person as another: they never part."""


@dataclass(frozen=True)
class Known:
    """Facts of a folder.

    Attributes:
        version: `1` or `2`.
        scheme: Labels that its masks can hold, with the seven groups.
        sheets: What the sheets say.
        own: Facts of `cases.csv` by case.
        contradicted: Groups whose integers `labels.json` gives to other labels.
        findings: Rows of `findings.parquet` that concern the whole folder.
        unreadable: Reason by name of a file that cannot be read.
    """

    version: str
    scheme: LabelScheme
    sheets: Sheets
    own: Mapping[str, Mapping[str, Any]]
    contradicted: frozenset[str]
    findings: tuple[Row, ...]
    unreadable: Mapping[str, str]

    def origin(self, case: str) -> layout.Origin | None:
        """Where a case comes from, if the sheets say it and agree."""
        return find_origin(self.sheets.origins.get(case, ()))

    def not_drawn(self, case: str) -> tuple[str, ...]:
        """Labels that the masks of a case cannot hold because its head was removed."""
        origin = self.origin(case)
        if origin is None or self.version not in origin.head_removed:
            return ()
        return tuple(sorted(layout.REMOVED_WITH_THE_HEAD & set(self.scheme.labels)))

    def row(self, case: str) -> Row:
        """The row of a case in `cases.parquet`."""
        origin = self.origin(case)
        facts = {**self.sheets.facts.get(case, {}), **self.own.get(case, {})}
        patient = str(facts.pop("patient", None) or _patient(case, origin))
        said = self.sheets.origins.get(case, [])
        described = {
            "centre": origin.name if origin else None,
            "licence": origin.licence if origin else None,
            "data_source": said[0] if said else None,
            "lesion_subtraction": origin.lesions if origin else None,
            "head_removed": self.version in origin.head_removed if origin else None,
        }
        group = {"group": facts["indication"]} if "indication" in facts else {}
        return {"case": case, "patient": patient, "tracer": layout.TRACER, **described, **group, **facts}


def read_facts(listing: Listing) -> Known:
    """What the sheets, `labels.json` and `cases.csv` of a folder say."""
    paths = {kind: listing.shared[name] for kind, name in layout.SHEETS.items() if name in listing.shared}
    sheets = read_sheets(paths)
    unreadable = dict(sheets.unreadable)
    own: Mapping[str, Mapping[str, Any]] = {}
    if CASE_SHEET in listing.shared:
        try:
            own = read_case_sheet(listing.shared[CASE_SHEET])
        except FormatError as error:
            unreadable[CASE_SHEET] = str(error)
    version = _version(listing, sheets)
    contradicted, findings = _check_labels(listing, unreadable)
    known = Known(version, scheme(layout.NAME, f"version {version}"), sheets, own, contradicted, (), unreadable)
    general = (*findings, *sheets.findings, *_missing_files(listing), *_of_cases(listing, known), *_unreadable(known))
    return Known(version, known.scheme, sheets, own, contradicted, general, unreadable)


def _patient(case: str, origin: layout.Origin | None) -> str:
    """A person of their own where nobody has several studies; otherwise one for all who cannot be told apart."""
    return case if origin is not None and origin.patients is None else UNIDENTIFIED


def _version(listing: Listing, sheets: Sheets) -> str:
    """2 where anything is there that the first version has not; otherwise 1."""
    cases = listing.cases()
    is_later = bool(cases) and int(cases[-1]) > layout.CASES["1"]
    added = {place.name for place in layout.ORIGINS if "1" not in place.head_removed} - {"AutoPET"}
    origins = {found.name for cells in sheets.origins.values() if (found := find_origin(cells)) is not None}
    return "2" if is_later or listing.image_folders - set(layout.IMAGE_FOLDERS["1"]) or origins & added else "1"


def _check_labels(listing: Listing, unreadable: dict[str, str]) -> tuple[frozenset[str], list[Row]]:
    """Groups to which `labels.json` gives other names, and what a person should know about the file."""
    name = layout.LABELS_FILE
    if name not in listing.shared:
        return frozenset(), [_labels_finding("none", "fetch it, so that the integers of the masks can be checked")]
    try:
        said = _stated_labels(_read_labels(listing.shared[name]))
    except (FormatError, LabelError) as error:
        unreadable[name] = str(error)
        return frozenset(), []
    contradicted, findings = set(), []
    for group in layout.GROUPS.values():
        other = sorted(
            f"{value} {said[group.name][value]} (not {label})"
            for value, label in group.labels.items()
            if not _is_label(said.get(group.name, {}).get(value), label)
        )
        if other:
            contradicted.add(group.name)
            evidence = f"{group.model}: {', '.join(other[:5])}"
            findings.append(_labels_finding(evidence, "masks of this group are refused", severity="error"))
        more = sorted(set(said.get(group.name, {})) - set(group.labels) - {0})
        if more:
            findings.append(_labels_finding(f"{group.model}: further integers {more[:10]}", "score them on their own"))
    return frozenset(contradicted), findings


def _read_labels(path: Path) -> Any:
    """The content of `labels.json`.

    Raises:
        FormatError: It is no JSON, or far too large for a table of labels.
    """
    size = path.stat().st_size
    if size > _LARGEST_LABELS_BYTES:
        raise FormatError(
            expected=f"at most {_LARGEST_LABELS_BYTES} bytes",
            found=f"{size} bytes",
            where=str(path),
            remedy="fetch the file again",
        )
    return read_json(path)


def _stated_labels(content: Any) -> dict[str, dict[int, str]]:
    """Names by integer of every group in `labels.json`, whichever way it is nested.

    Raises:
        LabelError: It is no table of integers and names.
    """
    stated: dict[str, dict[int, str]] = {}
    entries = content if isinstance(content, dict) else {}
    for key, value in entries.items():
        group = next(
            (each for each in layout.GROUPS.values() if str(key) in (each.model, each.folder, each.name)), None
        )
        if group is not None and isinstance(value, dict):
            stated[group.name] = _integers(value)
    if not stated:
        keys = ", ".join(map(_printable, list(entries)[:5])) or "nothing of the kind"
        raise LabelError(
            expected=f"integers and names by group ({', '.join(group.model for group in layout.GROUPS.values())})",
            found=f"{type(content).__name__} with {keys}",
            where=layout.LABELS_FILE,
            remedy="fetch the file again",
        )
    return stated


def _integers(values: Mapping[str, Any]) -> dict[int, str]:
    """Names by integer, from `{"8": "liver"}` or `{"liver": 8}`."""
    turned = [(value, key) if isinstance(value, int) else (key, value) for key, value in values.items()]
    return {int(value): _printable(str(name)) for value, name in turned if re.fullmatch(r"[0-9]{1,5}", str(value))}


def _printable(name: str) -> str:
    """A name as the tables can hold it, whatever its characters and length."""
    return name[:100].encode("utf-8", "backslashreplace").decode()


def _is_label(stated: str | None, label: str) -> bool:
    """Whether a stated name, if there is one, is a name of this label."""
    if stated is None:
        return True
    plain = "_".join(stated.replace("-", " ").split())
    return plain.lower() in {label.lower(), str(common_name(label, layout.NAME)).lower()}


def _labels_finding(found: str, remedy: str, severity: str = "info") -> Row:
    return finding("enhance_pet_labels", severity=severity, path=layout.LABELS_FILE, evidence=found, remedy=remedy)


def _missing_files(listing: Listing) -> Iterable[Row]:
    """Sheets and whole folders that are not there."""
    absent = [name for name in layout.SHEETS.values() if name not in listing.shared]
    if absent:
        yield finding(
            "enhance_pet_sheet",
            path=absent[0],
            evidence=f"no {' and no '.join(absent)}",
            remedy="fetch the sheets: they say the origin and so the licence of each case",
        )
    groups = [group.folder for group in layout.GROUPS.values() if group.name not in listing.groups]
    if groups:
        yield finding(
            "enhance_pet_groups",
            severity="info",
            path=layout.MASKS_FOLDER,
            evidence=f"no masks of {', '.join(groups)}",
            remedy="nothing, if these groups are not needed",
        )


def _of_cases(listing: Listing, known: Known) -> Iterable[Row]:
    """What concerns many cases at once."""
    cases = listing.cases()
    for names, what, remedy in (
        (sorted(set(known.sheets.facts) - set(cases)), "rows without images", "nothing, if these cases are not needed"),
        (sorted(set(known.own) - set(cases)), "rows of cases.csv without images", "correct cases.csv"),
        (
            [case for case in cases if known.origin(case) is None],
            "cases without a known origin, hence without licence and counted as one patient",
            f"complete the column {layout.ORIGIN_COLUMN} of both sheets",
        ),
        (
            [case for case in cases if known.row(case)["patient"] == UNIDENTIFIED and known.origin(case) is not None],
            "cases of AutoPET, where 900 patients have 1,014 studies and no sheet tells who; counted as one patient",
            "give the patients in cases.csv (columns case, patient) beside the sheets",
        ),
    ):
        if names:
            severity = "info" if what.startswith("rows without") else "warning"
            evidence = f"{what}: {len(names)}, {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}"
            yield finding("enhance_pet_cases", severity=severity, path="", evidence=evidence, remedy=remedy)


def _unreadable(known: Known) -> Iterable[Row]:
    for name, why in known.unreadable.items():
        yield finding(
            "enhance_pet_sheet", severity="error", path=name, evidence=why, remedy="fetch or write the file again"
        )


def usable_shared(listing: Listing, known: Known) -> list[Path]:
    """Files of the whole set that were read."""
    return [path for name, path in listing.shared.items() if name not in known.unreadable]
