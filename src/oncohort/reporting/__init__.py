"""Pages and figures, made from rows: the report that a researcher opens first."""

from oncohort.reporting.data import (
    CasePicture,
    CohortFacts,
    Column,
    Drawing,
    FoldFacts,
    ModelFacts,
    Provenance,
    ReportData,
    TrainedModel,
)
from oncohort.reporting.drawing import Plane, coronal_maximum
from oncohort.reporting.figures import Panel, draw_case, picture_case
from oncohort.reporting.learning_chart import draw_learning
from oncohort.reporting.page import render_ranking, render_report, write_report
from oncohort.reporting.palette import REFERENCE_COLOUR, model_colours
from oncohort.reporting.selection import worst_cases

__all__ = [
    "REFERENCE_COLOUR",
    "CasePicture",
    "CohortFacts",
    "Column",
    "Drawing",
    "FoldFacts",
    "ModelFacts",
    "Panel",
    "Plane",
    "Provenance",
    "ReportData",
    "TrainedModel",
    "coronal_maximum",
    "draw_case",
    "draw_learning",
    "model_colours",
    "picture_case",
    "render_ranking",
    "render_report",
    "worst_cases",
    "write_report",
]
