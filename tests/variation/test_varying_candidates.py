"""CPM under other choices is that of a whole evaluation under the changed profile."""

import polars as pl
import pytest
from speckled_cohort import GRID, make_masks, write_world

from oncohort.errors import SettingsError
from oncohort.evaluation import evaluate
from oncohort.formats import write_nifti
from oncohort.kernels import label_components
from oncohort.leaderboard import rank
from oncohort.profiles import load_profile, parse_profile
from oncohort.units import Unit
from oncohort.variation import Choices, measure_sensitivity
from oncohort.volume import Volume

TEXT = load_profile("lesions").text + '\n[[cohort_metric]]\nname = "froc_cpm"\n'
LARGE = 20  # voxels


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    references, predictions = make_masks()
    few = {case: references[case] for case in "ABC"}
    given = {model: {case: of[case] for case in few} for model, of in predictions.items()}
    return *write_world(tmp_path_factory.mktemp("world"), few, given), given


@pytest.fixture(scope="module")
def found(world):
    parameters = ("connectivity", "minimum-volume", "matching", "empty")
    choices = Choices(parameters=parameters, minimum_sizes=(f"{LARGE} voxels",), sides=("prediction",))
    return measure_sensitivity(world[0], world[1], profile=parse_profile(TEXT, where="test"), choices=choices)


def cpm(table, **where):
    rows = table.filter(metric="froc_cpm", **where)
    return dict(zip(rows["model"], rows["value" if "value" in rows.columns else "estimate"], strict=True))


def test_rules_give_what_an_evaluation_under_the_edited_profile_gives(world, found):
    values = set()
    for variant in found.variation.variants:
        if variant.removal is not None or variant.parameter == "empty":
            continue
        ours = cpm(found.choices, parameter=variant.parameter or "profile", variant=variant.name)
        scores = evaluate(world[0], world[1], profile=variant.profile)
        naive = cpm(rank(scores, bootstrap=0, profile=variant.profile))
        assert ours == pytest.approx(naive, abs=1e-12), variant.name
        values.add(tuple(ours.values()))
    assert len(values) > 2


def test_without_small_components_it_is_that_of_masks_without_them(world, found, tmp_path):
    folders = {}
    for model, masks in world[2].items():
        folders[model] = tmp_path / model
        folders[model].mkdir()
        for case, mask in masks.items():
            numbers, count = label_components(mask, 26)
            kept = mask * 0
            for number in range(1, count + 1):
                if (numbers == number).sum() >= LARGE:
                    kept[numbers == number] = 1
            write_nifti(folders[model] / f"{case}.nii.gz", Volume.from_array(kept, GRID, Unit.LABEL))
    naive = cpm(rank(evaluate(world[0], folders, profile=parse_profile(TEXT, where="test")), bootstrap=0))
    ours = cpm(found.choices, parameter="minimum-volume")
    assert ours == pytest.approx(naive, abs=1e-12)
    assert ours != pytest.approx(cpm(found.choices, parameter="profile"), abs=1e-6)


def test_rules_for_empty_masks_do_not_touch_it(found):
    assert found.choices.filter(pl.col("metric") == "froc_cpm", pl.col("parameter") == "empty").is_empty()


@pytest.mark.parametrize("name", ["lung-dx-2d", "lung-dx-3d", "autopet-iv-task1"])
def test_boxes_and_steps_are_refused(world, name):
    with pytest.raises(SettingsError) as caught:
        measure_sensitivity(world[0], world[1], profile=name)
    assert name in caught.value.found
    assert caught.value.remedy
