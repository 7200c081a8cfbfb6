"""The cohort numbers of the autoPET V scorer (lab-midas/autoPETV at 4a20268) on four pairs of discs, through files."""

import numpy as np
import polars as pl
import pytest

from oncohort import rank
from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.evaluation import evaluate
from oncohort.formats import write_volume
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

GRID = Geometry((128, 128, 1), np.eye(4))
SCHEME = LabelScheme("lesion", {"lesion": 1})
CASES = {
    "fdg_ukt_001": ([(30, 30, 12), (80, 30, 10), (55, 90, 14)], [(30, 30, 11), (80, 30, 9), (55, 70, 8)]),
    "fdg_ukt_002": ([(40, 40, 12), (90, 90, 10), (55, 90, 1)], [(40, 40, 11), (90, 90, 9), (20, 100, 8)]),
    "psma_lmu_001": ([], [(64, 64, 10)]),
    "psma_lmu_002": ([(50, 50, 18), (100, 90, 10)], [(35, 50, 10), (65, 50, 10), (100, 90, 9)]),
}


def discs(triples, *, is_numbered=False):
    y, x = np.mgrid[:128, :128]
    array = np.zeros(GRID.shape, np.uint8)
    for number, (a, b, radius) in enumerate(triples, start=1):
        array[..., 0][(y - a) ** 2 + (x - b) ** 2 <= radius**2] = number if is_numbered else 1
    return Volume.from_array(array, GRID, Unit.LABEL)


@pytest.fixture
def evaluated(tmp_path):
    """A function that gives the cohort and the scores of its only model under a profile."""

    def scores_of(profile):
        maps = {}
        for case, (reference, prediction) in CASES.items():
            maps[case] = LabelMap(GRID, (discs(reference, is_numbered=True),), SCHEME)
            write_volume(tmp_path / f"{case}.nii.gz", discs(prediction))
        rows = {
            "cases": [{"case": case, "patient": case, "tracer": case.rsplit("_", 1)[0]} for case in CASES],
            "volumes": [{"case": case, "role": "lesions"} for case in CASES],
        }
        facts = CohortFacts("discs", "python")
        cohort = Cohort(facts, SCHEME, Tables.from_rows(rows), lambda row: maps[row["case"]])
        return cohort, evaluate(cohort, {"m": tmp_path}, profile=profile)

    return scores_of


@pytest.mark.parametrize("profile", ["autopet-v", "autopet-v-official"])
def test_pooled_and_weighted_f1(evaluated, profile):
    cohort, scores = evaluated(profile)
    board = rank(scores, bootstrap=0, by="tracer", facts=cohort.tables.cases)
    found = board.filter(pl.col("metric") == "pooled_lesion_f1")
    pooled = dict(found.select("subset", "estimate").rows())
    assert len(pooled) == 3
    groups = [value for subset, value in pooled.items() if "fdg_ukt" in subset or "psma_lmu" in subset]
    whole = next(value for subset, value in pooled.items() if "fdg_ukt" not in subset and "psma_lmu" not in subset)
    assert whole == pytest.approx(12 / 17)
    assert len(groups) == 2
    assert f"{np.mean(groups):.7f}" == "0.7333333"


@pytest.mark.parametrize(
    ("profile", "dice", "of_cases"),
    [
        ("autopet-v", "dice", [0.5814376706, 0.7924528302, 0.5829191143]),
        ("autopet-v-official", "dice_of_numbers", [0.4865009356, 0.9212310902, 0.7098814229]),
    ],
)
def test_a_case_without_lesions_has_no_dice_and_no_fnv(evaluated, profile, dice, of_cases):
    _, scores = evaluated(profile)
    row = scores.table.filter(pl.col("case") == "psma_lmu_001")
    found = {metric: reason or value for metric, value, reason in row.select("metric", "value", "undefined").rows()}
    assert (found[dice], found["fnv_components_ml"]) == ("reference_empty", "reference_empty")
    assert found["fpv_ml"] == pytest.approx(0.317)
    board = rank(scores, bootstrap=0).filter(pl.col("metric") == dice)
    assert board["estimate"].to_list() == [pytest.approx(np.mean(of_cases), abs=5e-11)]
    assert (board["n"][0], board["n_undefined"][0]) == (3, 1)
