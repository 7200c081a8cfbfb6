"""Rows of the PanTS leaderboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from oncohort.errors import InputError
from oncohort.leaderboard import ALL, CONFIDENCE, ScoreGrid, arrange_scores
from oncohort.leaderboard.cohort_metrics import cohort_quantity
from oncohort.leaderboard.cohort_quantities import PooledRatio, PresenceShare
from oncohort.leaderboard.protocol import profile_of, quantities_of, sample_of
from oncohort.leaderboard.quantities import Quantity
from oncohort.leaderboard.samples import Sample
from oncohort.metrics import Proportion
from oncohort.profiles import Profile
from oncohort.results import Scores
from oncohort.statistics.proportion import wilson_interval

COLUMNS = ("model", "P-Sen", "T-Sen", "Spe", "AUC", "DSC")
"""Heads of the table, as PanTS prints them."""

NO_VALUE = "–"
"""What stands in a cell without value."""

_SHARES = ("patient_sensitivity", "tumour_sensitivity", "specificity")


@dataclass(frozen=True)
class Level:
    """A number with its interval; None where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PantsRow:
    """One model on the PanTS leaderboard.

    Args:
        model: Name.
        patient_sensitivity: Of the patients with a tumour, those in whom any was predicted (P-Sen).
        tumour_sensitivity: Of the tumours, those that were found where they are (T-Sen).
        specificity: Of the patients without tumour, those in whom none was predicted (Spe).
        auc: Area under the ROC curve of patients.
        dice: Mean Dice over the patients in whom it has a value (DSC).

    Examples:
        >>> shares = Proportion(122, 151), Proportion(121, 161), Proportion(675, 750)
        >>> print(pants_row(PantsRow("MedFormer", *shares, Level(0.924), Level(0.529))))
        | MedFormer | 80.8 (122/151) | 75.2 (121/161) | 90.0 (675/750) | 0.924 | 52.9 |
    """

    model: str
    patient_sensitivity: Proportion
    tumour_sensitivity: Proportion
    specificity: Proportion
    auc: Level
    dice: Level


def pants_rows(
    scores: Scores, *, profile: Profile | None = None, aggregates: pl.DataFrame | None = None
) -> tuple[PantsRow, ...]:
    """A row for every model, in the order of the scores.

    Args:
        scores: Made with a profile that has the five numbers, such as `pants`.
        profile: By default the one that the scores were made with.
        aggregates: From `rank` of the same scores: gives the intervals of AUC and Dice.

    Raises:
        InputError: The profile lacks one of the numbers.
    """
    protocol = profile_of(scores, profile)
    grid = arrange_scores(scores)
    everyone = sample_of(grid, np.ones(len(grid.cases), bool), protocol)
    shares = [_cohort_quantity(grid, protocol, name) for name in _SHARES]
    auc = _cohort_quantity(grid, protocol, "auc")
    dice = _dice(grid, protocol, auc.structure)
    return tuple(
        PantsRow(
            name,
            _proportion(shares[0], everyone, model),
            _proportion(shares[1], everyone, model),
            _proportion(shares[2], everyone, model),
            _level(grid, auc, everyone, model, aggregates),
            _level(grid, dice, everyone, model, aggregates),
        )
        for model, name in enumerate(grid.models)
    )


def pants_row(row: PantsRow) -> str:
    """The row as PanTS prints it: percentages to 0.1 with their fractions, AUC to 0.001."""
    shares = (row.patient_sensitivity, row.tumour_sensitivity, row.specificity)
    cells = [_share(one) for one in shares]
    return _line([row.model, *cells, _number(row.auc.value, 1.0, 3), _number(row.dice.value, 100.0, 1)])


def pants_markdown(rows: Sequence[PantsRow], *, profile: Profile | None = None) -> str:
    """The rows as a Markdown table, and a second one with their 95 % intervals.

    Shares have Wilson's interval; it takes tumours for independent, which
    several tumours of one patient are not. AUC and DSC have the interval of
    the leaderboard, if there is one.

    Args:
        rows: From `pants_rows`.
        profile: Named below the tables.

    Examples:
        >>> shares = Proportion(122, 151), Proportion(121, 161), Proportion(675, 750)
        >>> print(pants_markdown([PantsRow("MedFormer", *shares, Level(0.924), Level(0.529))]))
        | model | P-Sen | T-Sen | Spe | AUC | DSC |
        |:---|:---:|:---:|:---:|:---:|:---:|
        | MedFormer | 80.8 (122/151) | 75.2 (121/161) | 90.0 (675/750) | 0.924 | 52.9 |
        <BLANKLINE>
        | 95 % interval | P-Sen | T-Sen | Spe | AUC | DSC |
        |:---|:---:|:---:|:---:|:---:|:---:|
        | MedFormer | 73.8 to 86.3 | 67.9 to 81.2 | 87.6 to 91.9 | – | – |
    """
    rule = f"|:---|{':---:|' * (len(COLUMNS) - 1)}"
    intervals = [_line(["95 % interval", *COLUMNS[1:]]), rule, *(_interval_row(row) for row in rows)]
    protocol = [] if profile is None else ["", f"Scored by the profile {profile.name}, version {profile.version}."]
    return "\n".join([_line(COLUMNS), rule, *(pants_row(row) for row in rows), "", *intervals, *protocol]) + "\n"


def _cohort_quantity(grid: ScoreGrid, profile: Profile, name: str) -> Quantity:
    quantities_of(grid, profile)  # names a metric that the scores lack
    for entry in profile.cohort_metric:
        if entry.name == name:
            return cohort_quantity(grid, entry)
    raise _lacking(profile, name)


def _dice(grid: ScoreGrid, profile: Profile, structure: str) -> Quantity:
    """The mean Dice of the structure that the area is of, or the only one."""
    columns = {rule.column for rule in profile.metric if rule.name == "dice"}
    found = [one for one in quantities_of(grid, profile) if one.metric in columns]
    named = [one for one in found if one.structure == structure]
    if len(found) > 1 and not named:
        raise _lacking(profile, f"dice of {structure}: name the structure of the cohort metrics")
    if not found:
        raise _lacking(profile, "dice")
    return (named or found)[0]


def _proportion(quantity: Quantity, everyone: Sample, model: int) -> Proportion:
    if not isinstance(quantity, PooledRatio | PresenceShare):
        raise TypeError(f"{quantity.metric} is no ratio of counts")
    above, below = (int(part[:, model].sum()) for part in quantity.sums(everyone))
    return Proportion(above, below)


def _level(grid: ScoreGrid, quantity: Quantity, everyone: Sample, model: int, aggregates: pl.DataFrame | None) -> Level:
    value = float(quantity.estimate(everyone, np.ones((1, grid.patient_count), np.int32))[0, model])
    low, high = None, None
    if aggregates is not None:
        own = aggregates.filter(
            (pl.col("model") == grid.models[model])
            & (pl.col("subset") == ALL)
            & (pl.col("metric") == quantity.metric)
            & (pl.col("structure") == quantity.structure)
        )
        low, high = (own["low"][0], own["high"][0]) if own.height else (None, None)
    return Level(None if math.isnan(value) else value, low, high)


def _share(share: Proportion) -> str:
    return f"{100 * share.value:.1f} ({share.successes}/{share.total})" if share.total else NO_VALUE


def _number(value: float | None, factor: float, digits: int) -> str:
    return NO_VALUE if value is None else f"{factor * value:.{digits}f}"


def _interval_row(row: PantsRow) -> str:
    shares = (row.patient_sensitivity, row.tumour_sensitivity, row.specificity)
    found = [wilson_interval(one.successes, one.total, confidence=CONFIDENCE) for one in shares]
    cells = [_range(None, None, 1.0, 1) if one is None else _range(one.low, one.high, 100.0, 1) for one in found]
    levels = [_range(row.auc.low, row.auc.high, 1.0, 3), _range(row.dice.low, row.dice.high, 100.0, 1)]
    return _line([row.model, *cells, *levels])


def _range(low: float | None, high: float | None, factor: float, digits: int) -> str:
    return NO_VALUE if low is None or high is None else f"{factor * low:.{digits}f} to {factor * high:.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _lacking(profile: Profile, name: str) -> InputError:
    return InputError(
        expected=f"the numbers of the PanTS leaderboard: {', '.join((*_SHARES, 'auc'))} and dice of the same structure",
        found=f"no {name}",
        where=f"profile {profile.name}",
        remedy="evaluate with the profile pants, or add the number to your own",
    )
