"""Only some cases of a cohort are scored, and the record says which."""

import numpy as np
import pytest

from box_cohorts import box, box_cohort, predict
from oncohort.cli import run_command
from oncohort.errors import InputError, OutputError
from oncohort.evaluation import evaluate, read_scores
from oncohort.formats.split_file import write_split
from oncohort.leaderboard import rank
from oncohort.splits import Split


@pytest.fixture
def three(world, helpers):
    """A is a hit, B a miss, C has no prediction, D no reference."""
    block, _, _ = helpers
    for case in "ABC":
        world.add(case, block(2, 2, 2), tracer="FDG" if case == "A" else "PSMA", centre="UKT")
    world.add("D", None, tracer="FDG", centre="UKT")
    world.predict("m", "A", block(2, 2, 2))
    world.predict("m", "B", block(8, 6, 4))
    return world


def dice(scores):
    rows = scores.table.filter(scores.table["metric"] == "dice").sort("case")
    return dict(zip(rows["case"], rows["value"], strict=True))


def test_chosen_cases_alone_are_scored(three):
    scores = evaluate(three.cohort(), three.folders("m"), profile="autopet-iii", cases=["B", "A", "A"])
    assert dice(scores) == {"A": 1.0, "B": 0.0}
    assert scores.run["cases"] == ["A", "B"]
    assert scores.run["chosen"] == {"cases": ["A", "B"], "of": 4}
    assert scores.run["notes"][0] == "2 of the 4 cases of the cohort were chosen to be scored."
    assert scores.run["missing"] == {"m": []}
    assert scores.run["unscored"] == []
    assert scores.run["subsets"]["cases"] == {"A": "FDG | UKT", "B": "PSMA | UKT"}
    assert {row["case"] for row in scores.run["inputs"]} == {"A", "B"}


def test_what_is_missing_among_the_chosen_still_counts(three):
    scores = evaluate(three.cohort(), three.folders("m"), profile="autopet-iii", cases=["A", "C", "D"])
    assert dice(scores) == {"A": 1.0, "C": 0.0}
    assert scores.run["missing"] == {"m": ["C"]}
    assert scores.run["unscored"] == [{"case": "D", "reason": "no lesions"}]
    assert scores.run["chosen"] == {"cases": ["A", "C", "D"], "of": 4}


def test_predictions_for_other_cases_are_no_findings_and_strangers_are(three, helpers):
    block, _, _ = helpers
    three.predict("m", "stranger", block(0, 0, 0))
    scores = evaluate(three.cohort(), three.folders("m"), profile="autopet-iii", cases=["A"])
    assert [(row["rule"], row["path"].rsplit("/", 1)[1]) for row in scores.run["findings"]] == [
        ("prediction_unmatched", "stranger.nii.gz")
    ]


def test_without_a_choice_nothing_is_recorded(three):
    assert "chosen" not in evaluate(three.cohort(), three.folders("m"), profile="autopet-iii").run


def test_the_mean_of_the_chosen_is_theirs(three):
    scores = evaluate(three.cohort(), three.folders("m"), profile="autopet-iii", cases=["A"])
    row = rank(scores, bootstrap=0).filter(metric="dice", subset="all").row(0, named=True)
    assert (row["estimate"], row["n"]) == (1.0, 1)


@pytest.mark.parametrize(("cases", "found"), [(["A", "Z", "Y"], "2 that it does not have: Z, Y"), ([], "none")])
def test_strange_and_no_cases_are_refused(three, tmp_path, cases, found):
    with pytest.raises(InputError) as caught:
        evaluate(three.cohort(), three.folders("m"), profile="autopet-iii", cases=cases, out=tmp_path / "s")
    assert caught.value.found == found
    assert not (tmp_path / "s").exists()


def test_a_folder_of_scores_belongs_to_its_cases(three, tmp_path):
    cohort, folders = three.cohort(), three.folders("m")
    evaluate(cohort, folders, profile="autopet-iii", cases=["A", "B"], out=tmp_path / "s")
    evaluate(cohort, folders, profile="autopet-iii", cases=["B", "A"], out=tmp_path / "s")
    with pytest.raises(OutputError):
        evaluate(cohort, folders, profile="autopet-iii", cases=["A"], out=tmp_path / "s")
    with pytest.raises(OutputError):
        evaluate(cohort, folders, profile="autopet-iii", out=tmp_path / "s")
    assert read_scores(tmp_path / "s").run["chosen"]["of"] == 4


def test_chosen_cases_of_boxes(tmp_path):
    cohort = box_cohort([box(case, (1, 9, 1, 9, 4, 5)) for case in "ABC"])
    folder = predict(tmp_path / "m", [box(case, (1, 9, 1, 9, 4, 5), score=0.9) for case in "AB"])
    scores = evaluate(cohort, {"m": folder}, profile="lung-dx-2d", cases=["A"])
    assert set(scores.table["case"]) == {"A"}
    assert scores.run["chosen"] == {"cases": ["A"], "of": 3}
    assert [row for row in scores.run["findings"] if row["rule"] == "prediction_unmatched"] == []


@pytest.fixture
def on_disk(three, tmp_path):
    """A function that calls `oncohort evaluate` on the three cases, and gives exit code and scored cases."""
    three.cohort()
    split = Split({case: case for case in "ABCD"}, test=("A",), folds=(("B",), ("C",)), train_only=("D",))
    write_split(tmp_path / "split.json", split)
    (tmp_path / "list.txt").write_text("B\r\n\n A \n")

    def call(*words):
        here = [tmp_path / word if word.endswith((".json", ".txt")) else word for word in words]
        out = ["--profile", "autopet-iii", "--out", str(tmp_path / "s")]
        code = run_command(["evaluate", str(tmp_path / "cohort"), str(tmp_path / "m"), *map(str, here), *out])
        return code, read_scores(tmp_path / "s").run["cases"] if (tmp_path / "s").exists() else None

    return call


@pytest.mark.parametrize(
    ("words", "code", "cases"),
    [
        ([], 1, ["A", "B", "C"]),
        (["--split", "split.json"], 0, ["A"]),
        (["--split", "split.json", "--part", "test"], 0, ["A"]),
        (["--split", "split.json", "--part", "validation"], 1, ["B", "C"]),
        (["--split", "split.json", "--part", "0"], 0, ["B"]),
        (["--cases", "list.txt"], 0, ["A", "B"]),
    ],
)
def test_flags_choose_cases(on_disk, words, code, cases):
    assert on_disk(*words) == (code, cases)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--split", "split.json", "--part", "2"], 64),
        (["--split", "split.json", "--part", "train"], 64),
        (["--split", "split.json", "--cases", "list.txt"], 64),
        (["--part", "test"], 64),
        (["--cases", "absent.txt"], 64),
        (["--split", "absent.json"], 2),
    ],
)
def test_flags_that_choose_nothing_are_refused(on_disk, words, code):
    assert on_disk(*words) == (code, None)


def test_a_part_without_cases_is_refused_with_those_that_have_some():
    split = Split({"A": "A", "B": "B"}, folds=(("A",), ("B",)))
    with pytest.raises(InputError, match=r"validation, 0, 1, found 'test', which is empty"):
        split.part("test")
    assert split.part("validation") == ("A", "B")


def test_a_part_of_a_cohort_keeps_its_order_and_rows(three):
    part = three.cohort().only(["C", "A"])
    assert part.case_ids == ("A", "C")
    assert set(part.tables.volumes["case"]) == {"A", "C"}
    assert np.asarray(part["A"].label_map("lesions").foreground()).any()
