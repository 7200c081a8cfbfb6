"""Each profile of a benchmark on empty, missing and instance-valued masks, and the golden numbers of its page.

Golden numbers: reference/autopet.md 6.3 and 6.4, from the published scorers (lab-midas/autoPETV at 4a20268,
lab-midas/autoPETCTIV at 7aecbda).
"""

import numpy as np
import pytest

from oncohort import rank
from oncohort.errors import MissingNeedError, PredictionError
from oncohort.evaluation import MISSING, SKIPPED, UNREADABLE, compare, evaluate, measure
from oncohort.evaluation.structures import find_structures
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.profiles import list_profiles, load_profile
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

CUBE = Geometry((4, 4, 4), np.diag([10.0, 10.0, 10.0, 1.0]))
FLAT = Geometry((128, 128, 1), np.eye(4))
SLICE = Geometry((20, 20, 1), np.diag([10.0, 10.0, 10.0, 1.0]))
FULL, NONE = np.ones(CUBE.shape, np.uint8), np.zeros(CUBE.shape, np.uint8)
TWO = NONE.copy()
"""Lesions 1 and 3, 16 voxels each, that touch: as components they are one."""
TWO[0], TWO[1] = 1, 3
SECOND = (TWO == 3).astype(np.uint8)
NAMED = ("autopet-i", "autopet-iv-task2", "autopet-iv-task2-official", "autopet-v", "autopet-v-official")


def scheme_of(profile):
    name = profile.target.structure or (*(profile.target.structures or ()),)[0]
    return LabelScheme("s", {"liver" if profile.target.structures == "each" else name: 1})


def as_map(array, grid, scheme):
    return LabelMap(grid, (Volume.from_array(array, grid, Unit.LABEL),), scheme)


def measured(name, reference, prediction, grid=CUBE):
    profile = load_profile(name)
    scheme = scheme_of(profile)
    second = None if prediction is None else as_map(prediction, grid, scheme)
    structures = find_structures(profile, scheme)
    image = Volume.from_array(np.full(grid.shape, 3.0, np.float32), grid, Unit.SUVBW)
    pairs = compare(as_map(reference, grid, scheme), second, profile, structures=structures, image=image)
    found = [
        one
        for tracer in ("PSMA", "FDG")
        for one in measure(pairs, profile, absent=MISSING if prediction is None else None, facts={"tracer": tracer})
    ]
    return {one.metric: one.undefined or one.value for one in found}


R, P = "reference_empty", "prediction_empty"
RULES = {
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
is predicted; of `autopet-v-steps` in one state. `pants` and `enhance-pet` know one label, 1: slab against its
neighbour, which shares half of its surface (surface-distance 0.1 says so too)."""


@pytest.mark.parametrize("name", RULES)
def test_empty_missing_and_numbered_masks_are_worth_what_the_page_says(name):
    pairs = ((NONE, FULL), (FULL, NONE), (NONE, NONE), (FULL, None), (TWO, SECOND))
    columns = [measured(name, *pair) for pair in pairs]
    rows = {metric: [column[metric] for column in columns] for metric in columns[0]}
    for metric, expected in RULES[name].items():
        for found, right in zip(rows[metric], expected, strict=True):
            assert found == (right if isinstance(right, str) else pytest.approx(right)), metric
    assert set(rows) == set(RULES[name])


def test_every_profile_of_masks_has_a_table():
    assert set(list_profiles()) <= {
        *RULES,
        "autopet-iii",
        "autopet-iv-task1",
        "lesions",
        "organs",
        "lung-dx-2d",
        "lung-dx-3d",
    }


OF_ONE_PREDICTION = [
    name for name in RULES if load_profile(name).missing != "error" and load_profile(name).steps is None
]
"""Of steps, see test_steps.py; `pants` has a test of its own."""


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


def test_pants_takes_no_missing_and_no_unusable_prediction(world, helpers):
    block, grid, _ = helpers
    world.role, world.scheme = "organs", LabelScheme("pants", {"pancreatic_lesion": 1})
    for case in "AB":
        world.add(case, block(1, 1, 1))
    world.predict("m", "A", block(1, 1, 1))
    with pytest.raises(PredictionError, match="allows none to be missing"):
        evaluate(world.cohort(), world.folders("m"), profile="pants")
    world.predict("m", "B", block(1, 1, 1), grid=Geometry(grid.shape, np.diag([4.0, 4.0, 5.0, 1.0])))
    with pytest.raises(PredictionError):
        evaluate(world.cohort(), world.folders("m"), profile="pants")


def test_pants_gives_the_confusion_that_was_planted(world, helpers):
    block, _, _ = helpers
    world.role, world.scheme = "organs", LabelScheme("pants", {"pancreas": 1, "pancreatic_lesion": 28})
    hit, elsewhere, none = 28 * block(1, 1, 1), 28 * block(8, 6, 4), 0 * block(1, 1, 1)
    for case, reference, prediction in (
        ("found", hit, hit),
        ("wrong place", hit, elsewhere),
        ("lost", hit, none),
        ("free", none, none),
        ("false", block(1, 1, 1), elsewhere),
    ):
        world.add(case, reference)
        world.predict("m", case, prediction)
    table = rank(evaluate(world.cohort(), world.folders("m"), profile="pants"), bootstrap=0)
    found = {row["metric"]: row["estimate"] for row in table.filter(subset="all").to_dicts()}
    assert found["patient_sensitivity"] == pytest.approx(2 / 3)
    assert found["tumour_sensitivity"] == pytest.approx(1 / 3)
    assert found["specificity"] == pytest.approx(1 / 2)
    assert found["auc"] == pytest.approx((1 + 0.5 + 1 + 0.5 + 0.5 + 0) / 6)
    assert found["dice"] == found["nsd_1mm"] == pytest.approx(1 / 3)


def test_groups_of_labels_have_the_mean_over_their_pairs(world, helpers):
    block, _, _ = helpers
    world.role = "organs"
    world.scheme = LabelScheme("o", {"left": 1, "right": 2, "spleen": 3}, groups={"kidneys": ("left", "right")})
    left, right, spleen = block(1, 1, 1), 2 * block(6, 1, 1), 3 * block(1, 6, 1)
    world.add("A", left + right + spleen)
    world.add("B", left)
    world.predict("m", "A", left + spleen)
    world.predict("m", "B", left)
    table = rank(evaluate(world.cohort(), world.folders("m"), profile="enhance-pet"), bootstrap=20)
    found = {row["structure"]: row for row in table.filter(metric="dice", subset="all").to_dicts()}
    assert found["kidneys"]["estimate"] == pytest.approx(2 / 3)
    assert (found["kidneys"]["n"], found["kidneys"]["n_undefined"]) == (2, 0)
    assert found["macro mean"]["estimate"] == pytest.approx((1 + 0 + 1) / 3)
    assert {"left", "right", "spleen"} <= set(found)


def discs(*given, is_numbered=False):
    y, x = np.mgrid[:128, :128]
    array = np.zeros(FLAT.shape, np.uint8)
    for number, (a, b, radius) in enumerate(given, start=1):
        array[..., 0][(y - a) ** 2 + (x - b) ** 2 <= radius**2] = number if is_numbered else 1
    return array


DISCS = [
    ([(30, 30, 12), (80, 30, 10), (55, 90, 14)], [(30, 30, 11), (80, 30, 9), (55, 70, 8)]),
    ([(40, 40, 12), (90, 90, 10), (55, 90, 1)], [(40, 40, 11), (90, 90, 9), (20, 100, 8)]),
    ([], [(64, 64, 10)]),
    ([(50, 50, 18), (100, 90, 10)], [(35, 50, 10), (65, 50, 10), (100, 90, 9)]),
]
GOLDEN_V = [
    (0.5814376706, 0.4865009356, (2, 1, 1), 0.0, 0.0),
    (0.7924528302, 0.9212310902, (2, 1, 1), 0.197, 0.005),
    (R, R, (0, 1, 0), 0.317, R),
    (0.5829191143, 0.7098814229, (2, 0, 0), 0.0, 0.0),
]


@pytest.mark.parametrize(("masks", "golden"), list(zip(DISCS, GOLDEN_V, strict=True)), ids=range(4))
@pytest.mark.parametrize("is_numbered", [True, False])
def test_autopet_v_gives_the_numbers_of_its_scorer(masks, golden, is_numbered):
    reference, prediction = discs(*masks[0], is_numbered=is_numbered), discs(*masks[1])
    plain, as_run = (measured(name, reference, prediction, FLAT) for name in ("autopet-v", "autopet-v-official"))
    dice, of_numbers, counts, fpv, fnv = golden
    assert plain["dice"] == (dice if dice == R else pytest.approx(dice, abs=5e-11))
    expected = of_numbers if is_numbered else dice
    assert as_run["dice_of_numbers"] == (expected if expected == R else pytest.approx(expected, abs=5e-11))
    for found in (plain, as_run):
        misses = found.get("lesion_fn", found.get("lesion_fn_of_numbers"))
        assert (found["lesion_tp"], found["lesion_fp"], misses) == counts
        assert found["fpv_ml"] == pytest.approx(fpv)
        assert found["fnv_components_ml"] == (fnv if fnv == R else pytest.approx(fnv))


@pytest.mark.parametrize("name", ["autopet-v", "autopet-v-official"])
def test_autopet_v_pools_its_f1(name, world):
    found = [measured(name, discs(*first, is_numbered=True), discs(*second), FLAT) for first, second in DISCS]
    misses = "lesion_fn" if name == "autopet-v" else "lesion_fn_of_numbers"
    tp, fp, fn = (sum(one[metric] for one in found) for metric in ("lesion_tp", "lesion_fp", misses))
    assert 2 * tp / (2 * tp + fp + fn) == 12 / 17
    entry = load_profile(name).cohort_metric[0]
    assert (entry.name, entry.column, entry.missed) == ("lesion_f1", "pooled_lesion_f1", misses)


def test_the_scorer_invents_a_lesion_where_numbers_have_gaps():
    reference = discs((40, 40, 12), (90, 90, 10))
    reference[80:] *= 3
    plain, as_run = (measured(name, reference, reference, FLAT) for name in ("autopet-v", "autopet-v-official"))
    assert (plain["lesion_f1"], plain["lesion_fn"], plain["dice"]) == (1.0, 0.0, 1.0)
    assert (as_run["lesion_f1_of_numbers"], as_run["lesion_fn_of_numbers"]) == (pytest.approx(0.8), 1.0)
    assert as_run["dice_of_numbers"] > 1


def blocks(*given):
    array = np.zeros(SLICE.shape, np.uint8)
    for number, (i0, i1, j0, j1) in given:
        array[i0:i1, j0:j1] = number
    return array


LONGITUDINAL = (
    blocks((1, (1, 5, 1, 5)), (2, (10, 14, 1, 5)), (5, (1, 5, 10, 14))),
    blocks((7, (1, 5, 1, 4)), (3, (10, 12, 1, 5)), (4, (12, 14, 1, 5)), (9, (15, 18, 15, 18))),
)


@pytest.mark.parametrize("name", ["autopet-iv-task2", "autopet-iv-task2-official"])
def test_autopet_iv_gives_the_numbers_of_its_scorer(name):
    reference, prediction = LONGITUDINAL
    nothing = np.zeros_like(reference)
    assert list(measured(name, reference, prediction, SLICE).values()) == pytest.approx([0.4380952381, 1.8, 7.2])
    assert list(measured(name, nothing, prediction, SLICE).values()) == [R, 9.25, R]
    assert list(measured(name, reference, nothing, SLICE).values()) == [0.0, 0.0, 16.0]


def test_one_number_is_one_lesion_of_the_longitudinal_task():
    """Two blocks with the number 1: no components."""
    reference = blocks((1, (1, 5, 1, 5)), (1, (10, 14, 1, 5)))
    prediction = blocks((1, (1, 5, 1, 5)))
    assert measured("autopet-iv-task2", reference, prediction, SLICE)["instance_dice"] == pytest.approx(2 / 3)


def add_pairs(world, block, grid, pairs):
    """Patients with a case per tracer; the prediction is the whole reference, or none of it."""
    for patient, tracers in pairs.items():
        for tracer, is_found in tracers.items():
            case = f"{patient} {tracer}"
            world.add(case, block(1, 1, 1), tracer=tracer)
            world.facts[case]["patient"] = patient
            world.images[case] = np.full(grid.shape, 3.0, np.float32), grid
            world.predict("m", case, block(1, 1, 1) * is_found)


def test_the_pair_of_a_patient_is_averaged_first(world, helpers):
    block, grid, _ = helpers
    add_pairs(world, block, grid, {"one": {"PSMA": 1, "FDG": 1}, "two": {"PSMA": 0}})
    scores = evaluate(world.cohort(), world.folders("m"), profile="deep-psma")
    (note,) = scores.run["notes"]
    assert note == "deep-psma: of 2 patients 1 have no pair of scored cases (two)."
    table = rank(scores, bootstrap=10)
    found = {row["subset"]: row for row in table.filter(metric="dice").to_dicts()}
    assert found["all"]["estimate"] == pytest.approx(1 / 2)  # of cases it would be 2 / 3
    assert (found["PSMA"]["estimate"], found["FDG"]["estimate"]) == (0.5, 1.0)
    assert "the cases of a patient averaged first" in found["all"]["method"]
    rows = scores.table.filter(metric="suvmean_ratio_error")
    assert set(rows["case"]) == {"one PSMA", "two PSMA"}


def test_without_tracers_deep_psma_cannot_be_measured(world, helpers):
    block, _, _ = helpers
    world.add("A", block(1, 1, 1))
    world.predict("m", "A", block(1, 1, 1))
    with pytest.raises(MissingNeedError, match="tracer"):
        evaluate(world.cohort(), world.folders("m"), profile="deep-psma")
