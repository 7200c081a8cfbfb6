"""Scores as folders of files that other tools read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from oncohort.cohort import Cohort
from oncohort.errors import shown
from oncohort.leaderboard.protocol import profile_of
from oncohort.outputs.case_rows import models_of
from oncohort.outputs.challenger import ChallengerTable, challenger_tables
from oncohort.outputs.coco_folder import coco_dataset, coco_model_results
from oncohort.outputs.coco_results import write_coco_results
from oncohort.outputs.grand_challenge import grand_challenge_metrics, write_grand_challenge_metrics
from oncohort.outputs.nnunet_summary import nnunet_summary, write_nnunet_summary
from oncohort.profiles import Profile
from oncohort.results import Scores
from oncohort.storage import encode_stem, write_bytes, write_json

FolderForm = Literal["nnunet", "grand-challenge", "challenger", "coco"]
"""Forms that are folders: a file per model, or a file per metric."""

_SHOWN = 5


@dataclass(frozen=True)
class WrittenFile:
    """A file that was written, and what its reader must know."""

    path: Path
    notes: tuple[str, ...] = ()


def write_folder(
    form: FolderForm, folder: str | Path, scores: Scores, aggregates: pl.DataFrame, *, cohort: Cohort | None = None
) -> tuple[WrittenFile, ...]:
    """Write the scores in the form of another tool.

    `nnunet` gives `MODEL/summary.json`, `grand-challenge` `MODEL/metrics.json`,
    `challenger` `METRIC.csv` and `challenger.json` with what `as.challenge` and
    the ranking functions must be told, `coco` `MODEL/results.json` and
    `MODEL/images.json`. Files of these names are replaced, others stay.

    Args:
        form: One of `FolderForm`.
        folder: Where; made if it is not there.
        scores: From `evaluate`.
        aggregates: From `rank` of the same scores.
        cohort: The cohort that was scored, for the integers and voxels of `nnunet`.

    Raises:
        InputError: The scores lack what the form consists of.
        OutputError: A file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from oncohort.results import Score
        >>> scores = Scores.from_scores([Score("a", "A", "A", "lesion", "dice", 0.8, "1", "autopet-iii", "1")], {})
        >>> with TemporaryDirectory() as there:
        ...     [file.path.name for file in write_folder("challenger", there, scores, pl.DataFrame())]
        ['dice.csv', 'challenger.json']
    """
    root = Path(folder)
    if form == "nnunet":
        return tuple(_write_summaries(root, scores, cohort))
    if form == "grand-challenge":
        return tuple(_write_metrics(root, scores, aggregates))
    if form == "coco":
        return tuple(_write_coco(root, scores))
    return tuple(_write_tables(root, challenger_tables(scores), profile_of(scores, None)))


def _write_summaries(root: Path, scores: Scores, cohort: Cohort | None) -> Iterator[WrittenFile]:
    for model in models_of(scores):
        path = root / encode_stem(model) / "summary.json"
        summary = nnunet_summary(scores, model, cohort=cohort)
        write_nnunet_summary(path, summary)
        told = summary["oncohort"]
        missing = [f"no usable prediction: {', '.join(told['missing'])}"] if told["missing"] else []
        left_out = [f"left out: {words}" for words in told["left_out"]]
        yield WrittenFile(path, (*left_out, *(f"differs: {words}" for words in told["differs"]), *missing))


def _write_metrics(root: Path, scores: Scores, aggregates: pl.DataFrame) -> Iterator[WrittenFile]:
    for model in models_of(scores):
        path = root / encode_stem(model) / "metrics.json"
        write_grand_challenge_metrics(path, grand_challenge_metrics(scores, aggregates, model))
        yield WrittenFile(path)


def _write_coco(root: Path, scores: Scores) -> Iterator[WrittenFile]:
    dataset = coco_dataset(scores)
    for model in models_of(scores):
        folder = root / encode_stem(model)
        write_json(folder / "images.json", dataset)
        write_coco_results(folder / "results.json", coco_model_results(scores, model))
        yield WrittenFile(folder / "results.json", (f"{len(dataset['images'])} images in images.json",))


def _write_tables(root: Path, tables: tuple[ChallengerTable, ...], profile: Profile) -> Iterator[WrittenFile]:
    for table in tables:
        path = root / f"{table.metric}.csv"
        write_bytes(path, table.text.encode())
        yield WrittenFile(path, tuple(_challenger_notes(table)))
    protocol = {"profile": profile.name, "profile_version": profile.version}
    told = {
        table.metric: {name: value for name, value in asdict(table).items() if name not in ("metric", "text")}
        | protocol
        for table in tables
    }
    write_json(root / "challenger.json", told)
    yield WrittenFile(root / "challenger.json")


def _challenger_notes(table: ChallengerTable) -> Iterator[str]:
    treat = "" if not table.gaps or table.na_treat is None else f", na.treat = {table.na_treat:g}"
    yield f"smallBetter = {str(table.small_better).upper()}{treat}"
    if table.gaps:
        others = f", {table.gaps_of_no_fault} of them not the prediction's fault" if table.gaps_of_no_fault else ""
        yield f"{table.gaps} NA{others}"
    for structure, cases in table.left_out.items():
        if cases:
            yield f"left out, because no model has a value: {structure} of {shown(cases, _SHOWN)}"
