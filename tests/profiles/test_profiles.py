import pickle
from importlib.resources import files

import pytest

from oncohort.errors import SettingsError
from oncohort.metrics import METRICS, Presence
from oncohort.profiles import list_profiles, load_profile, parse_profile

TEXT = (files("oncohort.profiles") / "data" / "autopet-iii.toml").read_text()


def test_autopet_iii_says_what_the_challenge_does():
    profile = load_profile("autopet-iii")
    assert profile.components.connectivity == 18
    assert profile.subsets.columns == ("tracer", "centre")
    assert {rule.name: rule.weight for rule in profile.metric if rule.weight} == {
        "dice": 0.5,
        "fpv_ml": 0.25,
        "fnv_ml": 0.25,
    }
    rules = {rule.name: [rule.rule_for(presence) for presence in Presence] + [rule.missing] for rule in profile.metric}
    assert rules == {
        "dice": ["measured", "undefined", 0.0, "undefined", "as-empty"],
        "fpv_ml": ["measured", "measured", 0.0, 0.0, "undefined"],
        "fnv_ml": ["measured", "undefined", "measured", "undefined", "as-empty"],
        "volume_difference_ml": ["measured", "measured", "measured", "measured", "undefined"],
    }


def test_every_packaged_profile_loads_under_its_own_name():
    for name, title in list_profiles().items():
        profile = load_profile(name)
        assert (profile.name, profile.title) == (name, title)
        assert set(profile.metrics) <= set(METRICS)


def test_a_profile_is_read_from_a_file_and_keeps_its_text(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace('name = "autopet-iii"', 'name = "mine"'))
    profile = load_profile(path)
    assert profile.name == "mine"
    assert profile.text == path.read_text()
    copy = pickle.loads(pickle.dumps(profile))
    assert copy == profile
    assert copy.text == profile.text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("connectivity = 18", "connectivity = 8", "components.connectivity"),
        ("connectivity = 18", 'connectivity = "18"', "components.connectivity"),
        ("prediction_empty = 0.0", "prediction_empty = nan", "metric.0.prediction_empty"),
        ("weight = 0.5", "weight = 0.6", "sum to 1.1"),
        ("weight = 0.5", "weight = -0.5", "metric.0.weight"),
        ('name = "dice"', 'name = "dise"', "no metric is called 'dise'"),
        ('name = "fpv_ml"', 'name = "dice"', "named twice"),
        ('both_empty = "undefined"', 'both_empty = "measured"', "dice cannot be measured where both_empty"),
        ('reference_empty = "undefined"\n', "", "reference_empty: Field required"),
        ('tie_break = "dice"', 'tie_break = "jaccard"', "'jaccard' is no metric"),
        ('tie_break = "dice"', 'tie_break = "volume_difference_ml"', "no better direction"),
        ("weight = 0.0", "weight = 0.1", "no better direction"),
        ('unit = "case"', 'unit = "case"\nsecret = 1', "secret: Extra inputs"),
        ("format_version = 1", "format_version = 2", "format_version"),
        ('missing = "worst"', 'missing = "ignore"', "missing"),
        ('name = "autopet-iii"', 'name = "Auto PET"', "name"),
    ],
)
def test_a_broken_profile_is_refused_and_the_key_named(old, new, told):
    assert old in TEXT
    with pytest.raises(SettingsError, match="profile") as caught:
        parse_profile(TEXT.replace(old, new, 1), where="a.toml")
    assert told in str(caught.value)
    assert caught.value.where == "a.toml"


def test_no_toml_no_file_and_no_such_name():
    with pytest.raises(SettingsError, match="TOML"):
        parse_profile("[[", where="a.toml")
    with pytest.raises(SettingsError, match="nowhere"):
        load_profile("nowhere/at/all.toml")
    with pytest.raises(SettingsError, match="autopet-iii"):
        load_profile("autopet-9")
