"""In how many cases each label of a cohort was looked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from oncohort.cohort import Cohort
from oncohort.errors import LabelError
from oncohort.labels import LabelScheme
from oncohort.layouts.labels import registry
from oncohort.units import Unit


@dataclass(frozen=True)
class LabelCount:
    """One label of a cohort.

    Attributes:
        name: As the cohort calls it.
        value: Its integer.
        role: Masks that it stands in; several are joined by commas.
        code: SNOMED CT code, or empty.
        structure: Its common name, if it is one of the label registry.
        groups: Groups of the label scheme that it belongs to.
        cases: Cases with a mask in which it was looked for; whether it has voxels there is not known.
    """

    name: str
    value: int
    role: str
    code: str
    structure: str | None
    groups: tuple[str, ...]
    cases: int


def count_labels(cohort: Cohort) -> tuple[LabelCount, ...]:
    """Every label of a cohort, in the order of its integers, scheme by scheme.

    A mask of one file was looked through for all labels of its scheme. Where each structure or group of labels has a
    file, only those count that have one.

    Examples:
        >>> from oncohort.cohort import CohortFacts, Tables
        >>> volumes = [{"case": case, "role": "lesions", "unit": "label"} for case in "AB"]
        >>> tables = Tables.from_rows({"cases": [{"case": "A"}, {"case": "B"}], "volumes": volumes})
        >>> cohort = Cohort(CohortFacts("two", "python"), LabelScheme("lesion", {"lesion": 1}), tables)
        >>> [(label.name, label.role, label.cases) for label in count_labels(cohort)]
        [('lesion', 'lesions', 2)]
    """
    masks = cohort.tables.volumes.filter(cohort.tables.volumes["unit"] == Unit.LABEL)
    rows: dict[tuple[str, str], set[str]] = {}
    for case, role, scale in zip(masks["case"], masks["role"], masks["scale"].fill_null(""), strict=True):
        rows.setdefault((role, scale), set()).add(case)
    cases: dict[str, dict[str, set[str]]] = {}
    roles: dict[str, dict[str, list[str]]] = {}
    schemes: dict[str, LabelScheme] = {}
    for (role, scale), having in rows.items():
        record = _record(scale)
        scheme = _scheme(record, cohort.scheme)
        key = json.dumps(scheme.to_dict())
        schemes[key] = scheme
        for name in _looked_for(record, scheme):
            cases.setdefault(key, {}).setdefault(name, set()).update(having)
            held = roles.setdefault(key, {}).setdefault(name, [])
            if role not in held:
                held.append(role)
    if not schemes:
        schemes[""] = cohort.scheme
    return tuple(
        label for key, scheme in schemes.items() for label in _labels(scheme, cases.get(key, {}), roles.get(key, {}))
    )


def _labels(scheme: LabelScheme, cases: Mapping[str, set[str]], roles: Mapping[str, list[str]]) -> Iterator[LabelCount]:
    for name, value in sorted(scheme.labels.items(), key=lambda label: label[1]):
        yield LabelCount(
            name=name,
            value=value,
            role=", ".join(roles.get(name, ())),
            code=scheme.codes.get(name, ""),
            structure=_structure(name, scheme),
            groups=tuple(group for group, members in scheme.groups.items() if name in members),
            cases=len(cases.get(name, ())),
        )


def _structure(name: str, scheme: LabelScheme) -> str | None:
    others = (alias for alias, meant in scheme.aliases.items() if meant == name)
    return next((known for known in (name, *others) if known in registry()), None)


def _record(scale: str) -> dict[str, Any]:
    """What the column `scale` says; nothing where it is damaged, which is for whoever reads the mask to say."""
    try:
        record = json.loads(scale or "{}")
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _scheme(record: Mapping[str, Any], general: LabelScheme) -> LabelScheme:
    try:
        return LabelScheme.from_dict(record["label_scheme"]) if "label_scheme" in record else general
    except LabelError:
        return general


def _looked_for(record: Mapping[str, Any], scheme: LabelScheme) -> Iterable[str]:
    """Labels that have a file of their own or in their group; all where one file holds them."""
    files = record.get("files")
    if not isinstance(files, Mapping):
        return scheme.labels
    named = [name for group in files for name in scheme.groups.get(group, (group,)) if name in scheme.labels]
    own = [group for group in files if group in scheme.labels]
    absent = set(record.get("not_drawn") or ())
    grouped = any(isinstance(entry, Mapping) for entry in files.values())
    return [name for name in dict.fromkeys(named if grouped else own) if name not in absent]
