"""The methods paragraph of a profile: its protocol in running words."""

from __future__ import annotations

from collections.abc import Iterator

from oncohort.leaderboard import CONFIDENCE
from oncohort.leaderboard.columns import metric_names
from oncohort.outputs.methods_of_boxes import box_sentences
from oncohort.outputs.methods_of_metrics import metric_sentences
from oncohort.outputs.words import listed, sentence, verb
from oncohort.profiles import Components, Profile

_UNITS = {
    "case": "Each case counts once",
    "patient": "Each patient counts once: the values of a metric are averaged over the cases of a patient first",
    "pair": "Each patient, who has two cases, counts once: the values of a metric are averaged over the pair first",
}

_REFERENCES = {"masks": "is the mask of role", "boxes": "consists of the boxes that are drawn on volumes of role"}

_NAMES = {"masks": "labels", "boxes": "classes"}

_NEIGHBOURS = {
    6: "6 neighbours (a shared face)",
    18: "18 neighbours (a shared face or edge)",
    26: "26 neighbours (a shared face, edge or corner)",
}

_MATCHING = {
    "any-overlap": (
        "A lesion of the reference is found, and a predicted lesion is no false one, "
        "if it shares at least one voxel with the other mask"
    ),
    "iou": (
        "Lesions of the reference and of the prediction are matched one to one, by the best assignment, "
        "at an intersection over union (IoU) of at least {threshold:g}"
    ),
    "many-to-many": (
        "Every pair of a reference and a predicted lesion with an intersection over union (IoU) of at least "
        "{threshold:g} is a match, so that a lesion may have several"
    ),
}

_WITHOUT_COLUMNS = {"one-subset": "a cohort without these columns is one subset"}

_SCHEMES = {
    "rank-subset-means": (
        "Models are put in order by their result in each metric within each subset; "
        "their places are averaged over subsets and weighted by metric"
    ),
    "rank-mean-of-subsets": (
        "The mean of each metric within each subset is averaged over subsets; "
        "models are put in order by these means and their places weighted by metric"
    ),
    "rank-cohort-means": (
        "Models are put in order by the mean of each metric over all cases; their places are weighted by metric"
    ),
}

_TIES = {"min": "models with equal values share the better place"}

_INTERVALS = {"percentile": "percentiles", "bca": "bias-corrected and accelerated percentiles"}


def methods_paragraph(
    profile: Profile, *, draws: int = 1000, seed: int = 2026, interval: str = "percentile", software: str = "Oncohort"
) -> str:
    """A paragraph for a methods section: everything that the profile fixes, in plain English.

    Args:
        profile: The protocol.
        draws: Of the bootstrap that `rank` was called with; 0 for no intervals.
        seed: Of the draws.
        interval: `percentile` or `bca`.
        software: Name and version of what computed the scores.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> text = methods_paragraph(load_profile("autopet-iii"))
        >>> text.split(". ")[1]
        'The reference is the mask of role "lesions"; all of its labels together are one structure, "lesion"'
    """
    parts = [
        f"Predictions were scored with {software} by the profile {profile.name}, version {profile.version} "
        f'("{profile.title}"; file type {profile.type}, format {profile.format_version})',
        *target_sentences(profile),
        *lesion_sentences(profile),
        *box_sentences(profile, metric_names(profile)),
        *metric_sentences(profile),
        *ranking_sentences(profile),
        *_intervals(profile, draws, seed, interval),
        f"Source of the definitions: {profile.source}",
    ]
    return " ".join(sentence(part) for part in parts)


def target_sentences(profile: Profile) -> Iterator[str]:
    """What the reference is, what is scored by itself and what counts once."""
    target = profile.target
    mask = f'The reference {_REFERENCES[profile.kind]} "{target.role}"'
    if target.is_union:
        yield f'{mask}; all of its {_NAMES[profile.kind]} together are one structure, "{target.structure}"'
    elif target.structures == "each":
        yield f"{mask}; each of its {_NAMES[profile.kind]} is scored by itself"
        if target.group_means:
            yield "Each group of labels has the mean over all its pairs of a case and a label that have a value"
    else:
        names = target.structures or ()
        yield f"{mask}; {listed(names)} {verb(names, 'is scored', 'are each scored by themselves')}"
    if target.image is not None:
        yield f'Uptake is measured in the image of role "{target.image}"'
    yield _UNITS[profile.unit]
    if profile.steps is not None:
        yield f"Each of {profile.steps.states} states of an interaction has a prediction"


def lesion_sentences(profile: Profile) -> Iterator[str]:
    """What a lesion of a mask is and when it is found; nothing where no lesions are asked for."""
    components = profile.components
    if components is None:
        return
    neighbours = f"connected components of voxels with {_NEIGHBOURS[components.connectivity]}"
    if components.instances == "both":
        yield (
            "Each integer of the reference and each integer of the prediction is one lesion; in masks that overlap, "
            f"lesions are {neighbours}"
        )
    elif components.instances:
        yield (
            "Each integer of a reference whose largest integer is above 1 is one lesion; "
            f"all other lesions are {neighbours}"
        )
    else:
        yield f"Lesions are {neighbours}"
    yield _MATCHING[components.matching].format(threshold=components.threshold)
    yield from _lesion_lists(components)


def _lesion_lists(components: Components) -> Iterator[str]:
    if components.size_edges_ml:
        edges = listed(f"{edge:g}" for edge in components.size_edges_ml)
        yield f"Size classes of lesions part at {edges} ml"
    if components.table:
        yield "Every lesion of the reference and of the prediction is listed beside the scores"


def ranking_sentences(profile: Profile) -> Iterator[str]:
    """The subsets of the cohort, and how models are put in order."""
    yield from _subsets(profile)
    yield from _ranking(profile)


def _subsets(profile: Profile) -> Iterator[str]:
    if profile.subsets.columns:
        words = _WITHOUT_COLUMNS[profile.subsets.without_columns]
        yield f"The cohort is divided into subsets by {listed(profile.subsets.columns)}; {words}"
    else:
        yield "The cohort is one subset"


def _ranking(profile: Profile) -> Iterator[str]:
    names = metric_names(profile)
    weights = [
        *((names[rule.column], rule.weight) for rule in profile.metric),
        *((names[entry.column], entry.weight) for entry in profile.of_cohort),
    ]
    shares = listed(f"{weight:g} {name}" for name, weight in weights if weight)
    yield f"{_SCHEMES[profile.ranking.scheme]} ({shares})"
    unweighted = [name for name, weight in weights if not weight]
    if unweighted:
        yield "Metrics without weight are reported only"
    yield (
        f"Within a metric {_TIES[profile.ranking.ties]}, and models with failed cases (no usable prediction, or "
        "nothing predicted, and so no value) come after all others, those with fewer first; equal sums are parted by "
        f"{names[profile.ranking.tie_break]}"
    )


def _intervals(profile: Profile, draws: int, seed: int, interval: str) -> Iterator[str]:
    if not draws:
        return
    yield (
        f"Intervals hold {100 * CONFIDENCE:g} % and are {_INTERVALS[interval]} of {draws:,} bootstrap draws of "
        f"patients, each with all of its cases (seed {seed}, the same draws for all models)"
    )
    if any(entry.name in ("patient_sensitivity", "specificity") for entry in profile.cohort_metric):
        yield (
            "Shares of cases have the interval of Wilson where every patient has one case, and that of Clopper and "
            "Pearson where none or all count"
        )
