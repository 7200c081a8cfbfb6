"""Which variants a profile has, and which metrics they touch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncohort.errors import SettingsError
from oncohort.metrics import METRICS, Matching, PairSettings, compare_masks
from oncohort.profiles import list_profiles, load_profile
from oncohort.profiles.metric_rules import UNMATCHED_METRICS
from oncohort.variation import Choices, Removal, vary_profile
from oncohort.variation.variants import edited

EMPTY = Choices(("empty",))


def by_name(found):
    return {variant.name: variant for variant in found.variants}


def test_metrics_that_matching_touches_are_those_that_change():
    rng = np.random.default_rng(3)
    settings = PairSettings(connectivity=6, matching=Matching("iou", 0.1))
    moved = set()
    for _ in range(20):
        reference, prediction = rng.random((2, 12, 10, 8)) < 0.12
        pair = compare_masks(reference, prediction, spacing_mm=(1.0, 1.0, 1.0), settings=settings)
        for name, metric in METRICS.items():
            if not metric.needs <= {"overlap", "components", "one_to_one"} or metric.parameters:
                continue
            others = [PairSettings(connectivity=6, matching=Matching("iou", threshold)) for threshold in (0.3, 0.6)]
            values = [metric.formula(each) for each in (pair, *(pair.under(other) for other in others))]
            if len(set(np.nan_to_num(values, nan=-1.0))) > 1:
                moved.add(name)
    of_lesions = {name for name, metric in METRICS.items() if metric.needs & {"components", "one_to_one"}}
    assert moved == of_lesions - UNMATCHED_METRICS


def test_values_that_the_profile_has_are_left_out():
    names = by_name(vary_profile(load_profile("lesions"), Choices(("connectivity", "matching"))))
    assert "26 neighbours" not in names
    assert "one to one, IoU of at least 0.1" not in names
    assert "one to one, IoU of at least 0.5" in names


def test_metrics_of_pairs_go_where_lesions_are_not_paired_one_to_one():
    any_overlap = by_name(vary_profile(load_profile("lesions"), Choices(("matching",))))["any overlap"]
    assert any_overlap.without == ("panoptic_quality",)
    assert "panoptic_quality" not in any_overlap.profile.metrics
    assert sum(rule.weight for rule in any_overlap.profile.metric) == pytest.approx(1.0)


def test_weights_of_what_is_left_grow():
    lesions = load_profile("lesions")
    weights = {"dice": 0.5, "panoptic_quality": 0.3, "lesion_f1": 0.2}
    rules = tuple(rule.model_dump() | {"weight": weights.get(rule.column, 0.0)} for rule in lesions.metric)
    found = by_name(vary_profile(edited(lesions, metric=rules), Choices(("matching",))))["any overlap"].profile
    assert found.rule("dice").weight == pytest.approx(0.5 / 0.7)
    assert found.rule("lesion_f1").weight == pytest.approx(0.2 / 0.7)


def test_metrics_with_a_matching_of_their_own_keep_it():
    found = by_name(vary_profile(load_profile("pants"), Choices(("matching", "connectivity"))))
    assert found["one to one, IoU of at least 0.5"].columns == {"lesion_tp", "lesion_fn"}
    assert {"lesion_tp_iou", "lesion_fn_iou", "lesion_tp"} <= found["6 neighbours"].columns


def test_a_profile_that_goes_by_a_column_is_tried_with_the_masks():
    pants = load_profile("pants")
    flagged = edited(pants, target=pants.target.model_dump() | {"truth": {"column": "flag"}})
    for column, names in ((None, ["mask"]), ("flag", ["mask"]), ("other", ["mask", "column other"])):
        found = vary_profile(flagged, Choices(("truth",), truth_column=column))
        assert [variant.name for variant in found.variants[1:]] == names
        assert found.variants[1].profile.model_dump() == pants.model_dump()


def test_a_profile_that_is_decided_by_pairs_cannot_be_matched_otherwise():
    lesions = load_profile("lesions")
    ranking = lesions.ranking.model_dump() | {"tie_break": "panoptic_quality"}
    found = vary_profile(edited(lesions, ranking=ranking), Choices(("matching",)))
    assert set(found.impossible) == {"any overlap", "many to many, IoU of at least 0.1"}


def test_empty_rules_of_shares_volumes_and_counts():
    found = by_name(vary_profile(load_profile("lesions"), EMPTY))
    nothing, one = found["both empty: no value"].profile, found["both empty: 1"].profile
    assert (nothing.rule("dice").both_empty, one.rule("dice").both_empty) == ("undefined", 1.0)
    assert (nothing.rule("fpv_ml").both_empty, one.rule("fpv_ml").both_empty) == ("undefined", "measured")
    for counted in ("lesion_tp", "reference_volume_ml", "prediction_lesions"):
        assert nothing.rule(counted).both_empty == load_profile("lesions").rule(counted).both_empty
    assert one.rule("suvmax_error").both_empty == "undefined"  # no error is known where nothing is measured


@pytest.mark.parametrize("name", [name for name in list_profiles() if load_profile(name).kind == "boxes"])
def test_profiles_of_boxes_are_not_varied(name):
    with pytest.raises(SettingsError, match="profile of masks"):
        vary_profile(load_profile(name), Choices())


@pytest.mark.parametrize("name", [name for name in list_profiles() if load_profile(name).kind == "masks"])
def test_every_profile_has_variants_that_the_schema_accepts(name):
    profile = load_profile(name)
    found = vary_profile(profile, Choices(truth_column="flag"))
    assert len({variant.key for variant in found.variants}) == len(found.variants) > 12
    assert found.profile == profile
    for variant in found.variants[1:]:
        assert (variant.profile != profile) == (variant.parameter in ("connectivity", "matching", "empty", "truth"))
        assert variant.columns <= set(variant.profile.metrics)
        assert variant.columns or variant.parameter == "truth"


@pytest.mark.parametrize(
    ("profile", "parameters", "without"),
    [
        ("autopet-iii", ("connectivity", "matching", "truth"), {"matching", "truth"}),
        ("lesions", ("connectivity", "matching", "truth"), {"truth"}),  # no column was named
        ("autopet-iv-task2", ("connectivity", "minimum-volume"), {"connectivity"}),  # lesions have numbers
        ("organs", ("connectivity", "matching", "minimum-volume"), {"connectivity", "matching"}),
    ],
)
def test_what_nothing_depends_on_is_named(profile, parameters, without):
    assert set(vary_profile(load_profile(profile), Choices(parameters)).without_effect) == without


@pytest.mark.parametrize(
    "wrong",
    [
        {"parameters": ("colour",)},
        {"parameters": ()},
        {"sides": ("left",)},
        {"minimum_sizes": ("10",)},
        {"minimum_sizes": ("0 ml",)},
        {"minimum_sizes": ("10 cm",)},
    ],
)
def test_wrong_choices_are_refused(wrong):
    with pytest.raises(SettingsError):
        Choices(**wrong)


@given(
    amount=st.floats(0.5, 5000.0),
    unit=st.sampled_from(["voxels", "mm3"]),
    voxel_mm3=st.floats(0.01, 80.0),
    voxels=st.integers(1, 5000),
)
def test_what_stays_is_not_below_the_size(amount, unit, voxel_mm3, voxels):
    least = Removal("both", amount, unit).smallest(voxel_ml=voxel_mm3 / 1000.0)
    size = voxels if unit == "voxels" else voxels * voxel_mm3
    if size < amount * (1 - 1e-6):
        assert voxels < least
    if size > amount * (1 + 1e-6):
        assert voxels >= least


def test_a_size_of_whole_voxels_is_not_lost_to_rounding():
    assert Removal("both", 1000.0, "mm3").smallest(voxel_ml=0.1) == 10
    assert Removal("both", 300.0, "mm3").smallest(voxel_ml=0.003) == 100
