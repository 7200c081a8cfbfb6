"""Prompts and boxes keep their places when their volume gets another grid."""

from itertools import product

import numpy as np
import pytest

from oncohort.cohort import Cohort, Tables
from oncohort.formats import open_cohort, write_cohort
from oncohort.geometry import Geometry
from oncohort.recipes import harmonise, make_recipe
from oncohort.recipes.moving import moved_boxes, moved_prompts
from small_cohorts import CT_GRID, PET_GRID, write_small_cohort

C, S = np.cos(0.3), np.sin(0.3)
TURNED = Geometry((20, 18, 16), [[-1.5 * C, 2 * S, 0, 10], [1.5 * S, 2 * C, 0, -9], [0, 0, 3.3, 7], [0, 0, 0, 1]])
PLAIN = Geometry((40, 40, 30), [[0, -0.8, 0, 20], [0.8, 0, 0, -15], [0, 0, -1.1, 50], [0, 0, 0, 1]])
GRIDS = {("a", "ct"): (TURNED, PLAIN)}
EDGES = ("i0", "j0", "k0", "i1", "j1", "k1")


def test_points_are_at_the_same_place_in_mm():
    points = np.random.default_rng(0).uniform(0, 15, (9, 3))
    rows = [
        {"case": "a", "volume": "ct", "kind": "scribble", "points": points.tolist(), "step": 3},
        {"case": "a", "volume": "pet", "kind": "click", "points": [[1.0, 2.0, 3.0]], "step": 1},
        {"case": "b", "volume": "ct", "kind": "click", "points": [[1.0, 2.0, 3.0]], "step": 1},
    ]
    first, *others = moved_prompts(rows, GRIDS)
    assert np.allclose(PLAIN.to_mm(first["points"]), TURNED.to_mm(points), atol=1e-6)
    assert first["step"] == 3
    assert others == rows[1:]


@pytest.mark.parametrize("seed", range(5))
def test_a_box_is_the_smallest_one_around_its_corners(seed):
    draw = np.random.default_rng(seed)
    low = draw.integers(5, 9, 3)
    high = low + draw.integers(1, 4, 3)
    rows = [{"case": "a", "volume": "ct", **dict(zip(EDGES, [*low, *high], strict=True)), "slice_uid": "1.2"}]
    (moved,), counts = moved_boxes(rows, GRIDS)
    corners = [[low[x] if one == 0 else high[x] for x, one in enumerate(pick)] for pick in product((0, 1), repeat=3)]
    places = PLAIN.to_index(TURNED.to_mm(np.array(corners) - 0.5)) + 0.5  # a voxel i reaches from i - 0.5 to i + 0.5
    for axis in range(3):
        assert moved[EDGES[axis]] == max(0, np.floor(places[:, axis].min()))
        assert moved[EDGES[axis + 3]] == min(PLAIN.shape[axis], np.ceil(places[:, axis].max()))
    assert moved["slice_uid"] is None
    assert counts == {"a": [1, 0]}
    prompt = {"case": "a", "volume": "ct", "kind": "box", "points": [low.tolist(), high.tolist()]}
    (start, stop) = moved_prompts([prompt], GRIDS)[0]["points"]
    assert np.allclose([start, stop], [places.min(axis=0), places.max(axis=0)], atol=1e-6)


def test_boxes_that_leave_the_grid_are_counted_and_others_stay_as_they_are():
    row = {"case": "a", "volume": "ct", **dict(zip(EDGES, (1, 1, 1, 2, 2, 2), strict=True)), "slice_uid": "1.2"}
    small = {("a", "ct"): (PLAIN, Geometry((2, 2, 2), [[1, 0, 0, 500], [0, 1, 0, 500], [0, 0, 1, 500], [0, 0, 0, 1]]))}
    assert moved_boxes([row], small) == ([], {"a": [0, 1]})
    unplaced = {**row, "k0": None, "k1": None}
    assert moved_boxes([unplaced, {**row, "case": "b"}], GRIDS) == ([unplaced, {**row, "case": "b"}], {})


def test_a_box_on_twice_the_voxels_is_exact():
    before, after = Geometry((4, 4, 4), np.diag([2.0, 2, 2, 1])), Geometry((8, 8, 8), np.diag([1.0, 1, 1, 1]))
    shifted = Geometry(after.shape, after.affine + np.array([[0, 0, 0, -0.5]] * 3 + [[0] * 4]))
    row = {"case": "a", "volume": "ct", **dict(zip(EDGES, (1, 0, 2, 3, 1, 4), strict=True)), "slice_uid": None}
    (moved,), _ = moved_boxes([row], {("a", "ct"): (before, shifted)})
    assert [moved[edge] for edge in EDGES] == [2, 0, 4, 6, 2, 8]


def test_harmonise_moves_prompts_and_boxes_of_the_roles_that_it_changes(tmp_path):
    raw = write_small_cohort(tmp_path / "raw")
    points = {role: [[3.0, 2.0, 1.0]] for role in ("ct", "pet")}
    own = {"step": 1, "kind": "click", "polarity": "foreground", "origin": None, "seconds": None}
    prompts = [{"case": "A", "volume": role, "points": where, **own, "lesion": "7"} for role, where in points.items()]
    boxes = [{"case": "A", "volume": "ct", "class": "x", **dict(zip(EDGES, (2, 2, 2, 4, 4, 3), strict=True))}]
    rows = {name: table.to_dicts() for name, table in raw.tables.named().items()}
    tables = Tables.from_rows({**rows, "prompts": prompts, "boxes": boxes})
    write_cohort(tmp_path / "raw", Cohort(raw.facts, raw.scheme, tables))
    step = {"role": "ct", "onto": "pet", "interpolation": "linear", "fill": -1024}
    found = harmonise(open_cohort(tmp_path / "raw"), make_recipe([{"resample": step}]), out=tmp_path / "out")
    first, second = found.tables.prompts.to_dicts()
    assert np.allclose(PET_GRID.to_mm(first["points"]), CT_GRID.to_mm(points["ct"]))
    assert (second["points"], first["lesion"]) == (points["pet"], "7")
    (box,) = found.tables.boxes.to_dicts()
    assert all(0 <= box[low] < box[high] for low, high in zip(EDGES[:3], EDGES[3:], strict=True))
    assert [(row["rule"], row["severity"], row["case"]) for row in found.tables.findings.to_dicts()] == [
        ("harmonise_boxes", "info", "A")
    ]
