"""Pictures of the worst cases, drawn once and remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.cohort import Case, Cohort
from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.errors import InputError
from oncohort.formats import fingerprint_case
from oncohort.formats.predictions import find_prediction, read_prediction
from oncohort.reporting import CasePicture, Panel, model_colours, picture_case
from oncohort.storage import content_key, file_stamp
from oncohort.volume import LabelMap

_VERSION = 2  # of the drawing; part of every key


@dataclass(frozen=True)
class DrawnModel:
    """One model of a picture: its name, the file of its prediction, its colour and its Dice in words."""

    name: str
    file: Path | None
    colour: str
    note: str


@dataclass(frozen=True)
class _Item:
    case: Case
    models: tuple[DrawnModel, ...]
    synthetic: bool
    role: str

    def key(self, cohort: Cohort) -> str:
        needed = fingerprint_case(cohort, self.case.id, ("pet", self.role))
        models = [[m.name, m.colour, m.note, str(m.file), file_stamp(m.file) if m.file else None] for m in self.models]
        return content_key("picture", _VERSION, self.case.id, self.synthetic, self.role, needed, models)


def draw_cases(  # noqa: PLR0913 - what is drawn, and the keywords of every resumable stage
    cohort: Cohort,
    models: Mapping[str, tuple[DrawnModel, ...]],
    *,
    role: str,
    synthetic: bool,
    store: ResultStore,
    jobs: int,
    progress: ProgressCallback | None,
) -> tuple[CasePicture, ...]:
    """Pictures of the cases in `models`, in that order; cases without a PET that can be read have none."""
    items = [_Item(cohort[case], drawn, synthetic, role) for case, drawn in models.items() if "pet" in cohort[case]]
    keys = [item.key(cohort) for item in items]
    results = map_items(_draw, items, keys=keys, store=store, jobs=jobs, progress=progress, label="draw")
    store.prune(set(keys))
    return tuple(CasePicture.from_dict(result) for result in results if result)


def _draw(item: _Item) -> dict[str, Any]:
    case = item.case
    try:
        reference = case.label_map(item.role) if item.role in case else None
        panels = [Panel(model.name, _mask(model), model.note, model.colour) for model in item.models]
        picture = picture_case(case.id, case.image("pet"), panels, reference=reference, synthetic=item.synthetic)
        return picture.to_dict()
    except InputError:
        return {}


def _mask(model: DrawnModel) -> LabelMap | None:
    """The predicted mask; None where there is none or it cannot be read, which is scored alike."""
    if model.file is None:
        return None
    try:
        found = read_prediction(model.file)
        return found if all(layer.array.ndim for layer in found.layers) else None
    except InputError:
        return None


def drawn_models(
    case: str, predictions: Mapping[str, Path], dice: Mapping[tuple[str, str], str]
) -> tuple[DrawnModel, ...]:
    """The models of one picture; `dice` holds the note by model and case."""
    colours = model_colours(list(predictions))
    return tuple(
        DrawnModel(name, find_prediction(folder, case), colours[name], dice.get((name, case), ""))
        for name, folder in predictions.items()
    )
