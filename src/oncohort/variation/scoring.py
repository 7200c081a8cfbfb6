"""One prediction against one reference under every variant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from oncohort.evaluation import NO_IMAGE, compare, measure
from oncohort.evaluation.lesion_lists import candidate_table, lesion_table, list_lesions
from oncohort.evaluation.scoring import ScoreTask, image_of, open_task
from oncohort.evaluation.structures import find_unannotated
from oncohort.metrics import MaskPair
from oncohort.profiles import Profile
from oncohort.variation.choices import Variant
from oncohort.variation.sharing import SharedPair

OF_LESIONS = frozenset({"connectivity", "minimum-volume", "matching"})
"""Parameters that change what the lesions are, or which of them match."""

Tables = tuple[pl.DataFrame, pl.DataFrame] | tuple[None, None]


@dataclass(frozen=True)
class VariedTask:
    """One prediction to score under every variant: all that a worker needs.

    Args:
        task: The prediction, the reference and the profile as it is written.
        variants: The profile as it is written first.
    """

    task: ScoreTask
    variants: tuple[Variant, ...]


def score_variants(varied: VariedTask) -> dict[str, Any]:
    """The numbers of one prediction under every variant as JSON values; both masks are read once.

    Returns:
        `scores` (of the profile as it is written), `changed` (by variant: only what had to be measured anew),
        `written_lesions` (by structure) and `lesions` (by variant and structure, where they can change; both empty
        unless a number of the cohort needs them),
        `findings`, `resampled`, `unreadable` and `input` as `score_task` gives them.

    Raises:
        PredictionError: The prediction cannot be used, and the profile does not let it be missing.
        FormatError: The reference cannot be read.
        MissingNeedError: The reference is no mask.
    """
    task = varied.task
    opened = open_task(task)
    image, of_image = image_of(task, opened.reference)
    pairs = compare(opened.reference, opened.prediction, task.profile, structures=task.structures, image=image)
    given = {
        "absent": opened.absent,
        "no_image": NO_IMAGE if image is None else None,
        "facts": task.facts,
        "unannotated": find_unannotated(opened.reference, task.structures),
    }
    first, *others = varied.variants
    scores = _rows(pairs, first.profile, given)
    changed: dict[str, list[dict[str, Any]]] = {variant.key: [] for variant in others}
    written = {name: _lesions(name, pair, first) for name, pair in pairs.items()}
    lesions: dict[str, dict[str, Any]] = {}
    for name, pair in pairs.items():
        for key, rows, listed in _changed(name, SharedPair(pair), others, given):
            changed[key] += rows
            lesions.setdefault(key, {}).update(listed)
    findings = [asdict(each) for each in (*opened.findings, *of_image)]
    own = {"scores": scores, "changed": changed, "written_lesions": written, "lesions": lesions}
    return {**opened.facts, **own, "findings": findings}


def _lesions(structure: str, pair: MaskPair, variant: Variant) -> list[dict[str, Any]]:
    """Every lesion, if a number of the cohort is computed from the list of them."""
    return list_lesions({structure: pair}, variant.profile) if needs_candidates(variant.profile) else []


def needs_candidates(profile: Profile) -> bool:
    """Whether a number of the cohort is computed from lesions by falling score."""
    return any(rule.name == "froc_cpm" for rule in profile.cohort_metric)


def _changed(
    structure: str, shared: SharedPair, variants: Sequence[Variant], given: Mapping[str, Any]
) -> Iterator[tuple[str, list[dict[str, Any]], dict[str, Any]]]:
    """Per variant, the rows of the metrics that it touches, and the lesions by structure; none where it cannot."""
    for variant in variants:
        if variant.columns and variant.only_where in (None, shared.pair.presence):
            pair = shared.under(variant)
            rows = _rows({structure: pair}, only(variant.profile, variant.columns), given)
            lesions = {structure: _lesions(structure, pair, variant)} if variant.parameter in OF_LESIONS else {}
            yield variant.key, rows, lesions


def only(profile: Profile, columns: Collection[str]) -> Profile:
    """The profile with some of its metrics, for measuring; its weights need not sum to 1."""
    return profile.model_copy(update={"metric": tuple(rule for rule in profile.metric if rule.column in columns)})


def _rows(pairs: Mapping[str, MaskPair], profile: Profile, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [asdict(each) for each in measure(pairs, profile, **given)]


def rows_under(result: Mapping[str, Any], variant: Variant) -> Sequence[Mapping[str, Any]]:
    """All rows of a result under a variant: those that it measured anew, and the others as the profile has them."""
    if variant.parameter is None:
        return list(result["scores"])
    anew = {(row["structure"], row["metric"]): row for row in result["changed"].get(variant.key, ())}
    rows = [row for row in result["scores"] if row["metric"] not in variant.without]
    return [anew.get((row["structure"], row["metric"]), row) for row in rows]


def lesions_under(results: Sequence[tuple[ScoreTask, Mapping[str, Any]]], variant: Variant) -> Tables:
    """The tables of lesions and candidates under a variant; none unless a number of the cohort needs them.

    Args:
        results: Tasks with what `score_variants` gave for them.
        variant: The profile as it is written, or with one choice changed.
    """
    if not needs_candidates(variant.profile):
        return None, None
    listed = [(task, {"lesions": list(_lesions_of(result, variant))}) for task, result in results]
    return lesion_table(listed), candidate_table(listed)


def _lesions_of(result: Mapping[str, Any], variant: Variant) -> Iterator[Mapping[str, Any]]:
    for rows in {**result["written_lesions"], **result["lesions"].get(variant.key, {})}.values():
        yield from rows
