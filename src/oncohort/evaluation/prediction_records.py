"""What a segmentation wrote beside its masks: which labels they hold, and doubts about single cases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import polars as pl

from oncohort.cohort import Cohort
from oncohort.errors import FormatError, LabelError, shown
from oncohort.evaluation.structures import Structures, find_structures
from oncohort.formats.json_values import as_object
from oncohort.formats.segmentation_record import (
    CASES_FILE,
    KNOWN_PATIENT,
    RUN_FILE,
    TRAINED_ON_PATIENT,
    TRAINING_NOTES,
    TYPE,
    cases_known_to_training,
    read_segmentation_record,
)
from oncohort.labels import LabelScheme
from oncohort.profiles import Profile
from oncohort.segmenters import LESION_SCHEME, SEGMENTERS
from oncohort.segmenters.tool_labels import known_label
from oncohort.storage import read_json

_MOST_BYTES = 1 << 26
_LONGEST = 200  # characters of notes in a sentence
_SENTENCES = {
    TRAINED_ON_PATIENT: "{model}: {share} scored cases were predicted by a network that was trained on the same "
    "patient ({cases}); its scores do not say how it does on new patients.",
    KNOWN_PATIENT: "{model}: {share} scored cases bear the id of a patient that a network was trained on in another "
    "cohort ({cases}); if they are the same patients, its scores do not say how it does on new ones.",
}
_CAUTIONS = {
    TRAINED_ON_PATIENT: "trained on the patients of {share} scored cases",
    KNOWN_PATIENT: "may be trained on the patients of {share} scored cases: the ids are the same",
}


@dataclass(frozen=True)
class PredictionRecord:
    """What `segment` says of the masks in a folder.

    Attributes:
        path: The record.
        labels: Integer by name; empty if nothing is known of them.
        notes: Doubts of the segmenter by case, without those of `known`.
        known: Cases by one of `TRAINING_NOTES`: those that may not be new to the network.
        segmenter: Its name.
    """

    path: Path
    labels: Mapping[str, int]
    notes: Mapping[str, tuple[str, ...]]
    known: Mapping[str, tuple[str, ...]]
    segmenter: str = ""


Records = Mapping[str, tuple[PredictionRecord, ...]]
"""What is known of the predictions of every model; one record for each state of an interaction."""


def read_records(folders: Mapping[str, Path], cohort: Cohort, profile: Profile) -> Records:
    """The records of the folders that have one, by model; their labels agree with the cohort's.

    Raises:
        FormatError: A record is damaged.
        LabelError: A mask would be scored as another structure than the segmentation meant.
        SettingsError: The profile names structures that the cohort does not.
    """
    found = {model: find_record(folder) for model, folder in folders.items()}
    records = {model: record for model, record in found.items() if record is not None}
    structures = find_structures(profile, cohort.scheme) if records else {}
    for model, record in records.items():
        require_labels(record, structures, cohort.scheme, model=model)
    return {model: (record,) for model, record in records.items()}


def join_records(several: Iterable[Records]) -> Records:
    """The records of all states of an interaction, by model."""
    joined: dict[str, tuple[PredictionRecord, ...]] = {}
    for records in several:
        for model, found in records.items():
            joined[model] = (*joined.get(model, ()), *found)
    return joined


def find_record(folder: Path) -> PredictionRecord | None:
    """The record of the segmentation that filled a folder; None if something else filled it.

    Raises:
        FormatError: The record is damaged.
    """
    if not _is_recorded(folder):
        return None
    path = folder / RUN_FILE
    table, run = read_segmentation_record(folder)
    _require_texts(table, folder / CASES_FILE)
    notes = {
        case: tuple(note for note in texts if not note.startswith(TRAINING_NOTES))
        for case, texts in table.select("case", "notes").iter_rows()
    }
    return PredictionRecord(
        path=path,
        labels=_labels(run, path),
        notes={case: texts for case, texts in notes.items() if texts},
        known=cases_known_to_training(table),
        segmenter=str(run.get("segmenter", "")),
    )


def require_labels(record: PredictionRecord, structures: Structures, scheme: LabelScheme, *, model: str) -> None:
    """Raise if a mask would be scored as another structure than the segmentation meant.

    Every integer of the masks must mean, within each scored structure, what it means in the cohort: the same label by
    name (upper or lower case), alias or published name, or a group of labels that all belong to the structure. What
    segmenters of lesions call `lesion` is the one label of a cohort that has no other, whatever its name.

    Args:
        record: What the segmentation says.
        structures: Labels by structure, from `find_structures`; empty if all labels together are one mask.
        scheme: Of the cohort.
        model: Whose predictions.

    Raises:
        LabelError: Naming the labels.

    Examples:
        >>> own = PredictionRecord(Path("run.json"), {"lesion": 1}, {}, {})
        >>> require_labels(own, {"node": (1,)}, LabelScheme("two", {"node": 1, "primary": 2}), model="net")
        Traceback (most recent call last):
        ...
        oncohort.errors.LabelError: predictions of 'net': run.json: expected labels as in the cohort: node = 1, ...
    """
    is_checked = bool(structures) and not _is_the_only_label(record.labels, scheme)
    meant = {name: _meaning(name, scheme) for name in record.labels} if is_checked else {}
    wrong = [
        f"{name} = {record.labels[name]}"
        for name, values in meant.items()
        if any(_is_mistaken(record.labels[name], values, frozenset(own)) for own in structures.values())
    ]
    if not wrong:
        return
    scored = {value for values in structures.values() for value in values}
    own = [f"{name} = {value}" for name, value in scheme.labels.items() if value in scored]
    raise LabelError(
        expected=f"labels as in the cohort: {shown(own, 6)}",
        found=shown(wrong, 6),
        where=f"predictions of {model!r}: {record.path}",
        remedy=_remedy(record.segmenter),
    )


def describe_records(records: Records, structures: Structures, cases: Sequence[str]) -> Iterator[str]:
    """Sentences on cases that may not be new to a network, on labels that a model lacks, and on other doubts.

    Args:
        records: By model.
        structures: Labels by structure; empty if all labels together are one mask.
        cases: Those that are scored.
    """
    scored = frozenset(cases)
    for model, found in records.items():
        for words, known in known_to_training(found, cases).items():
            share = f"{len(known)} of {len(cases)}"
            yield _SENTENCES[words].format(model=model, share=share, cases=shown(known, 3))
        lacking = _lacking(found, structures)
        if lacking:
            yield f"{model} has no label for {shown(lacking)}: its masks hold none, and are scored so."
        doubts = {case: notes for one in found for case, notes in one.notes.items() if case in scored}
        if doubts:
            case, notes = next(iter(doubts.items()))
            yield (
                f"{model}: the segmenter noted something on {len(doubts)} of {len(cases)} scored cases, such as {case} "
                f"({'; '.join(notes)[:_LONGEST]}); {CASES_FILE} beside the predictions lists all."
            )


def known_to_training(records: Sequence[PredictionRecord], cases: Collection[str]) -> dict[str, list[str]]:
    """Those of the cases that may not be new to a network, in their order, by one of `TRAINING_NOTES`."""
    said = {words: {case for one in records for case in one.known.get(words, ())} for words in TRAINING_NOTES}
    found = {words: [case for case in cases if case in known] for words, known in said.items()}
    return {words: known for words, known in found.items() if known}


def cautions(run: Mapping[str, Any]) -> dict[str, str]:
    """A few words beside the name of each model that may know patients whom it is scored on.

    Args:
        run: What `record_run` gave.

    Examples:
        >>> cautions({"cases": ["A", "B"], "known_to_training": {"net": {"trained on this patient": ["A"]}}})
        {'net': 'trained on the patients of 1 of 2 scored cases'}
    """
    total = len(run.get("cases", ()))
    return {
        model: "; ".join(
            _CAUTIONS[words].format(share=f"{len(cases)} of {total}")
            for words, cases in known.items()
            if words in _CAUTIONS
        )
        for model, known in run.get("known_to_training", {}).items()
    }


def _is_recorded(folder: Path) -> bool:
    path = folder / RUN_FILE
    if not path.is_file():
        return False
    try:
        run = read_json(path, most_bytes=_MOST_BYTES)
    except FormatError:
        if (folder / CASES_FILE).is_file():
            raise
        return False
    return isinstance(run, dict) and run.get("type") == TYPE


def _require_texts(table: pl.DataFrame, path: Path) -> None:
    expected = "a case and a list of notes in every row"
    if table.schema.get("case") != pl.String or table.schema.get("notes") != pl.List(pl.String):
        raise _damaged(path, expected, f"columns {shown(table.columns)}")
    if any(None in (case, notes) or None in notes for case, notes in table.select("case", "notes").iter_rows()):
        raise _damaged(path, expected, "nothing in one of them")


def _labels(run: Mapping[str, Any], path: Path) -> dict[str, int]:
    try:
        labels = as_object(run.get("labels"))
    except ValueError as error:
        raise _damaged(path, "labels", str(error)) from error
    strange = [name for name, value in labels.items() if type(value) is not int]
    if strange:
        raise _damaged(path, "an integer for every label", f"{labels[strange[0]]!r}"[:80])
    try:
        return dict(LabelScheme("predictions", labels).labels)
    except LabelError as error:
        raise _damaged(path, error.expected, error.found[:200]) from error


def _is_the_only_label(labels: Mapping[str, int], scheme: LabelScheme) -> bool:
    """Whether masks of a segmenter of lesions have the integer of the only label of the cohort."""
    return dict(labels) == dict(LESION_SCHEME.labels) and list(labels.values()) == list(scheme.labels.values())


def _remedy(segmenter: str) -> str:
    """What may be done about wrong labels; only some segmenters can be told which labels to write."""
    kind = SEGMENTERS.get(segmenter)
    profile = "choose a profile of all labels as one mask"
    if kind is not None and "labels" in {field.name for field in fields(kind)}:
        return f"segment with labels=cohort (nnunet also takes labels=NAME=LABEL), or {profile}"
    return f"{profile}, or remove {RUN_FILE} if the integers of the masks are those of the cohort"


def _meaning(name: str, scheme: LabelScheme) -> frozenset[int]:
    """The integers that a cohort has for what a model calls by a name; none if it does not know it."""
    exact = _exact_meaning(name, scheme)
    if exact:
        return exact
    folded = name.casefold()
    spelled = {one for one in (*scheme.labels, *scheme.aliases, *scheme.groups) if one.casefold() == folded}
    meant = {_exact_meaning(one, scheme) for one in (*spelled, folded)} - {exact}
    return meant.pop() if len(meant) == 1 else exact


def _exact_meaning(name: str, scheme: LabelScheme) -> frozenset[int]:
    if name in scheme.groups and name not in scheme.labels:
        return frozenset(scheme.labels[member] for member in scheme.groups[name])
    known = known_label(name, scheme)
    return frozenset() if known is None else frozenset({scheme.labels[known]})


def _is_mistaken(integer: int, meant: frozenset[int], structure: frozenset[int]) -> bool:
    """Whether a label counts in a structure to which it does not belong, or not in one to which it does."""
    if integer in structure:
        return not meant or not meant <= structure
    return bool(meant & structure)


def _lacking(records: Sequence[PredictionRecord], structures: Structures) -> list[str]:
    """The structures that no mask of a model can hold."""
    values = {value for one in records for value in one.labels.values()}
    if not values:
        return []
    return [name for name, own in structures.items() if values.isdisjoint(own)]


def _damaged(path: Path, expected: str, found: str) -> FormatError:
    return FormatError(
        expected=expected,
        found=found,
        where=str(path),
        remedy="segment again, or remove the record if it is not of these masks",
    )
