"""Prompts and their rows."""

import numpy as np
import polars as pl
import pytest

from oncohort.cohort import as_table
from oncohort.errors import InputError
from oncohort.geometry import Geometry
from oncohort.prompts import Prompt

GRID = Geometry((10, 10, 5), np.eye(4))


def test_rows_hold_what_the_table_wants_and_come_back():
    prompts = [
        Prompt("click", "foreground", [[1, 2, 3]], step=1, origin="reader-1", seconds=2.5),
        Prompt("scribble", "background", [[1, 2, 3], [1.5, 2, 3]]),
        Prompt("box", "foreground", [[0, 0, 0], [10, 10, 5]], lesion="7"),
    ]
    table = as_table("prompts", [prompt.to_row("A", "pet") for prompt in prompts])
    assert table.schema["points"] == pl.List(pl.List(pl.Float64))
    assert [Prompt.from_row(row, GRID) for row in table.iter_rows(named=True)] == prompts
    assert Prompt.from_row(table.row(2, named=True)).lesion == "7"
    assert set(prompts[0].to_row("A", "pet")) == {
        "case", "volume", "step", "kind", "polarity", "points", "origin", "seconds",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "polarity", "points", "step"),
    [
        ("tap", "foreground", [[1, 2, 3]], 0),
        ("click", "tumor", [[1, 2, 3]], 0),
        ("click", "foreground", [], 0),
        ("click", "foreground", [1, 2, 3], 0),
        ("click", "foreground", [[1, 2]], 0),
        ("click", "foreground", [[1, 2, 3], [4, 5, 6]], 0),
        ("scribble", "foreground", [], 0),
        ("scribble", "foreground", [[1, 2, float("nan")]], 0),
        ("scribble", "foreground", [["a", 2, 3]], 0),
        ("scribble", "foreground", [[10**400, 2, 3]], 0),
        ("box", "foreground", [[1, 2, 3]], 0),
        ("click", "foreground", [[1, 2, 3]], -1),
        ("click", "foreground", [[1, 2, 3]], True),
        ("click", "foreground", [[1, 2, 3]], 1.5),
    ],
)
def test_impossible_prompts_are_refused(kind, polarity, points, step):
    with pytest.raises(InputError):
        Prompt(kind, polarity, points, step=step)


def test_rows_without_a_column_are_refused():
    row = Prompt("click", "foreground", [[1, 2, 3]]).to_row("A", "pet")
    del row["kind"]
    with pytest.raises(InputError):
        Prompt.from_row(row)


@pytest.mark.parametrize(
    ("point", "is_outside"),
    [
        ([0, 0, 0], False),
        ([9, 9, 4], False),
        ([9.4, 9, 4], False),
        ([-0.4, 0, 0], False),
        ([9.6, 9, 4], True),
        ([-0.6, 0, 0], True),
        ([0, 0, 5], True),
    ],
)
def test_points_beyond_the_nearest_voxel_are_outside(point, is_outside):
    prompt = Prompt("click", "foreground", [point])
    assert len(prompt.outside(GRID)) == is_outside
    assert len(prompt.on(GRID).outside()) == is_outside


def test_the_corners_of_a_box_may_stand_on_the_border():
    assert len(Prompt("box", "foreground", [[0, 0, 0], [10, 10, 5]]).outside(GRID)) == 0
    assert len(Prompt("box", "foreground", [[0, 0, 0], [10, 10, 6]]).outside(GRID)) == 1
    with pytest.raises(InputError):
        Prompt("click", "foreground", [[1, 2, 3]]).outside()


def test_a_prompt_does_not_change():
    prompt = Prompt("click", "foreground", [[1, 2, 3]])
    with pytest.raises(AttributeError):
        prompt.step = 2
    with pytest.raises(ValueError, match="read-only"):
        prompt.points[0, 0] = 5
    assert prompt != Prompt("click", "background", [[1, 2, 3]])
    assert prompt != "click"
    assert len({prompt, Prompt("click", "foreground", [[1, 2, 3]])}) == 1
