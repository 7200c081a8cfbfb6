"""Interactions: predictions of every state, their areas, and missing states."""

from dataclasses import replace

import numpy as np
import pytest

from oncohort import rank, score_files
from oncohort.errors import PredictionError, SettingsError
from oncohort.evaluation import MISSING, UNREADABLE, evaluate
from oncohort.evaluation.planning import plan_evaluation
from oncohort.formats.segmentation_record import write_segmentation_record
from oncohort.geometry import Geometry
from oncohort.leaderboard import rank_means
from oncohort.metrics import Presence, area_over_steps
from oncohort.profiles import load_profile, parse_profile

PROFILE = load_profile("autopet-iv-task1")
THREE = parse_profile(PROFILE.text.replace("states = 11", "states = 3"), where="test")


def play(world, block, model="m", skip=()):
    """Case A is half found, then found, then found; B has no lesion, and a false one in the first state."""
    whole, half = block(1, 1, 1), block(1, 1, 1)
    half[2:] = 0
    world.add("A", whole)
    world.add("B", 0 * whole)
    (world.root / model).mkdir()
    for step, (first, second) in enumerate(((half, whole), (whole, 0 * whole), (whole, 0 * whole))):
        for case, mask in (("A", first), ("B", second)):
            if (step, case) not in skip:
                world.predict(f"{model}/step-{step}", case, mask)
    return evaluate(world.cohort(), world.folders(model), profile=THREE)


def found(scores, case):
    rows = scores.table.filter(case=case).filter(scores.table.filter(case=case)["step"].is_null())
    return {row["metric"]: row["undefined"] or row["value"] for row in rows.to_dicts()}


def test_the_last_state_and_the_area_are_rows_of_their_own(world, helpers):
    block, _, voxel_ml = helpers
    scores = play(world, block)
    assert found(scores, "A") == pytest.approx(
        {
            "dice_last": 1.0,
            "fpv_ml_last": 0.0,
            "fnv_ml_last": 0.0,
            "dice_auc": (2 / 3 + 1) / 2 + 1,
            "fpv_ml_auc": 0.0,
            "fnv_ml_auc": 0.0,
        }
    )
    assert found(scores, "B") == {
        "dice_last": "reference_empty",
        "fpv_ml_last": 0.0,
        "fnv_ml_last": "reference_empty",
        "dice_auc": "reference_empty",
        "fpv_ml_auc": pytest.approx(8 * voxel_ml / 2),
        "fnv_ml_auc": "reference_empty",
    }
    assert scores.run["missing"] == {"m": []}


def test_every_state_has_its_rows(world, helpers):
    table = play(world, helpers[0]).table.filter(case="A", metric="dice")
    assert dict(zip(table["step"], table["value"], strict=True)) == pytest.approx({0: 2 / 3, 1: 1.0, 2: 1.0})


def test_a_missing_state_is_scored_empty_and_leaves_an_area_without_value(world, helpers):
    scores = play(world, helpers[0], skip={(1, "A")})
    case = found(scores, "A")
    assert case["dice_auc"] == pytest.approx(2 / 3 / 2 + 0 + 1 / 2)
    assert (case["dice_last"], case["fpv_ml_last"], case["fpv_ml_auc"]) == (1.0, 0.0, MISSING)
    assert case["fnv_ml_auc"] == pytest.approx(0.64)
    assert scores.run["missing"] == {"m": ["A"]}


def test_models_are_ranked_by_the_derived_rows(world, helpers):
    table = rank(play(world, helpers[0]), bootstrap=5)
    metrics = table["metric"].unique(maintain_order=True).to_list()
    assert metrics == [*THREE.metrics, "rank"]
    units = dict(zip(table["metric"], table["estimate"], strict=True))
    assert units["dice_auc"] == pytest.approx((2 / 3 + 1) / 2 + 1)


def test_a_state_without_folder_is_an_error(world, helpers):
    world.add("A", helpers[0](1, 1, 1))
    world.predict("m", "A", helpers[0](1, 1, 1))
    with pytest.raises(PredictionError, match="step-0"):
        evaluate(world.cohort(), world.folders("m"), profile=THREE)


def test_the_profile_is_that_of_the_challenge():
    weights = {rule.column: rule.weight for rule in PROFILE.metric}
    assert weights == {
        "dice_last": 0.25,
        "fpv_ml_last": 0.125,
        "fnv_ml_last": 0.125,
        "dice_auc": 0.25,
        "fpv_ml_auc": 0.125,
        "fnv_ml_auc": 0.125,
    }
    assert (PROFILE.steps.states, PROFILE.ranking.scheme) == (11, "rank-mean-of-subsets")
    assert PROFILE.rule("fpv_ml_auc").unit == "ml*step"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[steps]\nstates = 11\n", "", "over_steps of every metric"),
        ("states = 11", "states = 1", "steps.states"),
        ('over_steps = "area"\n', "", "over_steps of every metric"),
        ("connectivity = 18", "connectivity = 18\ntable = true", "no table of lesions"),
        ("prediction_empty = 0.0", "prediction_empty = 0.5", "two rules for the same steps"),
    ],
)
def test_steps_are_checked(old, new, told):
    assert old in PROFILE.text
    with pytest.raises(SettingsError) as caught:
        parse_profile(PROFILE.text.replace(old, new, 1), where="test")
    assert told in str(caught.value)


def test_the_area_of_a_perfect_model_is_the_number_of_steps(world, helpers):
    block = helpers[0]
    world.add("A", block(1, 1, 1))
    (world.root / "m").mkdir()
    for step in range(11):
        world.predict(f"m/step-{step}", "A", block(1, 1, 1))
    scores = evaluate(world.cohort(), world.folders("m"), profile="autopet-iv-task1")
    assert found(scores, "A")["dice_auc"] == 10.0
    assert np.isfinite(scores.table["value"].drop_nulls().to_numpy()).all()


def test_every_state_follows_the_rules_of_autopet_iii():
    """Empty, missing and both: tests/evaluation/test_pages_of_profiles.py says what these are worth."""
    third = load_profile("autopet-iii")
    for rule in PROFILE.metric:
        base = third.rule(rule.name)
        assert [rule.rule_for(presence) for presence in Presence] == [base.rule_for(presence) for presence in Presence]
        assert rule.missing == base.missing
    assert PROFILE.components == third.components


def test_a_state_on_a_wrong_grid_is_scored_like_a_missing_one(world, helpers):
    block, grid, _ = helpers
    moved = Geometry(grid.shape, np.diag([4.0, 4.0, 5.0, 1.0]))
    (world.root / "m").mkdir()
    for case in "AB":
        world.add(case, block(1, 1, 1))
    for step in range(3):
        world.predict(f"m/step-{step}", "A", block(1, 1, 1), grid=moved if step == 2 else grid)
        world.predict(f"m/step-{step}", "B", 3 * block(1, 1, 1))
    scores = evaluate(world.cohort(), world.folders("m"), profile=THREE)
    case = found(scores, "A")
    assert (case["dice_last"], case["dice_auc"], case["fpv_ml_auc"]) == (0.0, 1.5, UNREADABLE)
    assert scores.run["unreadable"] == {"m": ["A"]}


def test_numbers_of_the_reference_are_one_mask(world, helpers):
    block, _, _ = helpers
    world.add("A", block(1, 1, 1) + 7 * block(6, 6, 4))
    (world.root / "m").mkdir()
    for step in range(3):
        world.predict(f"m/step-{step}", "A", block(1, 1, 1) + block(6, 6, 4))
    assert found(evaluate(world.cohort(), world.folders("m"), profile=THREE), "A")["dice_last"] == 1.0


def test_states_that_the_profile_does_not_have_are_told(world, helpers):
    assert play(world, helpers[0]).run["notes"] == play(world, helpers[0], model="n").run["notes"]
    for step in (3, 4):
        world.predict(f"m/step-{step}", "A", helpers[0](1, 1, 1))
    scores = evaluate(world.cohort(), world.folders("m", "n"), profile=THREE)
    told = "autopet-iv-task1 has 3 states; not scored are further ones: 2 of m (such as step-3)."
    assert [note for note in scores.run["notes"] if "further" in note] == [told]


def test_a_note_of_any_state_is_told(world, helpers):
    play(world, helpers[0])
    notes = ("trained on this patient: fold 0",)
    for step, rows in ((0, [{"case": "A", "notes": ()}]), (2, [{"case": "A", "notes": notes}])):
        write_segmentation_record(world.root / "m" / f"step-{step}", rows, {"labels": {"lesion": 1}})
    run = evaluate(world.cohort(), world.folders("m"), profile=THREE).run
    assert run["known_to_training"] == {"m": {"trained on this patient": ["A"]}}


def test_states_need_an_evaluation_of_folders(world, helpers, tmp_path):
    path = world.predict("m", "A", helpers[0](1, 1, 1))
    with pytest.raises(SettingsError, match="steps"):
        score_files(path, path, profile=THREE)
    world.add("A", helpers[0](1, 1, 1))
    with pytest.raises(SettingsError, match="steps"):
        plan_evaluation(world.cohort(), world.folders("m"), THREE)


def test_published_means_are_ranked_by_the_profile():
    """The first two rows of the leaderboard; tests/leaderboard/test_leaderboard_schemes.py has all."""
    birth, locator = (
        (0.7412, 1.2898, 2.1665, 7.2419, 13.7411, 35.4266),
        (0.7236, 2.4750, 1.7511, 7.0622, 26.7372, 25.6613),
    )
    means = {name: dict(zip(PROFILE.metrics, row, strict=True)) for name, row in (("L", locator), ("B", birth))}
    assert rank_means(means, PROFILE).select("model", "position").rows() == [("B", 1.25), ("L", 1.75)]


def test_the_reference_of_a_case_is_read_once_for_all_states(world, helpers):
    block = helpers[0]
    world.add("A", block(1, 1, 1))
    (world.root / "m").mkdir()
    for step in range(3):
        world.predict(f"m/step-{step}", "A", block(1, 1, 1))
    cohort, reads = world.cohort(), []
    read = cohort.read
    counted = replace(cohort, read=lambda row: reads.append(row["role"]) or read(row))
    evaluate(counted, world.folders("m"), profile=THREE)
    assert reads == ["lesions"]


def test_areas_of_autopet_v_are_those_of_its_loop(world, helpers):
    """The states of one patient (reference/autopet.md 6.1) have Dice .8702 to .8877 and an area of 3.5140785408."""
    dice = (0.8702044346, 0.8856848127, 0.8711040676, 0.8783548441, 0.8876651982)
    assert area_over_steps(dice, missing="undefined") == pytest.approx(3.5140785408, abs=2e-10)
    assert area_over_steps([7 / 9, *[14 / 17] * 4], missing="undefined") == pytest.approx(3.2712418, abs=5e-8)
    fifth = load_profile("autopet-v-steps")
    assert fifth.steps.states == 6
    block = helpers[0]
    world.add("A", block(1, 1, 1))
    world.add("free", 0 * block(1, 1, 1))
    (world.root / "m").mkdir()
    for step in range(6):
        world.predict(f"m/step-{step}", "A", block(1, 1, 1))
        world.predict(f"m/step-{step}", "free", block(1, 1, 1) * (step == 0))
    scores = evaluate(world.cohort(), world.folders("m"), profile=fifth)
    assert found(scores, "A")["dice_auc"] == found(scores, "A")["lesion_f1_auc"] == 5.0
    free = found(scores, "free")
    assert (free["dice_auc"], free["lesion_f1_auc"], free["fpv_ml_last"]) == (4.5, "reference_empty", 0.0)
    table = rank(scores, bootstrap=0).filter(metric="dice_auc")
    assert table["estimate"].to_list() == [pytest.approx(4.75)]
