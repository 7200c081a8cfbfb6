"""Parameters of a study's segmenters, whose paths are relative to the study file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oncohort.segmenters.command import located_program
from oncohort.study.settings import ModelSection, Study

_FOLDER = {"nnunet": "model"}
"""By segmenter, the parameter that names a folder."""

_WORDS = {"command": "program"}
"""By segmenter, the parameter that holds the words of a program."""


def located_parameters(study: Study, model: ModelSection) -> dict[str, Any]:
    """The parameters of a segmenter, with absolute paths."""
    parameters = model.parameters
    folder = model_folder(study, model)
    if folder is not None:
        parameters[_FOLDER[model.segmenter or ""]] = str(folder)
    name = _WORDS.get(model.segmenter or "")
    if name is not None and isinstance(parameters.get(name), str):
        parameters[name] = located_program(parameters[name], study.resolve(""))
    return parameters


def model_folder(study: Study, model: ModelSection) -> Path | None:
    """The folder that a segmenter reads its model from; None if it has none or the parameter is no path."""
    named = model.parameters.get(_FOLDER.get(model.segmenter or "", ""))
    return study.resolve(named) if isinstance(named, str) and named and "\0" not in named else None
