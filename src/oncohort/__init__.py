"""Oncohort turns scans into benchmarks for tumour segmentation on CT and PET/CT.

The names below are the public interface; each is loaded when it is first used,
so that importing the package is quick and silent.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_NAMES: dict[str, str] = {
    "Box": "oncohort.geometry",
    "Case": "oncohort.cohort",
    "Cohort": "oncohort.cohort",
    "Geometry": "oncohort.geometry",
    "LabelMap": "oncohort.volume",
    "LabelScheme": "oncohort.labels",
    "OncohortError": "oncohort.errors",
    "Score": "oncohort.results",
    "Scores": "oncohort.results",
    "SuvRefusal": "oncohort.errors",
    "TrainingSettings": "oncohort.training",
    "Unit": "oncohort.units",
    "Volume": "oncohort.volume",
    "convert": "oncohort.conversion",
    "describe_segments": "oncohort.formats.dicom.segmentation_writing",
    "evaluate": "oncohort.evaluation",
    "harmonise": "oncohort.recipes",
    "ingest": "oncohort.ingestion",
    "load_profile": "oncohort.profiles",
    "load_recipe": "oncohort.recipes",
    "make_demo": "oncohort.study",
    "make_segmenter": "oncohort.segmenters",
    "measure_sensitivity": "oncohort.variation",
    "open_cohort": "oncohort.formats",
    "rank": "oncohort.leaderboard",
    "read_pet": "oncohort.formats.dicom.series",
    "read_referenced_series": "oncohort.formats.dicom.referenced",
    "read_rtstruct": "oncohort.formats.dicom.rtstruct",
    "read_scores": "oncohort.evaluation",
    "read_segmentation": "oncohort.formats.dicom.segmentation_reading",
    "read_series": "oncohort.formats.dicom.series",
    "read_volume": "oncohort.formats",
    "run": "oncohort.study",
    "score_files": "oncohort.evaluation",
    "segment": "oncohort.segmentation",
    "show_case": "oncohort.pictures",
    "summarise": "oncohort.description",
    "suv_factor": "oncohort.suv",
    "train": "oncohort.training",
    "write_phantom_cohort": "oncohort.phantoms",
    "write_rtstruct": "oncohort.formats.dicom.rtstruct_writing",
    "write_segmentation": "oncohort.formats.dicom.segmentation_writing",
    "write_twin": "oncohort.phantoms.twins",
    "write_volume": "oncohort.formats",
}

__all__ = ["__version__", *sorted(_NAMES)]  # noqa: PLE0604 - the table above is the list


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'oncohort' has no attribute {name!r}")
    return getattr(import_module(_NAMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
