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
from oncohort.pictures import show_case
from oncohort.reporting import CasePicture, Panel, model_colours, picture_case
from oncohort.reporting.data import ReferenceState
from oncohort.reporting.figures import MAX_PANELS
from oncohort.storage import content_key, file_stamp
from oncohort.volume import LabelMap

_VERSION = 3  # of the drawing; part of every key


@dataclass(frozen=True)
class DrawnModel:
    """One model of a picture: its name, the file of its prediction, its colour and its Dice in words."""

    name: str
    file: Path | None
    colour: str
    note: str


@dataclass(frozen=True)
class _Item:
    cohort: Cohort
    case: Case
    models: tuple[DrawnModel, ...]
    synthetic: bool
    role: str

    def key(self) -> str:
        needed = fingerprint_case(self.cohort, self.case.id, ("pet" if "pet" in self.case else "ct", self.role))
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
    """Pictures of the cases in `models`, in that order; cases without a PET or CT that can be read have none.

    The PET is projected. Without PET the picture is a sheet of the CT, as `oncohort show` draws it.
    """
    items = [
        _Item(cohort, cohort[case], drawn, synthetic, role)
        for case, drawn in models.items()
        if "pet" in cohort[case] or "ct" in cohort[case]
    ]
    keys = [item.key() for item in items]
    results = map_items(_draw, items, keys=keys, store=store, jobs=jobs, progress=progress, label="draw")
    store.prune(set(keys))
    return tuple(CasePicture.from_dict(result) for result in results if result)


def _draw(item: _Item) -> dict[str, Any]:
    try:
        return (_project(item) if "pet" in item.case else _sheet(item)).to_dict()
    except InputError:
        return {}


def _project(item: _Item) -> CasePicture:
    case = item.case
    reference = case.label_map(item.role) if item.role in case else None
    panels = [Panel(model.name, _mask(model), model.note, model.colour) for model in item.models]
    return picture_case(case.id, case.image("pet"), panels, reference=reference, synthetic=item.synthetic)


def _sheet(item: _Item) -> CasePicture:
    case, shown = item.case, item.models[:MAX_PANELS]
    drawn = show_case(
        item.cohort,
        case.id,
        planes=("axial", "coronal"),
        roles=[role for role in ("ct", item.role) if role in case],
        predictions={model.name: model.file.parent for model in shown if model.file and _mask(model) is not None},
        timepoints=1,
    )
    models = tuple((model.name, model.colour, model.note) for model in shown)
    state: ReferenceState = "drawn" if item.role in case else "absent"
    return CasePicture(case.id, drawn.png, models, reference=state, is_sheet=True)


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
