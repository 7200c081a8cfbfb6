import numpy as np
import pytest

from oncohort.cohort import Case
from oncohort.errors import MissingNeedError, SettingsError
from oncohort.geometry import Geometry
from oncohort.segmenters import PercentOfMax, Threshold, make_segmenter, segmenter_from_words
from oncohort.units import Unit
from oncohort.volume import Volume


def pet_case(suv, unit=Unit.SUVBW, order="C"):
    array = np.asarray(suv, dtype=np.float32, order=order)
    volume = Volume.from_array(array, Geometry(array.shape, np.diag([-4.0, -4.0, 4.0, 1.0])), unit)
    return Case("A", "A", {}, {"pet": lambda: volume})


def line(*suv):
    return np.array(suv, np.float32).reshape(-1, 1, 1)


def segment(segmenter, *suv):
    return segmenter.segment(pet_case(line(*suv))).mask("lesion").ravel().astype(int).tolist()


def test_threshold_holds_what_is_at_or_above():
    assert segment(Threshold(suv=2.5), 2.4, 2.5, 2.6, float("nan")) == [0, 1, 1, 0]


def test_each_component_is_cut_at_its_own_maximum():
    segmenter = PercentOfMax(percent=50, seed_suv=4.0, connectivity=18)
    assert segment(segmenter, 5, 20, 9.9, 10, 3, 4, 6) == [0, 1, 0, 1, 0, 1, 1]


def test_nothing_hot_is_an_empty_mask():
    assert segment(PercentOfMax(percent=41, seed_suv=4.0, connectivity=18), 1, 2, 3.9) == [0, 0, 0]


@pytest.mark.parametrize(("connectivity", "kept"), [(6, 1), (18, 1), (26, 0)])
def test_connectivity_decides_what_shares_a_maximum(connectivity, kept):
    suv = np.zeros((3, 3, 3), np.float32)
    suv[0, 0, 0], suv[1, 1, 1] = 20.0, 5.0
    mask = PercentOfMax(percent=50, seed_suv=4.0, connectivity=connectivity).segment(pet_case(suv)).mask("lesion")
    assert mask[0, 0, 0]
    assert int(mask[1, 1, 1]) == kept


@pytest.mark.parametrize("order", ["C", "F"])
def test_equals_a_loop_over_components(order):
    from scipy import ndimage

    suv = ndimage.gaussian_filter(np.random.default_rng(0).gamma(1.0, 3.0, (20, 18, 16)), 1.0) * 2.5
    mask = PercentOfMax(percent=60, seed_suv=9.0, connectivity=18).segment(pet_case(suv, order=order)).mask("lesion")
    suv = suv.astype(np.float32)
    components, count = ndimage.label(suv >= 9.0, ndimage.generate_binary_structure(3, 2))
    assert count > 3
    expected = np.zeros(suv.shape, bool)
    for n in range(1, count + 1):
        expected |= (components == n) & (suv >= 0.6 * float(suv[components == n].max()))
    assert np.array_equal(mask, expected)


def test_settings_of_a_study_file():
    assert make_segmenter({"name": "a", "segmenter": "threshold", "suv": 4}) == Threshold(suv=4)
    settings = {"segmenter": "percent-of-max", "percent": 41, "seed_suv": 4.0, "connectivity": 18}
    assert make_segmenter(settings) == PercentOfMax(percent=41, seed_suv=4.0, connectivity=18)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"segmenter": "treshold", "suv": 1}, "threshold, percent-of-max"),
        ({"suv": 1}, "None"),
        ({"segmenter": "threshold"}, "no suv"),
        ({"name": "m", "segmenter": "threshold", "suv": 1, "svu": 2}, "model 'm': .*unknown svu"),
        ({"segmenter": "threshold", "suv": "2.5"}, "'2.5'"),
        ({"segmenter": "threshold", "suv": True}, "True"),
        ({"segmenter": "threshold", "suv": 0}, "above 0"),
        ({"segmenter": "threshold", "suv": float("inf")}, "inf"),
        ({"segmenter": "percent-of-max", "percent": 101, "seed_suv": 4, "connectivity": 18}, "at most 100"),
        ({"segmenter": "percent-of-max", "percent": 41, "seed_suv": -4, "connectivity": 18}, "seed_suv"),
        ({"segmenter": "percent-of-max", "percent": 41, "seed_suv": 4, "connectivity": 4}, "6, 18 or 26"),
    ],
)
def test_wrong_settings_are_refused_by_name(settings, told):
    with pytest.raises(SettingsError, match=told):
        make_segmenter(settings)


@pytest.mark.parametrize("name", ["threshold", "percent-of-max", "liver-threshold"])
def test_a_missing_need_is_named(name):
    parameters = {
        "threshold": {"suv": 2.5},
        "percent-of-max": {"percent": 41, "seed_suv": 4.0, "connectivity": 18},
        "liver-threshold": {"mean_factor": 1.0, "sd_factor": 2.0},
    }
    segmenter = make_segmenter({"segmenter": name, **parameters[name]})
    with pytest.raises(MissingNeedError, match="case A: expected pet for"):
        segmenter.segment(Case("A", "A", {}, {}))
    with pytest.raises(MissingNeedError, match=r"pet in SUVbw.* found pet in Bq/ml"):
        segmenter.segment(pet_case(line(1, 2), unit=Unit.BQML))


@pytest.mark.parametrize(
    ("with_", "parameters", "settings"),
    [
        ("threshold", ["suv=4"], {"segmenter": "threshold", "suv": 4}),
        ("command:run {pet} {mask}", [], {"segmenter": "command", "program": "run {pet} {mask}"}),
        ("command:run: {pet} {mask}", ["timeout_s=9"], {"program": "run: {pet} {mask}", "timeout_s": 9}),
        ("command", ['program="run {pet} {mask}"'], {"program": "run {pet} {mask}"}),
        ("moose", ["models=clin_ct_ribs", "device=cpu"], {"models": "clin_ct_ribs", "device": "cpu"}),
        ("totalsegmentator", ["fast=true"], {"fast": True}),
    ],
)
def test_words_of_the_command_line(with_, parameters, settings):
    name = with_.partition(":")[0]
    assert segmenter_from_words(with_, parameters) == make_segmenter({"segmenter": name, **settings})


def test_a_text_needs_no_quotes_even_if_it_looks_like_a_number():
    assert segmenter_from_words("moose", ["models=clin_ct_ribs", "labels=own"]).labels == "own"
    with pytest.raises(SettingsError, match="'7'"):
        segmenter_from_words("totalsegmentator", ["labels=7"])


@pytest.mark.parametrize(
    ("with_", "parameters", "told"),
    [
        ("treshold", ["suv=1"], "threshold, percent-of-max"),
        ("", [], "threshold, percent-of-max"),
        ("threshold:4.0", [], "threshold alone"),
        ("command:", [], r'write --with command:"PROGRAM {pet} {mask}"'),
        ("command", ["timeout_s=9"], r'write --with command:"PROGRAM {pet} {mask}"'),
        ("nnunet:", [], "write --with nnunet:FOLDER"),
        ("nnunet", ["folds=0"], "write --with nnunet:FOLDER"),
        ("threshold", ["suv=1", "suv=2"], "suv more than once"),
        ("command:run {pet} {mask}", ["program=x"], "program more than once"),
        ("threshold", ["suv"], "''"),
    ],
)
def test_wrong_words_of_the_command_line(with_, parameters, told):
    with pytest.raises(SettingsError, match=told):
        segmenter_from_words(with_, parameters)
