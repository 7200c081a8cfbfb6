"""What a profile says about ranking: which quantities, in which direction, how much each weighs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import InputError
from oncohort.leaderboard.box_metrics import box_quantities
from oncohort.leaderboard.cohort_metrics import COHORT_FORMULAS, cohort_quantity
from oncohort.leaderboard.grid import MACRO, ScoreGrid
from oncohort.leaderboard.quantities import CaseMean, GroupMean, MacroMean, Quantity
from oncohort.leaderboard.samples import Sample
from oncohort.metrics import METRICS, Direction
from oncohort.profiles import Profile, load_profile, parse_profile
from oncohort.results import Scores

_EVALUATE = "evaluate the predictions with this profile"

_OTHER_CASES = "score a cohort that has such cases, or take these metrics out of a profile of your own"


def profile_of(scores: Scores, profile: str | Path | Profile | None) -> Profile:
    """The profile that is given, else the one that the scores were made with.

    Raises:
        InputError: There are no scores that could name one, or the profile takes another truth than they do.
        SettingsError: The profile is not known or wrong.
    """
    if profile is not None:
        given = profile if isinstance(profile, Profile) else load_profile(profile)
        _require_truth(scores, given)
        return given
    text = scores.run.get("profile_text")
    if text:
        return parse_profile(str(text), where="profile_text of the scores")
    if scores.table.is_empty():
        raise cannot_rank("scores", "none")
    return load_profile(str(scores.table["profile"][0]))


def _require_truth(scores: Scores, profile: Profile) -> None:
    column = scores.run.get("truth", {}).get("column")
    if profile.target.truth_column != column:
        wanted, found = (
            "masks say" if one is None else f"the column {one} says" for one in (profile.target.truth_column, column)
        )
        raise cannot_rank(f"scores in which {wanted} which cases are positive ({profile.name})", f"that {found} it")


def quantities_of(grid: ScoreGrid, profile: Profile) -> tuple[Quantity, ...]:
    """Everything that the leaderboard lists, in the order of the profile.

    With several structures a metric has a row for each, then one for each group that the scores name and one for the
    mean over structures.

    Raises:
        InputError: The scores lack a metric of the profile.
    """
    require_metrics(grid, profile)
    return tuple(quantity for group in _groups(grid, profile) for quantity in group[1])


def weighted_quantities(grid: ScoreGrid, profile: Profile) -> tuple[tuple[float, Quantity], ...]:
    """Weight and quantity of every metric of the profile; with several structures the mean over them counts."""
    return tuple((weight, quantities[-1]) for weight, quantities in _groups(grid, profile))


def sample_of(grid: ScoreGrid, members: NDArray[np.bool_], profile: Profile) -> Sample:
    """The cases of a subset, with what the profile counts once.

    Args:
        grid: Holds the patients.
        members: (cases,).
        profile: Its `unit` says whether a patient counts once.
    """
    return Sample(members, grid.patients, is_by_patient=profile.unit != "case")


def unit_words(profile: Profile, sample: Sample) -> str:
    """What the profile counts: cases, patients, or pairs if every patient of the sample has two cases."""
    if profile.unit == "case":
        return "cases"
    cases = np.bincount(sample.patients[sample.members])
    return "pairs" if profile.unit == "pair" and set(cases.tolist()) <= {0, 2} else "patients"


def is_ranked(quantity: Quantity) -> bool:
    """Whether one way is better, so that models have places."""
    return quantity.direction in (Direction.HIGHER, Direction.LOWER)


def require_metrics(grid: ScoreGrid, profile: Profile) -> None:
    """Check that every metric of the profile was measured.

    Raises:
        InputError: One was not.
    """
    needed = [
        *profile.metrics,
        *sorted({name for rule in profile.cohort_metric for name in rule.needs} - set(profile.metrics)),
    ]
    absent = [metric for metric in needed if metric not in grid.metrics]
    if absent:
        words = {name: profile.rule(name).only_words if name in profile.metrics else "" for name in absent}
        named = (f"{name} (measured in cases of {only} only)" if only else name for name, only in words.items())
        remedy = _OTHER_CASES if all(words.values()) else _EVALUATE
        raise cannot_rank(f"the metrics of {profile.name}", f"no {', '.join(named)}", remedy)


def cannot_rank(expected: str, found: str, remedy: str = _EVALUATE) -> InputError:
    """The error of scores that do not suffice."""
    return InputError(expected=expected, found=found, where="rank", remedy=remedy)


def _groups(grid: ScoreGrid, profile: Profile) -> Iterator[tuple[float, list[Quantity]]]:
    for rule in profile.metric:
        yield rule.weight, _means(grid, rule.column, METRICS[rule.name].direction)
    for entry in profile.cohort_metric:
        yield entry.weight, [cohort_quantity(grid, entry)]
    if profile.boxes is not None:
        for of_boxes in profile.box_metric:
            yield of_boxes.weight, box_quantities(grid, of_boxes, profile.boxes)


def _means(grid: ScoreGrid, metric: str, direction: Direction) -> list[Quantity]:
    parts: list[CaseMean] = [
        CaseMean(structure, metric, direction, grid.values[structure, metric], grid.is_failed[structure, metric])
        for structure in grid.structures_of(metric)
    ]
    if len(parts) == 1:
        return [*parts]
    groups = [GroupMean(name, _members(parts, members)) for name, members in grid.groups.items()]
    return [
        *parts,
        *(group for group in groups if group.parts),
        MacroMean(MACRO, tuple(parts)),
    ]


def _members(parts: Sequence[CaseMean], names: Collection[str]) -> tuple[CaseMean, ...]:
    return tuple(part for part in parts if part.structure in names)


def labels_of(profile: Profile) -> dict[str, str]:
    """The registry's name of every column of the profile's leaderboard: of a metric, or of a metric of cohorts."""
    return {
        **{rule.column: rule.name for rule in profile.metric},
        **{entry.column: entry.name for entry in profile.cohort_metric if entry.name in COHORT_FORMULAS},
        **{entry.column: entry.name for entry in profile.box_metric},
    }
