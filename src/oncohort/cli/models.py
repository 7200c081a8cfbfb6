"""Models: segment."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from oncohort.cli.output import Common, ExitCode, print_json, say, shown_progress
from oncohort.errors import shown
from oncohort.formats import open_cohort
from oncohort.segmentation import Segmented
from oncohort.segmentation import segment as segment_cohort
from oncohort.segmenters import segmenter_from_words

_COMMON = Common()


def segment(
    cohort: Path,
    parameters: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=False)] = (),
    *,
    with_: Annotated[str, Parameter(name="--with")],
    out: Path,
    common: Common = _COMMON,
) -> int:
    """Write the predictions of a segmenter for every case of a cohort.

    Args:
        cohort: The cohort folder.
        parameters: Parameters of the segmenter as NAME=VALUE, such as suv=4.0.
        with_: The segmenter, NAME or NAME:VALUE: threshold, percent-of-max, liver-threshold, totalsegmentator, moose,
            nnunet:FOLDER or command:PROGRAM.
        out: Folder of the predictions.
    """
    segmenter = segmenter_from_words(with_, parameters)
    with shown_progress() as progress:
        done = segment_cohort(
            open_cohort(cohort), segmenter, out=out, overwrite=common.overwrite, jobs=common.jobs, progress=progress
        )
    if common.json:
        _print(done)
    for case, reason in done.failed.items():
        say(f"no prediction for {case}: {reason}")
    for notes, cases in _cases_by_notes(done).items():
        say(f"{shown(cases, 3)}: {'; '.join(notes)}")
    say(f"predictions: {done.folder}")
    return ExitCode.REFUSED if done.failed else ExitCode.DONE


def _cases_by_notes(done: Segmented) -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for case, notes in done.notes.items():
        found.setdefault(notes, []).append(case)
    return found


def _print(done: Segmented) -> None:
    cases = [{**asdict(one), **asdict(one.measured)} for one in done.cases]
    for case in cases:
        del case["measured"]
    print_json({"out": str(done.folder), "failed": dict(done.failed), "notes": dict(done.notes), "cases": cases})
