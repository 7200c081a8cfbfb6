"""Every variant gives what a whole evaluation under the changed profile gives."""

import numpy as np
import polars as pl
import pytest
from scipy import ndimage
from speckled_cohort import CASES, GRID, MODELS, make_masks, write_world

from oncohort.errors import SettingsError
from oncohort.evaluation import evaluate
from oncohort.labels import LabelScheme
from oncohort.leaderboard import ALL, RANK, rank
from oncohort.profiles import load_profile
from oncohort.variation import CHOICE_SCHEMA, ENVELOPE, RANGE_SCHEMA, Choices, measure_sensitivity, vary_profile

EVERYTHING = Choices(minimum_sizes=("2 voxels", "100 mm3"), truth_column="tumour")
PROFILES = ("autopet-iii", "lesions")


@pytest.fixture(scope="module")
def masks():
    references, predictions = make_masks()
    rng = np.random.default_rng(5)
    return references, predictions, {case: rng.random(GRID.shape).astype(np.float32) for case in references}


@pytest.fixture(scope="module")
def world(tmp_path_factory, masks):
    return write_world(tmp_path_factory.mktemp("world"), *masks)


@pytest.fixture(scope="module")
def found(world):
    cohort, folders = world
    return {name: measure_sensitivity(cohort, folders, profile=name, choices=EVERYTHING) for name in PROFILES}


def estimates(scores, profile):
    """Estimate and place by model, metric and structure."""
    table = rank(scores, bootstrap=0, profile=profile).filter(pl.col("subset") == ALL)
    return {
        (row["model"], row["metric"], row["structure"]): (row["estimate"], row["rank"])
        for row in table.iter_rows(named=True)
    }


def listed(found, variant):
    rows = found.choices.filter(
        (pl.col("parameter") == (variant.parameter or "profile")) & (pl.col("variant") == variant.name)
    )
    return {
        (row["model"], row["metric"], row["structure"]): (row["value"], row["rank"])
        for row in rows.iter_rows(named=True)
    }


def agree(ours, naive):
    return all(
        (one is None) == (other is None) and (one is None or one == pytest.approx(other, abs=1e-12))
        for one, other in zip(ours, naive, strict=True)
    )


def check(found, variant, naive, written):
    """What is listed is the naive number; what is not listed is, naively too, what the profile gives."""
    ours = listed(found, variant)
    assert len(ours) >= len(MODELS)
    assert [key for key, pair in ours.items() if not agree(pair, naive[key])] == []
    assert [key for key, pair in naive.items() if key not in ours and not agree(pair, written[key])] == []


@pytest.mark.parametrize("name", PROFILES)
def test_rules_give_what_an_evaluation_under_the_edited_profile_gives(name, world, found):
    check_rules(found[name], *world)


def check_rules(found, cohort, folders):
    """Every variant that is a profile of its own, against `evaluate` and `rank` under that profile."""
    variants = [each for each in found.variation.variants if not each.removal]
    assert len(variants) > 4
    profile = found.variation.profile
    written = estimates(evaluate(cohort, folders, profile=profile), profile)
    for variant in variants:
        naive = estimates(evaluate(cohort, folders, profile=variant.profile), variant.profile)
        check(found, variant, naive, written)


@pytest.mark.parametrize("name", ["autopet-iv-task2", "autopet-v", "autopet-v-official", "deep-psma"])
def test_rules_hold_where_masks_hold_lesion_numbers(name, masks, tmp_path):
    def numbered(of):
        return {case: ndimage.label(mask)[0].astype(np.uint8) for case, mask in of.items()}

    references, predictions, images = masks
    few = {case: mask for case, mask in numbered(references).items() if case in "ABCDF"}
    given = {model: {case: of[case] for case in few} for model, of in predictions.items()}
    cohort, folders = write_world(tmp_path, few, {model: numbered(of) for model, of in given.items()}, images)
    check_rules(measure_sensitivity(cohort, folders, profile=name), cohort, folders)


@pytest.mark.parametrize("name", ["enhance-pet", "pants"])
def test_rules_hold_for_several_structures(name, masks, tmp_path):
    references, predictions, _ = masks
    scheme = LabelScheme(
        "organs", {"pancreatic_lesion": 1, "liver": 2}, groups={"both": ("pancreatic_lesion", "liver")}
    )
    few = {case: references[case] + 2 * (references["A"] > references[case]).astype(np.uint8) for case in "ABC"}
    given = {
        model: {case: of[case] + 2 * (of["A"] > of[case]).astype(np.uint8) for case in few}
        for model, of in predictions.items()
    }
    cohort, folders = write_world(tmp_path, few, given, role="organs", scheme=scheme)
    check_rules(measure_sensitivity(cohort, folders, profile=name, choices=EVERYTHING), cohort, folders)


def without_small(mask, least, connectivity):
    """The mask without its small components, straight from the definition."""
    structure = ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
    numbers, count = ndimage.label(mask, structure)
    kept = [number for number in range(1, count + 1) if (numbers == number).sum() >= least]
    return np.isin(numbers, kept).astype(np.uint8)


def cleaned(masks, least, connectivity):
    return {case: without_small(mask, least, connectivity) for case, mask in masks.items()}


@pytest.mark.parametrize("name", PROFILES)
def test_removed_components_give_what_cleaned_masks_give(name, world, found, masks, tmp_path):
    references, predictions, images = masks
    profile = load_profile(name)
    written = estimates(evaluate(*world, profile=profile), profile)
    removals = [variant for variant in found[name].variation.variants if variant.removal]
    assert len(removals) == 6
    for number, variant in enumerate(removals):
        least = {"voxels": 2, "mm3": 9}[variant.removal.unit]  # 9 voxels of 12 mm3 are the first above 100 mm3
        connectivity = profile.components.connectivity
        cohort, folders = write_world(
            tmp_path / str(number),
            cleaned(references, least, connectivity) if variant.removal.concerns("reference") else references,
            {
                model: cleaned(of, least, connectivity) if variant.removal.concerns("prediction") else of
                for model, of in predictions.items()
            },
            images,
        )
        check(found[name], variant, estimates(evaluate(cohort, folders, profile=profile), profile), written)


def test_the_truth_of_a_column_gives_what_counting_by_hand_gives(found, masks):
    _, predictions, _ = masks
    (variant,) = [variant for variant in found["lesions"].variation.variants if variant.parameter == "truth"]
    ours = {key[:2]: pair for key, pair in listed(found["lesions"], variant).items()}
    flagged = {case: case != "C" for case in CASES}  # D has no lesion, and the column says that it has
    for model in MODELS:
        called = {
            case: predictions[model][case].any() if case in predictions[model] else not flag
            for case, flag in flagged.items()
        }
        positive = [called[case] for case, flag in flagged.items() if flag]
        negative = [not called[case] for case, flag in flagged.items() if not flag]
        assert ours[model, "patient_sensitivity"][0] == pytest.approx(np.mean(positive))
        assert ours[model, "specificity"][0] == pytest.approx(np.mean(negative))
    assert {metric for _, metric in ours} == {"auc", "patient_sensitivity", "specificity", RANK}
    assert any("disagree in 1 of 6 cases: D" in note for note in found["lesions"].run["notes"])


def test_tables_hold_what_they_say(found):
    choices, ranges = found["lesions"].choices, found["lesions"].ranges
    assert choices.columns == list(CHOICE_SCHEMA)
    assert ranges.columns == list(RANGE_SCHEMA)
    written = {
        (row["model"], row["metric"]): row
        for row in choices.filter(pl.col("parameter") == "profile").iter_rows(named=True)
    }
    for row in choices.iter_rows(named=True):
        of = written[row["model"], row["metric"]]
        if row["value"] is not None and of["value"] is not None:
            assert row["difference"] == row["value"] - of["value"]
        if row["rank"] is not None and of["rank"] is not None:
            assert row["rank_change"] == row["rank"] - of["rank"]
    for row in ranges.filter(pl.col("parameter") == ENVELOPE).iter_rows(named=True):
        mine = choices.filter((pl.col("model") == row["model"]) & (pl.col("metric") == row["metric"]))
        assert (row["low"], row["high"]) == (mine["value"].min(), mine["value"].max())
        assert (row["best_rank"], row["worst_rank"]) == (mine["rank"].min(), mine["rank"].max())
        assert row["variants"] == mine.height - 1


def test_changes_of_order_are_those_of_the_places(found):
    choices = found["lesions"].choices
    changes = found["lesions"].run["order_changes"]
    assert changes
    for row in changes:
        here = choices.filter((pl.col("parameter") == row["parameter"]) & (pl.col("variant") == row["variant"]))
        as_written = choices.filter(pl.col("parameter") == "profile")

        def place(table, model, row=row):
            return table.filter((pl.col("model") == model) & (pl.col("metric") == row["metric"]))["rank"][0]

        assert place(here, row["ahead"]) < place(here, row["behind"])
        assert place(as_written, row["ahead"]) > place(as_written, row["behind"])


def test_finished_cases_are_not_scored_again_and_jobs_change_nothing(world, found, tmp_path):
    cohort, folders = world
    choices = Choices(("connectivity", "matching"))
    seen = []
    first = measure_sensitivity(cohort, folders, profile="lesions", choices=choices, out=tmp_path / "a", jobs=2)
    again = measure_sensitivity(
        cohort, folders, profile="lesions", choices=choices, out=tmp_path / "a", progress=seen.append
    )
    assert first.choices.equals(again.choices)
    expected = found["lesions"].choices.filter(pl.col("parameter").is_in(["profile", *choices.parameters]))
    assert first.choices.equals(expected)
    assert seen == []  # all of them are remembered
    path = folders["bold"] / "A.nii.gz"
    path.write_bytes(path.read_bytes())
    measure_sensitivity(cohort, folders, profile="lesions", choices=choices, out=tmp_path / "a", progress=seen.append)
    assert [progress.total - progress.done for progress in seen] == [1, 0]  # the one whose file changed


def test_other_choices_are_scored_anew_in_the_same_folder(world, tmp_path):
    cohort, folders = world
    for parameter, rows in (("connectivity", {"6 neighbours", "26 neighbours"}), ("empty", set())):
        found = measure_sensitivity(
            cohort, folders, profile="autopet-iii", choices=Choices((parameter,)), out=tmp_path / "a"
        )
        assert rows <= set(found.choices["variant"])
        assert set(found.choices["parameter"]) == {"profile", parameter}


@pytest.mark.parametrize(("column", "words"), [("absent", "a column of the cases"), ("odd", "yes or no of case A")])
def test_a_truth_column_says_yes_or_no_of_every_case(world, column, words):
    cohort, folders = world
    with pytest.raises(SettingsError, match=words):
        measure_sensitivity(cohort, folders, profile="lesions", choices=Choices(("truth",), truth_column=column))


def test_nothing_to_vary_leaves_the_profile_alone(world):
    cohort, folders = world
    found = measure_sensitivity(cohort, folders, profile="autopet-iii", choices=Choices(("matching", "truth")))
    assert set(found.choices["parameter"]) == {"profile"}
    assert set(found.run["without_effect"]) == {"matching", "truth"}
    assert vary_profile(load_profile("autopet-iii"), Choices(("matching",))).impossible == {}
