"""Labels of a model in the masks of a cohort: names, integers, regions, probabilities."""

import numpy as np
import pytest

from oncohort.errors import FormatError, LabelError, SettingsError
from oncohort.exports.labels import LabelMapping
from oncohort.formats.nnunet_raw import RawDataset
from oncohort.formats.training_run import TrainingRun
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.segmenters.nnunet.model_labels import model_labels

LINE = np.arange(4).reshape(4, 1, 1)
GRID = Geometry((4, 1, 1), np.eye(4))
ORGANS = LabelScheme("organs", {"liver": 300, "inferior_vena_cava": 4, "lesion": 9}, aliases={"foie": "liver"})


def dataset(**labels):
    return RawDataset(
        {0: "CT"}, {name: found if isinstance(found, tuple) else (found,) for name, found in labels.items()}
    )


def values(labels, array=LINE):
    return [layer.array.ravel().tolist() for layer in labels.label_map(array, GRID, where="here").layers]


def test_names_aliases_and_published_names_get_the_integers_of_the_cohort():
    # `postcava` is what PanTS calls the inferior vena cava
    labels = model_labels(dataset(foie=1, rib=2, postcava=3), ORGANS, "cohort", None)
    assert dict(labels.targets) == {"foie": "liver", "postcava": "inferior_vena_cava"}
    assert values(labels) == [[0, 300, 0, 4]]
    assert labels.dropped == ("rib",)
    assert labels.dropped_among({1, 3}) == ()
    assert labels.dropped_among({2}) == ("rib",)
    found = labels.label_map(LINE, GRID, where="here")
    assert found.scheme == ORGANS
    assert found.state("lesion") == "missing"
    assert found.state("liver") == "present"


def test_parts_make_up_a_whole():
    scheme = LabelScheme("mine", {"kidney": 2})
    labels = model_labels(dataset(kidney_left=1, kidney_right=3), scheme, "cohort", None)
    assert values(labels, np.array([0, 1, 3, 3]).reshape(4, 1, 1)) == [[0, 2, 2, 2]]
    assert labels.heads("kidney") == (1, 2)


def test_pairs_say_which_is_which():
    labels = model_labels(dataset(tumour=1, node=2, fat=3), ORGANS, "tumour=lesion, node=foie", None)
    assert values(labels) == [[0, 9, 300, 0]]
    for words in ("tumour", "tumour=", "=lesion", "tumour=lesion,fat=skin", ","):
        with pytest.raises(SettingsError):
            model_labels(dataset(tumour=1, fat=2), ORGANS, words, None)


def test_own_labels_keep_their_integers():
    labels = model_labels(dataset(rib=3, fat=1, ignore=4), ORGANS, "own", None)
    assert dict(labels.scheme.labels) == {"rib": 3, "fat": 1}
    assert values(labels, np.array([0, 1, 3, 0]).reshape(4, 1, 1)) == [[0, 1, 3, 0]]
    assert labels.heads("rib") == (2,)  # outputs follow the integers: background, fat, rib
    assert labels.heads("any") == (2, 1)


def test_an_integer_that_the_model_does_not_have_is_told():
    with pytest.raises(LabelError, match="3"):
        values(model_labels(dataset(liver=1, lesion=2), ORGANS, "cohort", None))


BRATS = {"whole": (1, 2, 3), "core": (2, 3), "enhancing": (3,)}


def with_order(order, **labels):
    return RawDataset({0: "CT"}, labels, ".nii.gz", {"regions_class_order": order})


def test_regions_overlap_as_they_were_painted():
    scheme = LabelScheme("brain", {"whole": 5, "core": 6, "enhancing": 7})
    # nnU-Net paints region after region: what it writes are the integers of regions_class_order, in that order
    for order, written in (([1, 2, 3], [0, 1, 2, 3]), ([2, 1, 3], [0, 2, 1, 3]), ([1, 2, 4], [0, 1, 2, 4])):
        labels = model_labels(with_order(order, **BRATS), scheme, "cohort", None)
        found = labels.label_map(np.array(written).reshape(4, 1, 1), GRID, where="here")
        masks = {name: found.mask(name).ravel().tolist() for name in BRATS}
        assert masks == {
            "whole": [False, True, True, True],
            "core": [False, False, True, True],
            "enhancing": [False, False, False, True],
        }
        assert labels.heads("core") == (1,)
        assert labels.heads("any") == (0,)
        with pytest.raises(LabelError, match="9"):
            labels.label_map(np.full((4, 1, 1), 9), GRID, where="here")


def test_regions_without_a_common_one_have_no_common_probability():
    labels = model_labels(with_order([1, 2], left=(1, 2), right=(3, 4)), ORGANS, "own", None)
    assert labels.heads("right") == (1,)
    assert dict(labels.scheme.labels) == {"left": 1, "right": 2}
    with pytest.raises(SettingsError, match="regions"):
        labels.heads("any")


@pytest.mark.parametrize("order", [None, [], [1, 2], [1, 2, 2], [1, 2, "3"], [1, 2, 0], [1, 2, 70000], {"a": 1}])
def test_regions_without_their_order_are_refused(order):
    with pytest.raises(FormatError, match="regions_class_order"):
        model_labels(with_order(order, **BRATS), ORGANS, "own", None)


@pytest.mark.parametrize("labels", [{}, {"ignore": 1}, {"a": 1, "b": 1}, {"a": -1}, {"a": 70000}, {"a": ()}])
def test_impossible_labels_are_refused(labels):
    with pytest.raises(FormatError, match="integers from 1"):
        model_labels(dataset(**labels), ORGANS, "own", None)


def run(scheme, mapping):
    nothing = {"settings": {}, "lock": {}, "split": None, "test": (), "folder": "m", "files": {}}
    return TrainingRun(
        model="nnunet",
        cohort="c",
        channels=("ct",),
        units={"ct": "HU"},
        label_scheme=scheme.to_dict(),
        labels=mapping.to_dict(),
        folds=(),
        versions={},
        created_at="",
        **nothing,
    )


def test_a_run_gives_back_the_integers_of_the_cohort():
    trained = LabelScheme("organs", {"liver": 300, "lesion": 9, "rib": 2})
    mapping = LabelMapping.gapless(trained, only=["liver", "lesion"])
    exported = dataset(**mapping.exported)  # lesion 1, liver 2
    array = np.array([0, 1, 2, 0]).reshape(4, 1, 1)
    assert values(model_labels(exported, trained, "cohort", run(trained, mapping)), array) == [[0, 9, 300, 0]]
    other = LabelScheme("other", {"lesion": 1, "liver": 2})
    assert values(model_labels(exported, other, "cohort", run(trained, mapping)), array) == [[0, 1, 2, 0]]
    assert values(model_labels(exported, other, "own", run(trained, mapping)), array) == [[0, 9, 300, 0]]


def test_a_union_that_the_cohort_has_no_name_for_keeps_its_own():
    mapping = LabelMapping({"tumours": 1}, {"tumours": 1})
    labels = model_labels(dataset(tumours=1), ORGANS, "cohort", run(ORGANS, mapping))
    assert dict(labels.scheme.labels) == {"tumours": 1}
    assert values(labels, np.array([0, 1, 1, 0]).reshape(4, 1, 1)) == [[0, 1, 1, 0]]
