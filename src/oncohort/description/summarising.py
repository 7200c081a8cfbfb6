"""A cohort's tables, counted."""

from __future__ import annotations

from typing import Any

import polars as pl

from oncohort.cohort import TABLES, Cohort
from oncohort.description.label_counts import count_labels
from oncohort.description.summary import NOT_STATED, Numbers, Summary
from oncohort.description.synthetic import is_synthetic

_COUNTED = ("tracer", "centre", "group", "split", "timepoint", "sex", "licence")
_MOST_VALUES = 12
_LONGEST = 60  # characters of a value that is a word, not a report


def summarise(cohort: Cohort) -> Summary:
    """What a cohort holds, from its tables alone: quick whatever the size of its images.

    Args:
        cohort: In memory or opened from a folder.

    Examples:
        >>> from oncohort.cohort import CohortFacts, Tables
        >>> from oncohort.labels import LabelScheme
        >>> cases = [{"case": "A1", "patient": "A", "sex": "F"}, {"case": "A2", "patient": "A"}]
        >>> tables = Tables.from_rows({"cases": cases})
        >>> summary = summarise(Cohort(CohortFacts("one", "python"), LabelScheme("lesion", {"lesion": 1}), tables))
        >>> summary.cases, summary.patients, summary.counts["sex"], summary.missing["sex"]
        (2, 1, {'F': 1, 'not stated': 1}, 1)
    """
    tables, facts = cohort.tables, cohort.facts
    cases, volumes = tables.cases, tables.volumes
    per_patient = cases["patient"].value_counts()["count"]
    dates = cases["study_date"].drop_nulls()
    return Summary(
        name=cohort.name,
        source=facts.source,
        source_version=facts.source_version,
        created_by=facts.created_by,
        created_at=facts.created_at,
        cases=cases.height,
        patients=per_patient.len(),
        several_cases=int((per_patient > 1).sum()),
        most_cases=_whole(per_patient.max()),
        studies=cases["study"].drop_nulls().n_unique(),
        study_dates=(str(dates.min()), str(dates.max())) if dates.len() else None,
        roles=_count(volumes["role"]),
        units=_count(volumes.select(pl.concat_str("role", pl.lit(" in "), "unit")).to_series()),
        counts={name: _count(cases[name]) for name in _COUNTED},
        facts=_facts(cases),
        age_years=_numbers(cases["age_years"]),
        weight_kg=_numbers(cases["weight_kg"]),
        labels=count_labels(cohort),
        lesions=_lesions(tables.boxes, tables.structures),
        prompts=_prompts(tables.prompts),
        missing={name: column.null_count() for name, column in cases.to_dict().items() if column.null_count()},
        refused=_count(tables.refused["reason"]),
        findings=_findings(tables.findings),
        synthetic=is_synthetic(cohort),
    )


def _count(column: pl.Series) -> dict[str, int]:
    """Rows per value, the most frequent first, empty cells last."""
    known = column.drop_nulls()
    table = pl.DataFrame({"value": known}).group_by("value").len().sort(["len", "value"], descending=[True, False])
    counts = {str(value): int(count) for value, count in table.iter_rows()}
    return {**counts, NOT_STATED: column.null_count()} if column.null_count() else counts


def _facts(cases: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Counts of the source's own columns that have from two to a dozen values and are no measurements."""
    further = [name for name in cases.columns if name not in TABLES["cases"]]
    found = {}
    for name in further:
        column = cases[name]
        if not (column.dtype.is_nested() or column.dtype.is_float()) and 2 <= column.n_unique() <= _MOST_VALUES:
            counts = _count(column)
            if all(len(value) <= _LONGEST and "\n" not in value for value in counts):
                found[name] = counts
    return found


def _numbers(column: pl.Series) -> Numbers:
    known = column.drop_nulls().drop_nans()
    return Numbers(
        known=known.len(),
        mean=_real(known.mean()),
        sd=_real(known.std()),
        smallest=_real(known.min()),
        largest=_real(known.max()),
    )


def _lesions(boxes: pl.DataFrame, structures: pl.DataFrame) -> dict[str, int]:
    boxed = boxes.select("case", "lesion")
    absent = structures.filter((pl.col("measure") == "present") & (pl.col("value") == 0.0))
    listed = structures.select("case", "lesion").drop_nulls()
    measured = listed.join(absent.select("case", "lesion"), on=["case", "lesion"], how="anti")
    return {
        "boxes": boxes.height,
        "boxed lesions": boxed.drop_nulls().unique().height,
        "cases with boxes": boxed["case"].n_unique(),
        "measured lesions": measured.unique().height,
        "cases with measured lesions": measured["case"].n_unique(),
    }


def _prompts(prompts: pl.DataFrame) -> dict[str, int]:
    if not prompts.height:
        return {}
    kinds = prompts.select(pl.concat_str("polarity", pl.lit(" "), "kind", ignore_nulls=True)).to_series()
    return {**_count(kinds), "cases with prompts": prompts["case"].n_unique()}


def _findings(findings: pl.DataFrame) -> dict[str, dict[str, int]]:
    rules = _count(findings["rule"])
    return {rule: _count(findings.filter(findings["rule"] == rule)["severity"]) for rule in rules}


def _real(value: Any) -> float | None:
    return None if value is None else float(value)


def _whole(value: Any) -> int:
    return 0 if value is None else int(value)
