"""Cohorts of boxes in memory or on disk, and predictions as `boxes.csv`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.formats import open_cohort, write_cohort
from oncohort.labels import LabelScheme

CLASSES = LabelScheme("histology", {"A": 1, "B": 2, "E": 3, "G": 4})
EDGES = ("i0", "i1", "j0", "j1", "k0", "k1")


def volume(case, role="ct", *, shape=(100, 100, 20), spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0)):
    """A row of `volumes` whose file is never read."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = origin
    facts = {"path": "absent.nii.gz", "unit": "HU", "shape": list(shape), "affine": affine.ravel().tolist()}
    return {"case": case, "role": role, **facts}


def box(case, edges, *, volume="ct", name="A", **more):
    """A row of `boxes`, of a cohort or with a score of a model."""
    row = {"case": case, "volume": volume, "class": name, **dict(zip(EDGES, edges, strict=True))}
    return row | more


def box_cohort(boxes, *, cases=None, volumes=None, patients=None):
    """A cohort in memory; every case has one CT unless said otherwise."""
    named = list(cases or dict.fromkeys(row["case"] for row in boxes))
    rows = {
        "cases": [{"case": case, "patient": (patients or {}).get(case, case)} for case in named],
        "volumes": [volume(case) for case in named] if volumes is None else volumes,
        "boxes": [{"reader": "r", **row} for row in boxes],
    }
    return Cohort(CohortFacts("lungs", "python"), CLASSES, Tables.from_rows(rows))


def on_disk(cohort, folder: Path) -> Cohort:
    write_cohort(folder, cohort)
    return open_cohort(folder)


def predict(folder: Path, boxes, *, looked_at=()) -> Path:
    """`boxes.csv` with the boxes, and a row for each case that was looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    blank = dict.fromkeys(("case", "volume", "class", *EDGES, "slice_uid", "score"))
    rows = [blank | row for row in (*boxes, *({"case": case} for case in looked_at))]
    pl.DataFrame(rows, infer_schema_length=None).write_csv(folder / "boxes.csv")
    return folder


def estimates(table, structure="A"):
    """Estimate by metric over all cases, of one structure."""
    rows = table.filter((pl.col("subset") == "all") & (pl.col("structure") == structure)).to_dicts()
    return {row["metric"]: row["estimate"] for row in rows}
