"""What a cohort holds, as people and machines see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from oncohort.cli.label_tables import give_labels, give_registry, show_label_counts
from oncohort.cli.output import ExitCode, Json, print_json, say, show_plain_table
from oncohort.cohort import Cohort
from oncohort.description import NOT_STATED, Numbers, Summary, summarise
from oncohort.errors import SettingsError
from oncohort.formats.cohort_folder import open_cohort
from oncohort.refusals import costs_a_case, remedy_for

_MOST_VALUES = 8
_MOST_CAUSES = 20

Labels = Annotated[bool, Parameter(name="--labels", negative="")]


def info(cohort: str | None = None, *, labels: Labels = False, json: Json = False) -> int:
    """Show what a cohort holds, counted from its tables, or which labels it or a published data set has.

    Args:
        cohort: The cohort folder; with --labels also the name of a published data set, or nothing for all.
        labels: Show labels with integers, SNOMED CT codes and common names.
        json: Print one machine-readable document on stdout.
    """
    if cohort is None or (labels and not Path(cohort).is_dir()):
        if not labels:
            raise SettingsError(
                expected="a cohort folder, or --labels",
                found="neither",
                where="oncohort info",
                remedy="name the folder that `oncohort ingest` wrote",
            )
        return give_registry(cohort, as_json=json)
    opened = open_cohort(cohort)
    if labels:
        return give_labels(opened, as_json=json)
    summary = summarise(opened)
    if json:
        print_json(summary.to_dict())
    show_summary(summary)
    show_refused(opened)
    show_findings(opened)
    return ExitCode.DONE


def show_summary(summary: Summary) -> None:
    """Show the numbers of a cohort to people."""
    version = f", version {summary.source_version}" if summary.source_version else ""
    show_plain_table(
        f"{summary.name}  ({summary.source}{version})",
        ["", ""],
        [[name, text] for name, text in _overview(summary) if text],
    )
    show_label_counts([label for label in summary.labels if label.cases])
    missing = _missing(summary)
    if missing:
        show_plain_table("facts that are missing", ["column", "cases", "share"], missing)


def _overview(summary: Summary) -> Iterable[tuple[str, str]]:
    if summary.synthetic:
        yield "synthetic", "yes: made by a computer, not scans of people"
    yield "cases", f"{summary.cases:,}"
    several = f"; {summary.several_cases:,} have more than one case, at most {summary.most_cases}"
    yield "patients", f"{summary.patients:,}" + (several if summary.several_cases else "")
    if summary.studies:
        yield "studies", f"{summary.studies:,}"
    if summary.study_dates:
        yield "dates", " to ".join(dict.fromkeys(summary.study_dates))
    yield "roles", _shares(summary.roles, summary.cases)
    yield "units", ", ".join(name for name in summary.units if not name.endswith("in label"))
    for name, counts in summary.counts.items():
        if set(counts) - {NOT_STATED}:
            yield _PLURALS.get(name, name), _shares(counts, summary.cases)
    yield "age", _spread(summary.age_years, "years", summary.cases)
    yield "weight", _spread(summary.weight_kg, "kg", summary.cases)
    for name, counts in summary.facts.items():
        if len(counts) <= _MOST_VALUES:
            yield name, _shares(counts, summary.cases)
    yield "lesions", ", ".join(f"{count:,} {name}" for name, count in summary.lesions.items() if count)
    yield "prompts", ", ".join(f"{count:,} {name}" for name, count in summary.prompts.items())


def show_refused(cohort: Cohort) -> None:
    """Show what was refused: the counts by reason, then each cause once, the rarest first, with its remedy."""
    rows = cohort.tables.refused.to_dicts()
    counts = Counter(row["reason"] for row in rows)
    if counts:
        say("refused: " + ", ".join(f"{count:,} {reason}" for reason, count in counts.most_common()))
    causes: dict[tuple[str, str, str], list[str]] = {}
    for row in filter(costs_a_case, rows):
        folder = "" if row["reason"] == "case refused" else str(Path(row["path"]).parent)
        causes.setdefault((row["reason"], row["detail"], folder), []).append(row["path"])
    listed = sorted(causes.items(), key=lambda cause: len(cause[1]))
    for (reason, detail, _), paths in listed[:_MOST_CAUSES]:
        others = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        say(f"  {paths[0]}{others}: {reason}: {detail}. Remedy: {remedy_for(reason)}")
    if len(listed) > _MOST_CAUSES:
        say(f"  and {len(listed) - _MOST_CAUSES} more causes in refused.parquet")


def show_findings(cohort: Cohort) -> None:
    """Show each rule that found something: how often, the gravest first, and the first finding with its remedy."""
    rules: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in cohort.tables.findings.iter_rows(named=True):
        rules.setdefault((row["severity"], row["rule"]), []).append(row)
    if rules:
        counts = Counter(row["severity"] for rows in rules.values() for row in rows)
        say("findings: " + ", ".join(f"{count:,} {severity}" for severity, count in counts.most_common()))
    for (severity, rule), rows in sorted(rules.items(), key=lambda entry: _SEVERITIES.get(entry[0][0], 9)):
        first = rows[0]
        case = f", case {first['case']}" if first["case"] else ""
        times = f" ({len(rows):,} times; the first{case})" if len(rows) > 1 else case
        say(f"  {severity} {rule}{times}: {first['evidence']}. Remedy: {first['remedy']}")


_SEVERITIES = {"error": 0, "warning": 1, "info": 2}


_PLURALS = {
    "tracer": "tracers",
    "centre": "centres",
    "group": "groups",
    "split": "splits",
    "timepoint": "time points",
    "licence": "licences",
}


def _shares(counts: Mapping[str, int], cases: int) -> str:
    """Counts in words; the share of the cases where it says more than the count."""
    shown = [
        f"{name} {count:,}" + (f" ({_percent(count, cases)})" if cases >= 20 and count != cases else "")
        for name, count in list(counts.items())[:_MOST_VALUES]
    ]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _percent(count: int, cases: int) -> str:
    return f"{100 * count / cases:.1f} %" if cases else "-"


def _spread(numbers: Numbers, unit: str, cases: int) -> str:
    if numbers.mean is None or numbers.smallest is None or numbers.largest is None:
        return ""
    sd = "" if numbers.sd is None else f" (SD {numbers.sd:.1f})"
    known = "" if numbers.known == cases else f", of {numbers.known:,} cases"
    return f"mean {numbers.mean:.1f}{sd} {unit}, {numbers.smallest:.4g} to {numbers.largest:.4g}{known}"


def _missing(summary: Summary) -> list[list[str]]:
    """Columns with empty cells; those that are empty everywhere in one row."""
    partly = {name: count for name, count in summary.missing.items() if count < summary.cases}
    nowhere = [name for name, count in summary.missing.items() if count == summary.cases]
    rows = [
        [name, f"{count:,}", _percent(count, summary.cases)]
        for name, count in sorted(partly.items(), key=lambda entry: -entry[1])
    ]
    return [*rows, [", ".join(nowhere), f"{summary.cases:,}", "all"]] if nowhere else rows
