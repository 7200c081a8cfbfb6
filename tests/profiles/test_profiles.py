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
        assert {rule.name for rule in profile.metric} <= set(METRICS)


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
        ("prediction_empty = 0.0", "prediction_empty = nan", "metric.dice.prediction_empty"),
        ("weight = 0.5", "weight = 0.6", "sum to 1.1"),
        ("weight = 0.5", "weight = -0.5", "metric.dice.weight"),
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
        ('structure = "lesion"', "", "either structure"),
        ('structure = "lesion"', 'structure = "lesion"\nstructures = "each"', "either structure"),
        ('structure = "lesion"', 'structures = "all"', "structures"),
        ('structure = "lesion"', "structures = []", "names none"),
        ('structure = "lesion"', 'structures = ["a", "a"]', "structure is named twice"),
        ('matching = "any-overlap"', 'matching = "nearest"', "components.matching"),
        ('matching = "any-overlap"', 'matching = "iou"', "threshold belongs to"),
        ('matching = "any-overlap"', 'matching = "any-overlap"\nthreshold = 0.5', "threshold belongs to"),
        ('matching = "any-overlap"', 'matching = "iou"\nthreshold = 0.0', "components.threshold"),
        ('matching = "any-overlap"', 'matching = "iou"\nthreshold = 1.5', "components.threshold"),
        ('matching = "any-overlap"', 'matching = "any-overlap"\nsize_edges_ml = [2.0, 1.0]', "ascending"),
        ('matching = "any-overlap"', 'matching = "any-overlap"\nsize_edges_ml = [0.0]', "ascending"),
        ('[components]\nconnectivity = 18\nmatching = "any-overlap"', "", "components says what a lesion is"),
        ('name = "volume_difference_ml"', 'name = "nsd"', "needs tolerance_mm"),
        ('name = "dice"', 'name = "dice"\ntolerance_mm = 2.0', "takes no tolerance_mm"),
        ('name = "dice"', 'name = "dice"\nlabel = "jaccard"', "name of another metric"),
        ('name = "dice"', 'name = "dice"\nlabel = "fpv_ml"', "name of another metric"),
        ('name = "dice"', 'name = "dice"\nlabel = "The Dice"', "label"),
        ('name = "dice"', 'name = "dice"\nstructures = ["liver"]', "liver: no structure"),
        ('name = "fnv_ml"', 'name = "panoptic_quality"', "pairs each lesion once"),
        ('name = "dice"', 'name = "dice"\nonly = {}', "only"),
        ('structure = "lesion"', 'structure = "lesion"\ngroup_means = true', "group_means are means over labels"),
        ("connectivity = 18", 'connectivity = 18\ninstances = "all"', "components.instances"),
        ('unit = "case"', 'unit = "study"', "unit"),
        ("rank-subset-means", "rank-everything", "ranking.scheme"),
        ('name = "volume_difference_ml"', 'name = "mtv_difference_ml"', "target.image says in which image"),
        (
            'name = "volume_difference_ml"\nweight = 0.0',
            'name = "reference_volume_ml"\nweight = 0.1',
            "no better direction",
        ),
        ('missing = "undefined"\n\n[[metric]]\nname = "fnv', 'missing = "drop"\n\n[[metric]]\nname = "fnv', "missing"),
    ],
)
def test_a_broken_profile_is_refused_and_the_key_named(old, new, told):
    assert old in TEXT
    with pytest.raises(SettingsError, match="profile") as caught:
        parse_profile(TEXT.replace(old, new, 1), where="a.toml")
    assert told in str(caught.value)
    assert caught.value.where == "a.toml"


def test_every_broken_key_is_named_with_its_metric():
    text = TEXT.replace("connectivity = 18", "connectivity = 7").replace("weight = 0.5", 'weight = "half"')
    with pytest.raises(SettingsError) as caught:
        parse_profile(text.replace("[subsets]", "[subset]"), where="a.toml")
    told = [problem.split(": ")[0] for problem in caught.value.found.split("; ")]
    assert told == ["components.connectivity", "subsets", "metric.dice.weight", "subset"]


def test_a_metric_without_a_name_is_counted():
    with pytest.raises(SettingsError, match=r"metric\.1\.name: Field required"):
        parse_profile(TEXT.replace('name = "fpv_ml"\n', ""), where="a.toml")
    with pytest.raises(SettingsError, match=r"metric\.0: "):
        parse_profile(TEXT.split("[[metric]]")[0].replace("unit =", "metric = [3]\nunit =", 1), where="a.toml")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = " + b"[" * 100_000, "too deep"),
        (b"#" * 4_000_001, "more than 4,000,000 bytes"),
        (b"\xb0", "utf-8"),
        (b"name = ", "Invalid value"),
    ],
)
def test_a_file_that_is_no_profile_is_refused(tmp_path, content, told):
    (tmp_path / "mine.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=told):
        load_profile(tmp_path / "mine.toml")
    with pytest.raises(SettingsError, match="No such file"):
        load_profile(tmp_path / "other.toml")


NSD = """
[[metric]]
name = "nsd"
label = "nsd_1mm"
tolerance_mm = 1.0
weight = 0.0
aggregate = "mean"
reference_empty = "undefined"
prediction_empty = 0.0
both_empty = "undefined"
missing = "as-empty"
"""


def test_one_metric_may_stand_twice_under_two_labels():
    text = TEXT + NSD + NSD.replace("1mm", "2mm").replace("1.0", "2.0")
    profile = parse_profile(text, where="a.toml")
    assert profile.metrics[-2:] == ("nsd_1mm", "nsd_2mm")
    assert [profile.rule(name).parameters for name in profile.metrics[-2:]] == [
        {"tolerance_mm": 1.0},
        {"tolerance_mm": 2.0},
    ]
    assert profile.rule("nsd_1mm").metric is METRICS["nsd"]
    assert profile.needs == {"overlap", "components", "element_surface"}
    with pytest.raises(KeyError):
        profile.rule("nsd")
    with pytest.raises(SettingsError, match="named twice"):
        parse_profile(TEXT + NSD + NSD, where="a.toml")


def test_metrics_may_be_for_some_structures():
    text = TEXT.replace('structure = "lesion"', 'structures = ["liver", "spleen"]')
    text = text.replace('name = "dice"', 'name = "dice"\nstructures = ["liver"]')
    dice, fpv, *_ = parse_profile(text, where="a.toml").metric
    assert (dice.measures("liver"), dice.measures("spleen"), fpv.measures("spleen")) == (True, False, True)


COHORT = """
[[cohort_metric]]
name = "{name}"
{more}
"""


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [
        ("auroc", "", "no metric of cohorts is called 'auroc'"),
        ("auc", "", "computed from prediction_volume_ml, reference_volume_ml"),
        ("lesion_f1", "", "computed from lesion_fn, lesion_fp, lesion_tp"),
        ("auc", 'score = "volume"', "computed from prediction_volume_ml, reference_volume_ml, volume"),
        ("specificity", "positive_ml = -1.0", "positive_ml"),
        ("specificity", 'structure = "liver"', "liver: no structure"),
        ("specificity", "weight = 0.5", "sum to 1.5"),
        ("specificity", 'missed = "lesion_fn_of_numbers"', "specificity takes no missed"),
        ("lesion_recall", 'missed = "lesion_fn_of_numbers"', "computed from lesion_fn_of_numbers, lesion_tp"),
        ("specificity", 'label = "dice"', "named twice"),
    ],
)
def test_metrics_of_cohorts_are_checked(name, more, told):
    text = TEXT
    if "computed" not in told:
        volume = NSD.replace("tolerance_mm = 1.0\n", "").replace('"undefined"', "0.0")
        for added in ("reference_volume_ml", "prediction_volume_ml"):
            text += volume.replace('name = "nsd"\nlabel = "nsd_1mm"', f'name = "{added}"')
    with pytest.raises(SettingsError) as caught:
        parse_profile(text + COHORT.format(name=name, more=more), where="a.toml")
    assert told in str(caught.value)


def test_the_profile_of_lesions_asks_for_a_table_and_an_image():
    profile = load_profile("lesions")
    assert profile.has_lesion_table and profile.needs_image
    assert not load_profile("autopet-iii").needs_image
    assert [rule.column for rule in profile.cohort_metric][-1] == "pooled_lesion_precision"


def test_no_toml_no_file_and_no_such_name():
    with pytest.raises(SettingsError, match="TOML"):
        parse_profile("[[", where="a.toml")
    with pytest.raises(SettingsError, match="nowhere"):
        load_profile("nowhere/at/all.toml")
    with pytest.raises(SettingsError, match="autopet-iii"):
        load_profile("autopet-9")


def test_metrics_may_be_for_some_cases():
    text = TEXT.replace('name = "dice"', 'name = "dice"\nonly = { tracer = "PSMA", centre = "LMU" }', 1)
    profile = parse_profile(text, where="a.toml")
    assert profile.fact_columns == ("tracer", "centre")
    rule = profile.rule("dice")
    assert rule.is_for({"tracer": "PSMA", "centre": "LMU"})
    assert not rule.is_for({"tracer": "PSMA", "centre": "UKT"})
    assert not rule.is_for({})
    assert profile.rule("fpv_ml").is_for({})


OWN = ("lesions", "organs", "lung-dx-2d", "lung-dx-3d")
"""Profiles that no script of a benchmark stands behind."""


@pytest.mark.parametrize("name", [name for name in list_profiles() if name not in OWN and "-official" not in name])
def test_a_benchmark_has_an_official_variant_or_says_why_there_is_none(name):
    words = " ".join(line.removeprefix("#").strip() for line in load_profile(name).text.splitlines())
    official = f"{name}-official"
    assert official in words
    assert (official in list_profiles()) != (f"no {official}" in words)
