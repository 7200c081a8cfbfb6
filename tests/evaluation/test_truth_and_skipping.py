"""Who is positive by a column, and scripts that leave missing cases out."""

import polars as pl
import pytest

from oncohort import rank
from oncohort.errors import InputError, SettingsError
from oncohort.evaluation import SKIPPED, evaluate, read_scores
from oncohort.labels import LabelScheme
from oncohort.profiles import load_profile, parse_profile

PANTS = load_profile("pants")
FLAGGED = parse_profile(
    PANTS.text.replace("[components]", '[target.truth]\ncolumn = "tumour"\n\n[components]', 1), where="test"
)
OFFICIAL = load_profile("autopet-iv-task2-official")


@pytest.fixture
def pancreas(world, helpers):
    """Positive by mask: A, B. By the column: A, C. Called positive: A, C, D."""
    block, _, _ = helpers
    world.role, world.scheme = "organs", LabelScheme("pants", {"pancreatic_lesion": 1})
    for case, reference, prediction, said in (
        ("A", 1, 1, "yes"),
        ("B", 1, 0, "no"),
        ("C", 0, 1, "yes"),
        ("D", 0, 1, "no"),
    ):
        world.add(case, reference * block(1, 1, 1), tumour=said)
        world.predict("m", case, prediction * block(1, 1, 1))
    return world


def estimates(scores, **options):
    table = rank(scores, bootstrap=0, **options).filter(subset="all")
    return dict(table.select("metric", "estimate").rows())


def test_a_column_says_who_is_positive(pancreas):
    by_mask, by_column = (
        estimates(evaluate(pancreas.cohort(), pancreas.folders("m"), profile=one)) for one in (PANTS, FLAGGED)
    )
    shown = ("patient_sensitivity", "specificity", "auc", "tumour_sensitivity", "dice")
    # pairs of a positive and a negative: by mask (A, C) (A, D) (B, C) (B, D), by column (A, B) (A, D) (C, B) (C, D)
    assert [by_mask[name] for name in shown] == pytest.approx([1 / 2, 0.0, (0.5 + 0.5 + 0 + 0) / 4, 1 / 2, 1 / 2])
    assert [by_column[name] for name in shown] == pytest.approx([1.0, 1 / 2, (1 + 0.5 + 1 + 0.5) / 4, 1 / 2, 1 / 2])


def test_disagreements_are_listed_and_kept(pancreas, tmp_path):
    evaluate(pancreas.cohort(), pancreas.folders("m"), profile=FLAGGED, out=tmp_path / "out")
    scores = read_scores(tmp_path / "out")
    assert scores.run["truth"] == {
        "column": "tumour",
        "flags": {"A": True, "B": False, "C": True, "D": False},
        "disagreements": ["B", "C"],
    }
    assert scores.run["notes"] == ["column tumour and the mask disagree in 2 of 4 cases: B, C"]
    assert estimates(scores)["patient_sensitivity"] == 1.0
    volumes = scores.table.filter(pl.col("metric") == "reference_volume_ml")
    assert (volumes.sort("case")["value"] > 0).to_list() == [True, True, False, False]  # masks stay what they are


def test_scores_of_one_truth_are_not_ranked_by_a_profile_of_another(pancreas):
    scores = evaluate(pancreas.cohort(), pancreas.folders("m"), profile=PANTS)
    with pytest.raises(InputError, match="column tumour says"):
        rank(scores, bootstrap=0, profile=FLAGGED)


def test_a_column_that_does_not_say_it_stops_before_anything_is_scored(pancreas):
    pancreas.facts["B"]["tumour"] = "perhaps"
    with pytest.raises(SettingsError, match="yes or no of case B"):
        evaluate(pancreas.cohort(), pancreas.folders("m"), profile=FLAGGED)
    absent = parse_profile(FLAGGED.text.replace('column = "tumour"', 'column = "absent"'), where="test")
    with pytest.raises(SettingsError, match="'absent'"):
        evaluate(pancreas.cohort(), pancreas.folders("m"), profile=absent)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PANTS.text.replace('missing = "error"', 'missing = "skip"', 1), "ends in -official"),
        (OFFICIAL.text.replace("[components]", '[target.truth]\ncolumn = "a"\n\n[components]'), "target.truth is of"),
        (
            FLAGGED.text.replace('"auc"\nstructure = "pancreatic_lesion"', '"auc"', 1),
            "of several structures whether they are there",
        ),
        (
            PANTS.text.replace('missing = "error"', 'missing = "skip"', 1).replace('"pants"', '"pants-official"', 1),
            "would be of other cases for every model",
        ),
        (
            load_profile("autopet-iv-task1")
            .text.replace('missing = "worst"', 'missing = "skip"', 1)
            .replace('"autopet-iv-task1"', '"x-official"', 1),
            "without meaning",
        ),
        (PANTS.text.replace('tolerance_mm = 1.0', 'tolerance_mm = 1.0\nmatching = { rule = "any-overlap" }', 1),
         "nsd does not ask which lesions match"),
        (PANTS.text.replace("threshold = 0.1", "threshold = 2.0", 1), "matching.threshold"),
        (PANTS.text.replace(", threshold = 0.1", "", 1), "threshold belongs to matching iou"),
        (PANTS.text.replace('found = "lesion_tp_iou"', 'found = "lesion_tp_any"', 1), "computed from lesion_tp_any"),
        (PANTS.text.replace('name = "specificity"', 'name = "specificity"\nfound = "dice"', 1), "takes no found"),
        (PANTS.text.replace('name = "specificity"', 'name = "specificity"\nfalse = "dice"', 1), "takes no false"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(text, told):
    with pytest.raises(SettingsError) as caught:
        parse_profile(text, where="test")
    assert told in str(caught.value)


def test_a_script_that_leaves_missing_cases_out_is_copied_and_they_are_counted(world, helpers):
    block, _, _ = helpers
    for case in "ABC":
        world.add(case, block(1, 1, 1))
    for case in "ABC":
        world.predict("whole", case, block(1, 1, 1) if case != "C" else block(8, 6, 4))
    world.predict("part", "A", block(1, 1, 1))
    (world.root / "part" / "B.nii.gz").write_bytes(b"noise")
    scores = evaluate(world.cohort(), world.folders("whole", "part"), profile=OFFICIAL)
    left_out = scores.table.filter(model="part").filter(pl.col("case") != "A")
    assert set(left_out["undefined"]) == {SKIPPED}
    assert scores.run["missing"] == {"whole": [], "part": ["B", "C"]}
    assert scores.run["unreadable"] == {"whole": [], "part": ["B"]}
    table = rank(scores, bootstrap=20).filter(metric="instance_dice")
    rows = {row["model"]: row for row in table.iter_rows(named=True)}
    assert [rows["part"][name] for name in ("estimate", "n", "n_undefined", "n_missing", "rank")] == [1.0, 1, 2, 2, 1.0]
    assert [rows["whole"][name] for name in ("estimate", "n", "n_missing", "rank")] == [
        pytest.approx(2 / 3), 3, 0, 2.0,
    ]  # fmt: skip
    honest = evaluate(world.cohort(), world.folders("whole", "part"), profile="autopet-iv-task2")
    places = dict(rank(honest, bootstrap=0).filter(metric="rank").select("model", "rank").rows())
    assert places == {"whole": 1.0, "part": 2.0}


def test_tumours_are_found_by_a_second_rule_beside_the_first(world, helpers):
    """One tumour is hit as it is; one predicted component bridges the two others."""
    block, _, _ = helpers
    world.role, world.scheme = "organs", LabelScheme("pants", {"pancreatic_lesion": 1})
    reference = block(1, 1, 1) + block(5, 1, 1) + block(1, 6, 4)
    prediction = block(1, 6, 4)
    prediction[2:6, 2, 1:3] = 1
    world.add("A", reference)
    world.add("B", 0 * reference)
    for case, mask in (("A", prediction), ("B", 0 * reference)):
        world.predict("m", case, mask)
    scores = evaluate(world.cohort(), world.folders("m"), profile="pants")
    found = dict(scores.table.filter(case="A").select("metric", "value").rows())
    assert (found["lesion_tp"], found["lesion_fn"]) == (3.0, 0.0)
    assert (found["lesion_tp_iou"], found["lesion_fn_iou"]) == (2.0, 1.0)  # IoU 2 / 14 with either
    shares = estimates(scores)
    assert shares["tumour_sensitivity"] == 1.0
    assert shares["tumour_sensitivity_iou"] == pytest.approx(2 / 3)
