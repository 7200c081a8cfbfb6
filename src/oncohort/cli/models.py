"""Models: segment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from oncohort.cli.output import Common, ExitCode, print_json, say, shown_progress
from oncohort.formats import open_cohort
from oncohort.segmentation import segment as segment_cohort
from oncohort.segmenters import make_segmenter
from oncohort.storage import parse_toml

_COMMON = Common()


def segment(
    cohort: Path,
    segmenter: str,
    parameters: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=False)] = (),
    *,
    out: Path,
    common: Common = _COMMON,
) -> int:
    """Write the predictions of a segmenter for every case of a cohort.

    Args:
        cohort: The cohort folder.
        segmenter: Name of the segmenter: threshold, percent-of-max, liver-threshold or command.
        parameters: Its parameters as NAME=VALUE, such as suv=4.0.
        out: Folder of the predictions.
    """
    settings = {"segmenter": segmenter, **dict(_parameter(text) for text in parameters)}
    with shown_progress() as progress:
        done = segment_cohort(
            open_cohort(cohort),
            make_segmenter(settings),
            out=out,
            overwrite=common.overwrite,
            jobs=common.jobs,
            progress=progress,
        )
    if common.json:
        print_json({"out": str(done.folder), "failed": dict(done.failed), "notes": dict(done.notes)})
    for case, reason in done.failed.items():
        say(f"no prediction for {case}: {reason}")
    for case, notes in done.notes.items():
        say(f"{case}: {'; '.join(notes)}")
    say(f"predictions: {done.folder}")
    return ExitCode.REFUSED if done.failed else ExitCode.DONE


def _parameter(text: str) -> tuple[str, Any]:
    """Name and value; a value that is no TOML value is a word."""
    name, _, value = text.partition("=")
    try:
        return name, parse_toml(f"value = {value}")["value"]
    except ValueError:
        return name, value
