import pytest

from oncohort.cohort import Case
from oncohort.errors import SettingsError
from oncohort.harmonisation import Resample
from oncohort.recipes import Recipe, load_recipe, make_recipe

CT = {"role": "ct", "onto": "pet", "interpolation": "linear", "fill": -1024}
ORGANS = {"role": "organs", "onto": "pet", "interpolation": "nearest", "fill": 0}

TEXT = """
[[step]]
resample = { role = "ct", onto = "pet", interpolation = "linear", fill = -1024 }
[[step]]
resample = { role = "organs", onto = "pet", interpolation = "nearest", fill = 0 }
"""


def test_a_recipe_is_its_steps_in_order(tmp_path):
    (tmp_path / "r.toml").write_text(TEXT)
    recipe = load_recipe(tmp_path / "r.toml")
    assert recipe == make_recipe([{"resample": CT}, {"resample": ORGANS}])
    assert recipe.steps[0] == Resample("ct", "pet", "linear", -1024.0)
    assert recipe.changes == ("ct", "organs")
    assert recipe.needs == ("ct", "pet", "organs")
    assert make_recipe(recipe.settings()) == recipe
    assert recipe.settings()[1] == {"resample": ORGANS}


def test_an_empty_recipe_changes_nothing():
    case = Case("A", "A", {}, {})
    assert Recipe(()).apply(case) is case
    assert (Recipe(()).changes, Recipe(()).needs) == ((), ())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"turn": {}}, "one step of resample"),
        ({}, "one step of resample"),
        ({"resample": CT, "other": 1}, "one step of resample"),
        (3, "one step of resample.*found 3"),
        ({"resample": {**CT, "order": 3}}, "settings role, onto, interpolation, fill, found order"),
        ({"resample": "ct"}, "found 'ct'"),
        ({"resample": {**CT, "interpolation": "sinc"}}, "interpolation.*'sinc'"),
        ({"resample": {**CT, "fill": "air"}}, "fill.*'air'"),
        ({"resample": {"role": "ct"}}, "onto"),
    ],
)
def test_wrong_settings_are_refused_with_their_name(settings, message):
    with pytest.raises(SettingsError, match=message) as caught:
        make_recipe([settings], "study.toml")
    assert caught.value.where.startswith("study.toml")


@pytest.mark.parametrize("text", [None, "[[step", "", "[step]\n", "x = 1\n", "step = 3\n", "step = [1]\n"])
def test_what_is_no_recipe_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "r.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_recipe(tmp_path / "r.toml")
    assert str(tmp_path / "r.toml") in caught.value.where
