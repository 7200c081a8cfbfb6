"""The golden numbers of profiles, and what only some of them have: groups, pairs, planted confusion.

Golden numbers: reference/autopet.md 6.3 and 6.4, from the published scorers (lab-midas/autoPETV at 4a20268,
lab-midas/autoPETCTIV at 7aecbda).
"""

import numpy as np
import pytest

from oncohort import rank
from oncohort.errors import MissingNeedError, PredictionError
from oncohort.evaluation import evaluate
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.profiles import load_profile
from profile_masks import measured

FLAT = Geometry((128, 128, 1), np.eye(4))
SLICE = Geometry((20, 20, 1), np.diag([10.0, 10.0, 10.0, 1.0]))
R = "reference_empty"


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
