"""Each profile on empty, missing, misplaced and numbered masks: exactly what its page says.

The numbers are typed from the formulas for 64 voxels of 1 ml and SUV 3; the page of a profile is read and held to them.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from oncohort.evaluation import MISSING, SKIPPED, UNREADABLE, evaluate
from oncohort.geometry import Geometry
from oncohort.profiles import list_profiles, load_profile
from profile_masks import CUBE, measured, scheme_of

PAGES = Path(__file__).parents[2] / "docs" / "profiles"
FULL, NONE = np.ones(CUBE.shape, np.uint8), np.zeros(CUBE.shape, np.uint8)
TWO = NONE.copy()
"""Lesions 1 and 3, 16 voxels each, that touch: as components they are one."""
TWO[0], TWO[1] = 1, 3
SECOND = (TWO == 3).astype(np.uint8)
R, P = "reference_empty", "prediction_empty"
OF_BOXES = ("lung-dx-2d", "lung-dx-3d")
"""Their masks are boxes: tests/evaluation/test_evaluating_boxes.py."""

RULES = {
    "autopet-iii": {
        "dice": [R, 0.0, R, 0.0, 2 / 3],
        "fpv_ml": [64.0, 0.0, 0.0, MISSING, 0.0],
        "fnv_ml": [R, 64.0, R, 64.0, 0.0],
        "volume_difference_ml": [64.0, -64.0, 0.0, MISSING, -16.0],
    },
    "autopet-iv-task1": {
        "dice_last": [R, 0.0, R, 0.0, 2 / 3],
        "fpv_ml_last": [64.0, 0.0, 0.0, MISSING, 0.0],
        "fnv_ml_last": [R, 64.0, R, 64.0, 0.0],
        "dice_auc": [R, 0.0, R, 0.0, 2 / 3],
        "fpv_ml_auc": [64.0, 0.0, 0.0, MISSING, 0.0],
        "fnv_ml_auc": [R, 64.0, R, 64.0, 0.0],
    },
    "lesions": {
        "dice": [R, 0.0, R, 0.0, 2 / 3],
        "nsd": [R, 0.0, R, 0.0, 0.6900127619716828],
        "fpv_ml": [64.0, 0.0, 0.0, MISSING, 0.0],
        "fnv_ml": [R, 64.0, R, 64.0, 0.0],
        "lesion_f1": [R, 0.0, R, 0.0, 1.0],
        "lesion_recall": [R, 0.0, R, 0.0, 1.0],
        "lesion_precision": [0.0, P, R, MISSING, 1.0],
        "panoptic_quality": [R, 0.0, R, 0.0, 0.5],
        "lesion_tp": [0.0, 0.0, 0.0, 0.0, 1.0],
        "lesion_fp": [1.0, 0.0, 0.0, MISSING, 0.0],
        "lesion_fn": [0.0, 1.0, 0.0, 1.0, 0.0],
        "reference_lesions": [0.0, 1.0, 0.0, 1.0, 1.0],
        "prediction_lesions": [1.0, 0.0, 0.0, MISSING, 1.0],
        "reference_volume_ml": [0.0, 64.0, 0.0, 64.0, 32.0],
        "prediction_volume_ml": [64.0, 0.0, 0.0, MISSING, 16.0],
        "volume_difference_ml": [64.0, -64.0, 0.0, MISSING, -16.0],
        "suvmax_error": [R, P, R, MISSING, 0.0],
        "suvmean_error": [R, P, R, MISSING, 0.0],
        "suvpeak_error": [R, P, R, MISSING, 0.0],
        "tlg_difference": [192.0, -192.0, 0.0, MISSING, -48.0],
    },
    "organs": {
        "dice": [0.0, 0.0, R, 0.0, 0.0],
        "nsd": [0.0, 0.0, R, 0.0, 0.5],
        "hd95_mm": [R, P, R, MISSING, 10.0],
        "assd_mm": [R, P, R, MISSING, 10.0],
        "volume_difference_ml": [64.0, -64.0, R, MISSING, 0.0],
    },
    "autopet-i": {
        "dice": [0.0, 0.0, R, 0.0, 2 / 3],
        "fpv_ml": [64.0, 0.0, 0.0, MISSING, 0.0],
        "fnv_ml": [0.0, 64.0, 0.0, 64.0, 0.0],
    },
    "pants": {
        "dice": [R, 0.0, R, 0.0, 0.0],
        "nsd_1mm": [R, 0.0, R, 0.0, 0.5],
        "nsd_2mm": [R, 0.0, R, 0.0, 0.5],
        "nsd_5mm": [R, 0.0, R, 0.0, 0.5],
        "fpv_ml": [64.0, 0.0, 0.0, MISSING, 16.0],
        "lesion_tp": [0.0, 0.0, 0.0, 0.0, 0.0],
        "lesion_fn": [0.0, 1.0, 0.0, 1.0, 1.0],
        "lesion_tp_iou": [0.0, 0.0, 0.0, 0.0, 0.0],
        "lesion_fn_iou": [0.0, 1.0, 0.0, 1.0, 1.0],
        "reference_volume_ml": [0.0, 64.0, 0.0, 64.0, 16.0],
        "prediction_volume_ml": [64.0, 0.0, 0.0, MISSING, 16.0],
    },
    "enhance-pet": {
        "dice": [0.0, 0.0, R, 0.0, 0.0],
        "assd_mm": [R, P, R, MISSING, 10.0],
    },
    "deep-psma": {
        "dice": [0.0, 0.0, R, 0.0, 2 / 3],
        "fpv_ml": [64.0, 0.0, 0.0, MISSING, 0.0],
        "fnv_ml": [0.0, 64.0, 0.0, 64.0, 0.0],
        "contour_dice": [0.0, 0.0, R, 0.0, 2 * 16 / (32 + 16)],
        "volume_ratio": [R, 0.0, R, 0.0, 0.5],
        "volume_ratio_error": [R, 1.0, R, 1.0, 0.5],
        "suvmean_ratio": [R, P, R, MISSING, 1.0],
        "suvmean_ratio_error": [R, P, R, MISSING, 0.0],
    },
    "autopet-iv-task2": {
        "instance_dice": [R, 0.0, R, 0.0, 0.5],
        "instance_fp_ml": [64.0, 0.0, 0.0, MISSING, 0.0],
        "instance_fn_ml": [R, 64.0, R, 64.0, 8.0],
    },
    "autopet-iv-task2-official": {
        "instance_dice": [R, 0.0, R, SKIPPED, 0.5],
        "instance_fp_ml": [64.0, 0.0, R, SKIPPED, 0.0],
        "instance_fn_ml": [R, 64.0, R, SKIPPED, 8.0],
    },
    "autopet-v": {
        "dice": [R, 0.0, R, 0.0, 2 / 3],
        "lesion_f1": [R, 0.0, R, 0.0, 2 / 3],
        "fpv_ml": [64.0, 0.0, 0.0, MISSING, 0.0],
        "fnv_components_ml": [R, 64.0, R, 64.0, 0.0],
        "lesion_tp": [0.0, 0.0, 0.0, 0.0, 1.0],
        "lesion_fp": [1.0, 0.0, 0.0, MISSING, 0.0],
        "lesion_fn": [0.0, 1.0, 0.0, 1.0, 1.0],
    },
    "autopet-v-steps": {
        "dice_auc": [0.0, 0.0, 1.0, 0.0, 2 / 3],
        "lesion_f1_auc": [R, 0.0, R, 0.0, 2 / 3],
        "dice_last": [0.0, 0.0, 1.0, 0.0, 2 / 3],
        "lesion_f1_last": [R, 0.0, R, 0.0, 2 / 3],
        "fpv_ml_last": [64.0, 0.0, 0.0, MISSING, 0.0],
        "fnv_components_ml_last": [R, 64.0, R, 64.0, 0.0],
    },
    "autopet-v-official": {
        "dice_of_numbers": [R, 0.0, R, 0.0, 2 * 3 * 16 / (4 * 16 + 16)],
        "lesion_f1_of_numbers": [R, 0.0, R, 0.0, 0.5],
        "fpv_ml": [64.0, 0.0, 0.0, MISSING, 0.0],
        "fnv_components_ml": [R, 64.0, R, 64.0, 0.0],
        "lesion_tp": [0.0, 0.0, 0.0, 0.0, 1.0],
        "lesion_fp": [1.0, 0.0, 0.0, MISSING, 0.0],
        "lesion_fn_of_numbers": [0.0, 1.0, 0.0, 1.0, 2.0],
    },
}
"""Reference empty, prediction empty, both empty, prediction missing (64 ml), and lesions 1 and 3 of which the second
is predicted; of profiles with steps in one state. Profiles of labels know one label, 1: slab against its neighbour,
which shares half of its surface. NSD as surface-distance 0.1 gives it."""


def page_rules(name):
    """The table of empty and missing masks: cells by column of the scores."""
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"## Empty and missing .*?\n(.*?)(?=\n## |\Z)", text, re.DOTALL)
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {column.strip("`"): cells for column, *cells in rows}


def agrees(cell, value, *, if_empty):
    """Whether a value, or the reason why there is none, is what a cell of the page says."""
    if cell == "undefined":
        return isinstance(value, str)
    if cell == "as P empty":
        return value == if_empty
    return isinstance(value, float) and (cell == "measured" or value == float(cell))


def test_every_profile_is_tested():
    assert {*RULES, *OF_BOXES} == set(list_profiles())


@pytest.mark.parametrize("name", RULES)
def test_empty_missing_and_numbered_masks_are_worth_what_the_page_says(name):
    pairs = ((NONE, FULL), (FULL, NONE), (NONE, NONE), (FULL, None), (TWO, SECOND))
    columns = [measured(name, *pair) for pair in pairs]
    rows = {metric: [column[metric] for column in columns] for metric in columns[0]}
    for metric, expected in RULES[name].items():
        for found, right in zip(rows[metric], expected, strict=True):
            assert found == (right if isinstance(right, str) else pytest.approx(right)), metric
    assert set(rows) == set(RULES[name])


@pytest.mark.parametrize("name", RULES)
def test_the_page_says_these_numbers(name):
    told = page_rules(name)
    assert set(told) == set(RULES[name])
    for column, cells in told.items():
        found = [MISSING if value == SKIPPED else value for value in RULES[name][column][:4]]
        if load_profile(name).missing == "skip":
            assert found.pop() == MISSING
            cells.pop()
        for cell, value in zip(cells, found, strict=True):
            assert agrees(cell, value, if_empty=RULES[name][column][1]), (column, cell, value)


INTEGERS = {
    False: "Integers of a mask do not number lesions",
    True: "Each integer of a reference whose largest integer is above 1 is one lesion",
    "both": "Each integer of the reference and each integer of the prediction is one lesion",
}


@pytest.mark.parametrize("name", RULES)
def test_the_page_says_what_integers_are(name):
    profile, text = load_profile(name), (PAGES / f"{name}.md").read_text(encoding="utf-8")
    if profile.target.is_union:
        assert INTEGERS[profile.components.instances] in text
    else:
        assert "Integers are labels of the cohort's scheme and do not number lesions." in text


def test_the_pages_of_boxes_say_what_is_planted():
    """As TABLE of tests/evaluation/test_evaluating_boxes.py has it."""
    always, unknown = ["measured"] * 3, [*["measured"] * 3, "undefined"]
    expected = {name: [*always, "as P empty"] for name in ("lesion_tp", "lesion_fn", "reference_lesions")}
    expected |= {name: unknown for name in ("lesion_fp", "prediction_lesions")}
    for name in OF_BOXES:
        assert page_rules(name) == expected


OF_ONE_PREDICTION = [
    name for name in RULES if load_profile(name).missing != "error" and load_profile(name).steps is None
]
"""`pants` has a test of its own, in test_profiles_of_benchmarks.py."""


@pytest.mark.parametrize("name", OF_ONE_PREDICTION)
def test_a_wrong_grid_is_scored_like_a_missing_prediction(name, world, helpers):
    block, grid, _ = helpers
    profile = load_profile(name)
    world.role, world.scheme = profile.target.role, scheme_of(profile)
    for case in "AB":
        world.add(case, block(1, 1, 1), tracer="PSMA")
        world.images[case] = np.full(grid.shape, 3.0, np.float32), grid
    world.predict("m", "A", block(1, 1, 1))
    moved = Geometry(grid.shape, np.diag([4.0, 4.0, 5.0, 1.0]))
    world.predict("m", "B", block(1, 1, 1), grid=moved)
    scores = evaluate(world.cohort(), world.folders("m"), profile=name)
    assert scores.run["missing"] == scores.run["unreadable"] == {"m": ["B"]}
    found = {row["metric"]: row["undefined"] or row["value"] for row in scores.table.filter(case="B").to_dicts()}
    empty = measured(name, block(1, 1, 1), np.zeros(grid.shape, np.uint8), grid=grid)
    for rule in profile.metric:
        if not rule.is_for({"tracer": "PSMA"}):
            assert rule.column not in found
            continue
        expected = empty[rule.column] if rule.missing == "as-empty" else UNREADABLE
        expected = SKIPPED if profile.missing == "skip" else expected
        assert found[rule.column] == (expected if isinstance(expected, str) else pytest.approx(expected)), rule.column


@pytest.mark.parametrize("name", ["autopet-iv-task1", "autopet-v-steps"])
def test_states_on_a_wrong_grid_are_scored_like_missing_ones(name, world, helpers):
    block, grid, _ = helpers
    profile = load_profile(name)
    for case in "AB":
        world.add(case, block(1, 1, 1))
    (world.root / "m").mkdir()
    moved = Geometry(grid.shape, np.diag([4.0, 4.0, 5.0, 1.0]))
    for step in range(profile.steps.states):
        world.predict(f"m/step-{step}", "A", block(1, 1, 1))
        world.predict(f"m/step-{step}", "B", block(1, 1, 1), grid=moved)
    scores = evaluate(world.cohort(), world.folders("m"), profile=name)
    assert scores.run["missing"] == scores.run["unreadable"] == {"m": ["B"]}
    rows = scores.table.filter(case="B").filter(scores.table.filter(case="B")["step"].is_null()).to_dicts()
    found = {row["metric"]: row["undefined"] or row["value"] for row in rows}
    empty = measured(name, block(1, 1, 1), np.zeros(grid.shape, np.uint8), grid=grid)
    width = {"last": 1, "area": profile.steps.states - 1}
    for rule in profile.metric:
        expected = UNREADABLE if rule.missing == "undefined" else empty[rule.column] * width[rule.over_steps]
        assert found[rule.column] == (expected if isinstance(expected, str) else pytest.approx(expected)), rule.column
    assert set(found) == set(profile.metrics)
