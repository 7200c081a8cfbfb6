"""A small report that holds one of everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from report_rows import aggregate, png, score

from oncohort.metrics.registry import METRICS
from oncohort.reporting import CasePicture, CohortFacts, Column, ModelFacts, Provenance, ReportData


@pytest.fixture
def make_report() -> Callable[..., ReportData]:
    """A function that builds a report of three cases and two models; fields can be replaced."""

    def make(**changes: Any) -> ReportData:
        fields: dict[str, Any] = {
            "title": "Trial",
            "cohort": CohortFacts("trial", "dicom", 3, 3, roles={"pet": 3}, labels=("GTV",), licences={"CC0": 3}),
            "provenance": Provenance("2026-01-02", {"oncohort": "0.1"}, {"Seed": 7}, profile="autopet-iii"),
            "models": (ModelFacts("low", "SUV of 2.5 or more"), ModelFacts("high")),
            "metrics": (Column.of_metric(METRICS["dice"]), Column.of_metric(METRICS["fpv_ml"])),
            "leaderboard": (
                aggregate("low", "dice", 0.5, 2.0, low=0.25, high=0.75, n=2, n_undefined=1),
                aggregate("high", "dice", 0.8, 1.0, low=0.7, high=0.9, n_missing=1),
                aggregate("low", "fpv_ml", 12.0, 1.0, low=2.0, high=30.0),
                aggregate("high", "fpv_ml", None, None),
                aggregate("low", "rank", 1.75, 2.0),
                aggregate("high", "rank", 1.25, 1.0, low=1.0, high=1.5),
            ),
            "scores": (
                score("low", "a", "dice", 0.25),
                score("low", "b", "dice", 0.75),
                score("low", "c", "dice", None, "reference_empty"),
                score("high", "a", "dice", 0.0),
                score("high", "a", "fpv_ml", None, "prediction_missing"),
                score("low", "a", "fpv_ml", 12345.6),
            ),
            "case_columns": (Column("lesion_ml", "Lesion volume", "ml"),),
            "cases": (
                {"case": "a", "patient": "P1", "lesion_ml": 4.0},
                {"case": "b", "patient": "P2", "lesion_ml": 8.0},
                {"case": "c", "patient": "P3", "lesion_ml": None, "undefined": {"lesion_ml": "no_lesion"}},
            ),
            "pictures": (CasePicture("b", png(), (("low", "#0072b2", "Dice 0.750"),)),),
        }
        return ReportData(**{**fields, **changes})

    return make
