"""One prediction against one reference under every variant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from oncohort.evaluation import NO_IMAGE, compare, measure
from oncohort.evaluation.scoring import ScoreTask, image_of, open_task
from oncohort.metrics import MaskPair
from oncohort.profiles import Profile
from oncohort.variation.choices import Variant
from oncohort.variation.sharing import SharedPair


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
    given = {"absent": opened.absent, "no_image": NO_IMAGE if image is None else None, "facts": task.facts}
    first, *others = varied.variants
    scores = _rows(pairs, first.profile, given)
    changed: dict[str, list[dict[str, Any]]] = {variant.key: [] for variant in others}
    for name, pair in pairs.items():
        for key, rows in _changed(name, SharedPair(pair), others, given):
            changed[key] += rows
    findings = [asdict(each) for each in (*opened.findings, *of_image)]
    return {**opened.facts, "scores": scores, "changed": changed, "findings": findings}


def _changed(
    structure: str, shared: SharedPair, variants: Sequence[Variant], given: Mapping[str, Any]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Per variant, the rows of the metrics that it touches; none where it cannot."""
    for variant in variants:
        if variant.columns and variant.only_where in (None, shared.pair.presence):
            yield (
                variant.key,
                _rows({structure: shared.under(variant)}, only(variant.profile, variant.columns), given),
            )


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
