"""Benchmarks under other choices: sensitivity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from cyclopts import Parameter

from oncohort.cli.benchmarks import named_folders
from oncohort.cli.evaluation_record import is_whole, show_record
from oncohort.cli.output import Common, ExitCode, print_json, say, show_table, shown_progress
from oncohort.cli.scoring_choices import profile_file
from oncohort.formats import open_cohort
from oncohort.leaderboard import RANK
from oncohort.storage import require_apart
from oncohort.variation import ENVELOPE, PARAMETERS, Choices, Sensitivity, measure_sensitivity, write_sensitivity
from oncohort.variation.page import main_findings

_COMMON = Common()


@Parameter(name="*")
@dataclass(frozen=True)
class VariedChoices:
    """What is varied.

    Args:
        vary: Parameters with commas between: connectivity, minimum-volume, matching, empty, truth.
        minimum_volume: Sizes of minimum-volume, in voxels, mm3 or ml.
        remove_from: Masks of which small components are removed: prediction, reference, both.
        truth_column: Column of the cases that says whether a case is positive, for truth.
        resample_predictions: Take the nearest voxel where a prediction lies on another grid.
    """

    vary: str = ",".join(PARAMETERS)
    minimum_volume: str = "10voxels,100mm3,1000mm3"
    remove_from: str = "prediction,reference,both"
    truth_column: str | None = None
    resample_predictions: Annotated[bool, Parameter(negative="")] = False

    @property
    def choices(self) -> Choices:
        """As the library takes them.

        Raises:
            SettingsError: A parameter, size or side that is not known.
        """
        lists: dict[str, Any] = {
            "parameters": _parts(self.vary),
            "minimum_sizes": _parts(self.minimum_volume),
            "sides": _parts(self.remove_from),
        }
        return Choices(**lists, truth_column=self.truth_column)


_VARIED = VariedChoices()


def sensitivity(
    cohort: Path,
    predictions: tuple[str, ...],
    *,
    profile: str,
    out: Path,
    varied: VariedChoices = _VARIED,
    common: Common = _COMMON,
) -> int:
    """Score the same predictions under a profile and with one of its choices changed at a time.

    Args:
        cohort: The cohort folder.
        predictions: A folder per model; NAME=FOLDER names the model, otherwise the folder does.
        profile: Name or file of the protocol, such as autopet-iii.
        out: Folder of the tables, the figures and the page.
    """
    if common.overwrite:  # nothing is emptied without
        require_apart(out, profile_file(profile))
    with shown_progress() as progress:
        found = measure_sensitivity(
            open_cohort(cohort),
            named_folders(predictions),
            profile=profile,
            choices=varied.choices,
            out=out,
            resample_predictions=varied.resample_predictions,
            overwrite=common.overwrite,
            jobs=common.jobs,
            progress=progress,
        )
    page = write_sensitivity(out, found)
    if common.json:
        tables = {"choices": found.choices.to_dicts(), "ranges": found.ranges.to_dicts()}
        print_json({"out": str(out), "page": str(page), "run": found.run, **tables})
    show_record(found.run)
    _show(found)
    say(f"page: {page}")
    return ExitCode.DONE if is_whole(found.run) else ExitCode.REFUSED


def _show(found: Sensitivity) -> None:
    for sentence in main_findings(found):
        say(sentence)
    for parameter, reason in found.variation.without_effect.items():
        say(f"without effect: {parameter}, {reason}")
    for value, reason in found.variation.impossible.items():
        say(f"not possible: {value}, {reason}")
    profile = found.variation.profile
    weighted = [RANK, *(rule.column for rule in profile.metric if rule.weight)]
    weighted += [rule.column for rule in profile.cohort_metric if rule.weight]
    ranges = found.ranges.filter((pl.col("parameter") == ENVELOPE) & pl.col("metric").is_in(weighted))
    heads = ["metric", "model", "as written", "lowest", "highest", "place", "best", "worst"]
    keys = ["metric", "model", "value", "low", "high", "rank", "best_rank", "worst_rank"]
    show_table("weighted metrics under one other choice", heads, ranges.select(keys).rows())


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
