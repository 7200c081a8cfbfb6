"""Rows of the PanTS leaderboard, from planted cohorts whose fractions PanTS prints."""

import numpy as np
import polars as pl
import pytest
from pants_cohort import COHORT, protocol, published

from oncohort.errors import InputError
from oncohort.leaderboard import rank
from oncohort.metrics import Proportion
from oncohort.outputs import Level, PantsRow, pants_markdown, pants_row, pants_rows
from oncohort.profiles import load_profile


@pytest.fixture(scope="module")
def scores():
    return published()


def test_the_published_fractions_are_printed_as_published(scores):
    """MrGiovanni/PanTS README of 2026-06-10: 80.8, 75.2, 90.0, DSC 52.9; 80.1, 80.1, 93.2, DSC 53.4."""
    rows = pants_rows(scores)
    assert rows[0].patient_sensitivity == Proportion(122, 151)
    assert rows[0].tumour_sensitivity == Proportion(121, 161)
    assert rows[0].specificity == Proportion(675, 750)
    first, second = (pants_row(row).split(" | ") for row in rows)
    assert first[:4] == ["| MedFormer", "80.8 (122/151)", "75.2 (121/161)", "90.0 (675/750)"]
    assert second[:4] == ["| R-Super", "80.1 (121/151)", "80.1 (129/161)", "93.2 (699/750)"]
    assert (first[5], second[5]) == ("52.9 |", "53.4 |")


def test_the_area_is_that_of_the_mann_whitney_count(scores):
    table = scores.table.filter(scores.table["model"] == "MedFormer")
    volumes = {
        name: table.filter(table["metric"] == f"{name}_volume_ml")["value"].to_numpy()
        for name in ("reference", "prediction")
    }
    sick = volumes["prediction"][volumes["reference"] > 0]
    free = volumes["prediction"][volumes["reference"] == 0]
    pairs = sick[:, None] - free[None, :]
    area = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    assert pants_rows(scores)[0].auc.value == pytest.approx(area, abs=1e-12)
    assert pants_row(pants_rows(scores)[0]).split(" | ")[4] == f"{area:.3f}"


def wilson(k, n, z=1.959963984540054):
    """Straight from Wilson (1927)."""
    p = k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return centre - half, centre + half


def test_wilson_intervals_stand_below(scores):
    lines = pants_markdown(pants_rows(scores)).splitlines()
    assert lines[5] == "| 95 % interval | P-Sen | T-Sen | Spe | AUC | DSC |"
    cells = lines[7].strip("| ").split(" | ")
    for cell, (k, n) in zip(cells[1:4], [(122, 151), (121, 161), (675, 750)], strict=True):
        low, high = wilson(k, n)
        assert cell == f"{100 * low:.1f} to {100 * high:.1f}"
    assert cells[4:] == ["–", "–"]


def test_the_leaderboard_gives_the_intervals_of_auc_and_dice(scores):
    board = rank(scores, bootstrap=20)
    row = pants_rows(scores, aggregates=board)[0]
    assert row.auc.low < row.auc.value < row.auc.high
    own = board.filter((board["model"] == "MedFormer") & (board["metric"] == "auc"))
    assert (row.auc.low, row.auc.high) == (own["low"][0], own["high"][0])
    assert f"{row.auc.low:.3f} to {row.auc.high:.3f}" in pants_markdown([row])


def test_the_bundled_profile_gives_the_same_row(scores):
    pants = load_profile("pants")
    dice = scores.table.filter(scores.table["metric"] == "dice")
    lacking = set(pants.metrics) - set(scores.table["metric"])
    whole = pl.concat([scores.table, *(dice.with_columns(metric=pl.lit(name)) for name in sorted(lacking))])
    assert pants_rows(type(scores)(whole, {"profile_text": pants.text})) == pants_rows(scores)


def test_no_tumours_and_no_healthy_patients_are_dashes():
    row = PantsRow("none", Proportion(0, 0), Proportion(0, 0), Proportion(0, 0), Level(None), Level(None))
    assert pants_row(row) == "| none | – | – | – | – | – |"
    assert pants_markdown([row]).splitlines()[-1] == "| none | – | – | – | – | – |"


def test_a_pipe_in_a_name_does_not_break_the_table():
    row = PantsRow("a|b", Proportion(1, 2), Proportion(1, 2), Proportion(1, 2), Level(0.5), Level(0.5))
    assert pants_row(row).startswith("| a\\|b | 50.0 (1/2)")


@pytest.mark.parametrize("number", range(4))
def test_a_profile_without_one_of_the_numbers_is_refused(scores, number):
    lacking = protocol([entry for position, entry in enumerate(COHORT) if position != number])
    with pytest.raises(InputError, match="the numbers of the PanTS leaderboard"):
        pants_rows(scores, profile=lacking)
