"""The numbers of a cohort as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from oncohort.description.label_counts import LabelCount

NOT_STATED = "not stated"
"""Stands in counts for an empty cell."""

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Attributes:
        known: Cells with a number.
        mean: Their mean; None without any.
        sd: Their standard deviation with n - 1; None below two.
        smallest: The smallest.
        largest: The largest.
    """

    known: int
    mean: float | None
    sd: float | None
    smallest: float | None
    largest: float | None


@dataclass(frozen=True)
class Summary:
    """What a reader wants to know first of a cohort; no voxel was read for it.

    Attributes:
        name: Of the cohort.
        source: That it was read with.
        source_version: Version of the published data set.
        created_by: Program that wrote it.
        created_at: Time at which it was written, ISO 8601.
        cases: Number of cases.
        patients: Number of people.
        several_cases: Patients with more than one case.
        most_cases: Cases of the patient who has most.
        studies: Studies that have an identifier.
        study_dates: First and last date, if any is known.
        roles: Cases per role.
        units: Volumes per role and unit, such as `pet in SUVbw`.
        counts: Cases per value of `tracer`, `centre`, `group`, `split`, `timepoint`, `sex` and `licence`.
        facts: Cases per value of further columns with few values.
        age_years: Age at the study.
        weight_kg: Weight.
        labels: Every label, with the cases in whose masks it was looked for.
        lesions: `boxes`, `boxed lesions`, `cases with boxes`, `measured lesions`, `cases with measured lesions`.
        prompts: Prompts per kind and polarity, and the cases that have some.
        missing: Empty cells per column of the cases.
        refused: Files per reason of refusal.
        findings: Findings per rule, by severity.
        synthetic: Whether the cohort was made by a computer, as its facts or the files beside its images say.
    """

    name: str
    source: str
    source_version: str | None
    created_by: str
    created_at: str
    cases: int
    patients: int
    several_cases: int
    most_cases: int
    studies: int
    study_dates: tuple[str, str] | None
    roles: Counts
    units: Counts
    counts: Mapping[str, Counts]
    facts: Mapping[str, Counts]
    age_years: Numbers
    weight_kg: Numbers
    labels: tuple[LabelCount, ...]
    lesions: Counts
    prompts: Counts
    missing: Counts
    refused: Counts
    findings: Mapping[str, Counts]
    synthetic: bool

    def to_dict(self) -> dict[str, Any]:
        """All numbers as JSON values."""
        return asdict(self)
