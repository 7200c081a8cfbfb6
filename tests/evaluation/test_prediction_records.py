"""What `segment` wrote beside its masks is held against the cohort, and its doubts reach the scores and the page."""

import numpy as np
import polars as pl
import pytest

from oncohort.errors import FormatError, LabelError
from oncohort.evaluation import evaluate, read_scores
from oncohort.evaluation.prediction_records import cautions, find_record
from oncohort.formats.segmentation_record import (
    CASES_FILE,
    KNOWN_PATIENT,
    RUN_FILE,
    TRAINED_ON_PATIENT,
    TRAINING_NOTES,
    write_segmentation_record,
)
from oncohort.labels import LabelScheme
from oncohort.leaderboard import compare_models, rank
from oncohort.leaderboard.formats import leaderboard_text
from oncohort.profiles import load_profile, parse_profile
from oncohort.segmentation import segment
from oncohort.segmenters.protocol import PlainSegmenter
from oncohort.variation import measure_sensitivity
from oncohort.volume import LabelMap

TWO = LabelScheme("two", {"node": 1, "primary": 2}, groups={"tumour": ("node", "primary")}, aliases={"ln": "node"})
BLADDER = LabelScheme("one", {"urinary_bladder": 3})


def organs(*structures):
    named = ", ".join(f'"{name}"' for name in structures)
    text = load_profile("organs").text.replace('"each"', f"[{named}]")
    return parse_profile(text, where="test")


def recorded(folder, labels, notes=(), segmenter="nnunet"):
    rows = [{"case": case, "patient": case, "notes": list(texts)} for case, texts in dict(notes).items()]
    write_segmentation_record(folder, rows, {"segmenter": segmenter, "labels": labels})


@pytest.fixture
def two(world, helpers):
    """A cohort with node = 1 and primary = 2, and model `m` with a mask for its one case."""
    block, _, _ = helpers
    world.scheme, world.role = TWO, "organs"
    world.add("A", block(2, 2, 2) + 2 * block(6, 6, 4))
    world.predict("m", "A", block(2, 2, 2) + 2 * block(6, 6, 4))
    return world


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"lesion": 1}, "lesion = 1"),
        ({"node": 2, "primary": 1}, "node = 2, primary = 1"),
        ({"ln": 3}, "ln = 3"),
        ({"node": 1, "liver": 2}, "liver = 2"),
        ({"tumour": 1}, "tumour = 1"),
    ],
)
def test_a_label_that_means_another_one_in_the_cohort_is_refused(two, labels, found):
    recorded(two.root / "m", labels)
    (two.root / "m" / "A.nii.gz").write_bytes(b"never read")
    cohort, out = two.cohort(), two.root / "scores"
    with pytest.raises(LabelError) as told:
        evaluate(cohort, two.folders("m"), profile="organs", out=out)
    assert (told.value.expected, told.value.found) == ("labels as in the cohort: node = 1, primary = 2", found)
    assert told.value.where == f"predictions of 'm': {two.root / 'm' / RUN_FILE}"
    assert "labels=cohort" in told.value.remedy and not out.exists()
    with pytest.raises(LabelError, match="labels as in the cohort"):
        measure_sensitivity(cohort, two.folders("m"), profile="organs")


@pytest.mark.parametrize(
    ("labels", "structures"),
    [
        ({"node": 1, "primary": 2}, ("node", "primary", "tumour")),
        ({"ln": 1, "primary": 2, "rib": 9}, ("node", "primary")),
        ({"tumour": 1}, ("tumour",)),
        ({"primary": 1, "node": 2}, ("tumour",)),
        ({"node": 1, "liver": 2}, ("node",)),
        ({"Node": 1, "PRIMARY": 2}, ("node", "primary", "tumour")),
        ({"LN": 1, "primary": 2}, ("node", "primary")),
        ({"Tumour": 1}, ("tumour",)),
        ({}, ("node",)),
    ],
)
def test_labels_that_mean_the_same_where_they_are_scored_are_accepted(two, labels, structures):
    recorded(two.root / "m", labels)
    scores = evaluate(two.cohort(), two.folders("m"), profile=organs(*structures))
    assert scores.table.filter(pl.col("metric") == "dice")["value"].to_list() == [1.0] * len(structures)
    assert scores.run["notes"] == []


@pytest.mark.parametrize(
    ("segmenter", "remedy"),
    [
        ("nnunet", "segment with labels=cohort"),
        ("totalsegmentator", "segment with labels=cohort"),
        ("moose", "segment with labels=cohort"),
        ("threshold", "remove run.json if"),
        ("percent-of-max", "remove run.json if"),
        ("liver-threshold", "remove run.json if"),
        ("command", "remove run.json if"),
        ("of somebody", "remove run.json if"),
    ],
)
def test_the_remedy_is_one_that_the_segmenter_has(two, segmenter, remedy):
    recorded(two.root / "m", {"lesion": 1}, segmenter=segmenter)
    with pytest.raises(LabelError) as told:
        evaluate(two.cohort(), two.folders("m"), profile="organs")
    assert remedy in told.value.remedy and "choose a profile of all labels as one mask" in told.value.remedy
    assert ("labels=cohort" in told.value.remedy) == (segmenter in ("nnunet", "totalsegmentator", "moose"))
    (two.root / "m" / RUN_FILE).unlink()
    evaluate(two.cohort(), two.folders("m"), profile="organs")


@pytest.mark.parametrize("name", ["tumour", "cancer", "lesions", "gtv"])
def test_the_one_label_of_masks_is_the_one_label_of_a_cohort(world, helpers, name):
    world.scheme, world.role = LabelScheme("one", {name: 1}), "organs"
    world.add("A", helpers[0](2, 2, 2))
    world.predict("m", "A", helpers[0](2, 2, 2))
    recorded(world.root / "m", {"lesion": 1}, segmenter="threshold")
    table = evaluate(world.cohort(), world.folders("m"), profile="organs").table
    assert table.filter(pl.col("metric") == "dice")["value"].to_list() == [1.0]


@pytest.mark.parametrize("labels", [{"bladder": 5}, {"spleen": 3}, {"lesion": 3, "node": 4}])
def test_one_label_with_another_integer_or_beside_others_is_held_by_its_name(world, helpers, labels):
    world.scheme, world.role = BLADDER, "organs"
    world.add("A", 3 * helpers[0](2, 2, 2))
    world.predict("m", "A", 3 * helpers[0](2, 2, 2))
    recorded(world.root / "m", labels)
    with pytest.raises(LabelError, match="labels as in the cohort: urinary_bladder = 3"):
        evaluate(world.cohort(), world.folders("m"), profile="organs")


def test_names_that_differ_by_case_alone_stay_two_labels(two):
    recorded(two.root / "m", {"NODE": 1})
    two.scheme = LabelScheme("two", {"node": 1, "Node": 2})
    with pytest.raises(LabelError, match="NODE = 1"):
        evaluate(two.cohort(), two.folders("m"), profile="organs")


def test_a_published_name_of_the_same_structure_is_the_same_label(world, helpers):
    """TotalSegmentator's urinary_bladder is bladder in ENHANCE.PET (enhance_pet.md)."""
    world.scheme, world.role = BLADDER, "organs"
    world.add("A", 3 * helpers[0](2, 2, 2))
    world.predict("m", "A", 3 * helpers[0](2, 2, 2))
    recorded(world.root / "m", {"bladder": 3})
    assert evaluate(world.cohort(), world.folders("m"), profile="organs").run["notes"] == []


def test_where_all_labels_are_one_mask_their_names_do_not_matter(world, helpers):
    world.add("A", helpers[0](2, 2, 2))
    world.predict("m", "A", 7 * helpers[0](2, 2, 2))
    recorded(world.root / "m", {"anything": 7})
    table = evaluate(world.cohort(), world.folders("m"), profile="autopet-iii").table
    assert table.filter(pl.col("metric") == "dice")["value"].to_list() == [1.0]


def test_labels_that_a_model_lacks_are_noted(two):
    recorded(two.root / "m", {"node": 1})
    two.predict("m", "A", np.minimum(two.references["A"], 1) * (two.references["A"] == 1))
    scores = evaluate(two.cohort(), two.folders("m"), profile="organs")
    assert scores.run["notes"] == ["m has no label for primary: its masks hold none, and are scored so."]


class NodesAlone(PlainSegmenter):
    """Looks for one of the two labels of its scheme."""

    name, description, needs, main = "nodes", "", ("organs",), None

    def segment(self, case):
        mask = case.label_map("organs")
        return LabelMap(mask.geometry, mask.layers, mask.scheme, frozenset({"node"}))


def test_what_a_segmenter_does_not_look_for_is_no_label_of_its_masks(two):
    cohort = two.cohort()
    segment(cohort, NodesAlone(), out=two.root / "nodes")
    assert find_record(two.root / "nodes").labels == {"node": 1}


def break_off(folder):
    path = folder / RUN_FILE
    path.write_text(path.read_text()[:40])


def relabel(labels):
    def change(folder):
        path = folder / RUN_FILE
        path.write_text(path.read_text().replace('{"node": 1}', labels).replace('{\n    "node": 1\n  }', labels))
        assert labels in path.read_text()

    return change


@pytest.mark.parametrize(
    "damage",
    [
        break_off,
        lambda folder: (folder / CASES_FILE).write_bytes(b"PAR1"),
        lambda folder: (folder / CASES_FILE).unlink(),
        relabel('["node"]'),
        relabel('{"node": "1"}'),
        relabel('{"node": true}'),
        relabel('{"node": 0}'),
        relabel('{"node": 1, "primary": 1}'),
    ],
)
def test_a_damaged_record_is_told(two, damage):
    recorded(two.root / "m", {"node": 1})
    damage(two.root / "m")
    with pytest.raises(FormatError, match=r"m/(run\.json|cases\.parquet)"):
        evaluate(two.cohort(), two.folders("m"), profile="organs")


@pytest.mark.parametrize("notes", [None, [None]])
def test_a_table_without_notes_is_damaged(two, notes):
    recorded(two.root / "m", {"node": 1})
    table = pl.DataFrame([{"case": "A", "notes": notes}], schema={"case": pl.String, "notes": pl.List(pl.String)})
    path = two.root / "m" / CASES_FILE
    table.write_parquet(path, metadata={"type": "oncohort.segmentation.cases", "format_version": "1.0"})
    with pytest.raises(FormatError, match="a list of notes in every row"):
        find_record(two.root / "m")


@pytest.mark.parametrize("text", ["no JSON", "[1]", '{"type": "somebody.else", "labels": {"liver": 1}}'])
def test_a_run_json_of_another_program_says_nothing(two, text):
    (two.root / "m" / RUN_FILE).write_text(text)
    assert find_record(two.root / "m") is None
    assert evaluate(two.cohort(), two.folders("m"), profile="organs").run["known_to_training"] == {}


@pytest.fixture
def doubted(world, helpers):
    """Four scored cases; model `m` was trained on two of them and may know a third, model `n` knows none."""
    block, _, _ = helpers
    for case in "ABCD":
        world.add(case, block(2, 2, 2))
        world.predict("m", case, block(2, 2, 2))
        world.predict("n", case, block(2, 2, 3))
    world.add("E", None)
    seen = [f"{TRAINED_ON_PATIENT}: fold 0"]
    notes = {"A": seen, "B": [*seen, "mean SUV 0.2"], "C": [KNOWN_PATIENT], "D": [], "E": seen}
    recorded(world.root / "m", {"lesion": 1}, notes)
    recorded(world.root / "n", {"lesion": 1}, dict.fromkeys("ABCDE", ()))
    return world


def test_every_word_of_training_notes_is_told():
    run = {"cases": ["A"], "known_to_training": {"m": {words: ["A"] for words in TRAINING_NOTES}}}
    assert cautions(run)["m"].count("1 of 1") == len(TRAINING_NOTES)
    assert cautions({}) == {}


def test_cases_that_a_network_was_trained_on_stand_in_the_scores(doubted):
    evaluate(doubted.cohort(), doubted.folders("m", "n"), profile="autopet-iii", out=doubted.root / "scores")
    run = read_scores(doubted.root / "scores").run
    assert run["known_to_training"] == {"m": {TRAINED_ON_PATIENT: ["A", "B"], KNOWN_PATIENT: ["C"]}}
    of_m = [note for note in run["notes"] if note.startswith("m: ")]
    assert of_m[0].startswith("m: 2 of 4 scored cases were predicted by a network that was trained on the same patient")
    assert "(A, B)" in of_m[0]
    assert of_m[1].startswith("m: 1 of 4 scored cases bear the id of a patient that a network was trained on")
    assert "on 1 of 4 scored cases, such as B (mean SUV 0.2); cases.parquet" in of_m[2]
    assert len(of_m) == 3 and not [note for note in run["notes"] if note.startswith("n")]


def test_only_cases_that_are_scored_count(doubted):
    scores = evaluate(doubted.cohort(), doubted.folders("m"), profile="autopet-iii", cases=["B", "D"])
    assert scores.run["known_to_training"] == {"m": {TRAINED_ON_PATIENT: ["B"]}}
    unseen = evaluate(doubted.cohort(), doubted.folders("m"), profile="autopet-iii", cases=["D"])
    assert unseen.run["known_to_training"] == {} and cautions(unseen.run) == {}


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_a_leaderboard_says_it_beside_the_model(doubted, form):
    scores = evaluate(doubted.cohort(), doubted.folders("m", "n"), profile="autopet-iii")
    text = leaderboard_text(scores, rank(scores, bootstrap=0), compare_models(scores, bootstrap=0), form=form)
    assert "trained on the patients of 2 of 4 scored cases" in text
    if form == "html":
        row = text.split("Overall standing", 1)[1].split("</table>")[0]
        assert row.count('class="description caution"') == 1
        assert "m: 2 of 4 scored cases were predicted" in text
