"""The page of a profile in docs/profiles: its protocol with formulas and tables, written from its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import dropwhile, takewhile

from oncohort.metrics import Direction, Presence
from oncohort.outputs import box_page
from oncohort.outputs.formulas import COHORT_FORMULAS, FORMULAS
from oncohort.outputs.methods import lesion_sentences, ranking_sentences, target_sentences
from oncohort.outputs.words import sentence
from oncohort.profiles import CohortMetric, MetricRule, Profile

_BETTER = {
    Direction.HIGHER: "higher",
    Direction.LOWER: "lower",
    Direction.ZERO: "nearer 0",
    Direction.NONE: "neither",
}

_SYMBOLS = (
    "R is the reference, P the prediction, v the volume of a voxel in ml; dS(M, N) are the distances in mm from every "
    "point of the surface of M to the surface of N. [More on metrics](../evaluate.md#metrics)."
)

_EMPTY = (
    "What a metric is worth where a mask holds no voxel, or where there is no usable prediction (no file, a damaged "
    "one, one on another grid). `measured` is the formula; `undefined` is no value, with the reason in the scores; "
    "`as P empty` is what an empty prediction would score there."
)

_OVER_STEPS = {
    None: "",
    "last": "; of the last state",
    "area": "; m_0/2 + m_1 + ... + m_(K-1) + m_K/2 of the states 0 to K, undefined if any is",
}

_UNUSABLE = {
    "worst": "A case without usable prediction is scored by the last column and counted in `missing`.",
    "skip": "A case without usable prediction has no value (`prediction_skipped`) whatever the last column says, is "
    "counted in `missing`, and costs its model nothing.",
    "error": "A case without usable prediction is an error, and nothing is scored: the last column is for your own "
    "variant of this profile.",
}

_INTEGERS: dict[bool | str, str] = {
    False: "Integers of a mask do not number lesions: every voxel above 0 is foreground, whatever its integer",
    True: "Formulas that name neither lesions nor numbers take every voxel above 0 for foreground",
    "both": "Integers number the lesions of their own mask only: the reference's 1 may be the prediction's 7, and "
    "numbers may be left out",
    "labels": "Integers are labels of the cohort's scheme and do not number lesions",
}
"""By `components.instances` where all labels are one structure."""

_NUMBERS_OF_BOXES = {
    2: "Every row of `boxes.parquet` is a box by itself, whatever its lesion number",
    3: "Rows of `boxes.parquet` with the same lesion number are one lesion; those without a number are linked, and "
    "readings of several reconstructions merged if images are scans",
}


def profile_page(profile: Profile) -> str:
    """The page as Markdown; the same for the same file.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> profile_page(load_profile("autopet-iii")).splitlines()[0]
        '# Profile `autopet-iii`'
    """
    lines = [
        f"# Profile `{profile.name}`",
        "",
        f"{profile.title}. Version {profile.version}.",
        "",
        f"<!-- Written by `oncohort profile page {profile.name}`; edit the profile, not this page. -->",
        "",
        *_notes(profile),
        *_settings(profile),
        *_words(profile),
        *_metrics(profile),
        *_empty(profile),
        *_cohort_metrics(profile),
        *_box_metrics(profile),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _notes(profile: Profile) -> Iterator[str]:
    """The comment at the head of the file, word for word."""
    comments = takewhile(lambda line: line.startswith("#"), profile.text.splitlines())
    notes = [line.removeprefix("#").removeprefix(" ") for line in comments]
    if notes:
        yield from ("```text", *notes, "```", "")


def _settings(profile: Profile) -> Iterator[str]:
    """Every key of the profile outside its metrics, with its value."""
    others = {"type", "format_version", "title", "metric", "cohort_metric", "box_metric"}
    tables = profile.model_dump(mode="json", exclude=others)
    rows = [row for key, value in tables.items() for row in _rows(key, value)]
    yield from _table(("key", "value"), rows)


def _rows(key: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for inner, found in value.items():
            yield from _rows(f"{key}.{inner}", found)
    elif value is not None:
        yield f"`{key}`", _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _words(profile: Profile) -> Iterator[str]:
    """What these keys mean together."""
    compared = [*target_sentences(profile), *lesion_sentences(profile), _integers(profile)]
    yield from ("## What is compared", "", " ".join(map(sentence, compared)), "")
    yield from ("## Ranking", "", " ".join(map(sentence, ranking_sentences(profile))), "")
    remarks = [f"- `{table}`: {words}" for table, words in _remarks(profile.text)]
    if remarks:
        yield from ("## Remarks", "", *remarks, "")


def _remarks(text: str) -> Iterator[tuple[str, str]]:
    """The comments of the file but that at its head, each with the line that it stands above."""
    lines = text.splitlines()
    found: list[str] = []
    for line in dropwhile(lambda line: line.startswith("#"), lines):
        if line.startswith("#"):
            found.append(line.removeprefix("#").strip())
        elif line.strip() and found:
            yield line.strip(), " ".join(found)
            found = []


def _integers(profile: Profile) -> str:
    """What the integers of a mask, or the lesion numbers of boxes, stand for."""
    if profile.boxes is not None:
        return _NUMBERS_OF_BOXES[profile.boxes.dimension]
    if not profile.target.is_union:
        return _INTEGERS["labels"]
    instances = False if profile.components is None else profile.components.instances
    return _INTEGERS[instances]


def _metrics(profile: Profile) -> Iterator[str]:
    yield from ("## Metrics", "", box_page.SYMBOLS if profile.kind == "boxes" else _SYMBOLS, "")
    rows = [
        (
            f"`{rule.column}`",
            rule.unit,
            _BETTER[rule.metric.direction],
            f"{rule.weight:g}",
            rule.aggregate,
            _formula(rule),
        )
        for rule in profile.metric
    ]
    yield from _table(("column", "unit", "better", "weight", "aggregate", "formula"), rows)


def _formula(rule: MetricRule) -> str:
    named = "" if rule.column == rule.name else f"`{rule.name}`: "
    at = "" if rule.tolerance_mm is None else f"; `tolerance_mm` {rule.tolerance_mm:g}"
    at += "" if rule.matching is None else f"; lesions matched {rule.matching.words}"
    of = "" if rule.structures is None else f"; of {', '.join(rule.structures)} only"
    where = "".join(f"; only where `{column}` is {value}" for column, value in (rule.only or {}).items())
    return f"{named}{FORMULAS[rule.name]}{at}{of}{where}{_OVER_STEPS[rule.over_steps]}"


def _empty(profile: Profile) -> Iterator[str]:
    is_of_boxes = profile.kind == "boxes"
    title, words = ("boxes", box_page.EMPTY) if is_of_boxes else ("masks", _EMPTY)
    yield from (f"## Empty and missing {title}", "", f"{words} {_UNUSABLE[profile.missing]}", "")
    presences = (Presence.REFERENCE_EMPTY, Presence.PREDICTION_EMPTY, Presence.BOTH_EMPTY)
    rows = [
        (f"`{rule.column}`", *(_decision(rule.rule_for(presence)) for presence in presences), _decision(rule.missing))
        for rule in profile.metric
    ]
    yield from _table(("column of the scores", "R empty", "P empty", "both empty", "P missing"), rows)


def _decision(rule: str | float) -> str:
    return "as P empty" if rule == "as-empty" else _shown(rule)


def _cohort_metrics(profile: Profile) -> Iterator[str]:
    if not profile.cohort_metric:
        return
    yield from ("## Of the whole cohort", "")
    rows = [(f"`{entry.column}`", f"{entry.weight:g}", _cohort_formula(entry)) for entry in profile.cohort_metric]
    yield from _table(("column of the leaderboard", "weight", "formula"), rows)


def _box_metrics(profile: Profile) -> Iterator[str]:
    rows = list(box_page.ranked_rows(profile))
    if rows:
        yield from ("## Of boxes by falling score", "", box_page.RANKED, "")
        heads = ("column of the leaderboard", "weight", "hit", "matching", "read at", "formula")
        yield from _table(heads, rows)


def _cohort_formula(entry: CohortMetric) -> str:
    named = "" if entry.column == entry.name else f"`{entry.name}`: "
    used = entry.model_dump(
        include={"structure", "score", "positive_ml", "found", "missed", "false"}, exclude_defaults=True
    )
    if entry.name in ("auc", "ap"):
        used["score"] = entry.score
    if entry.name in ("patient_sensitivity", "specificity"):
        used["positive_ml"] = entry.positive_ml
    more = "".join(f"; `{key}` {_shown(value)}" for key, value in used.items())
    return f"{named}{COHORT_FORMULAS[entry.name]}{more}"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        cells = (cell.replace("|", "\\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""
