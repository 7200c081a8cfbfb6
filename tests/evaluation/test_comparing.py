"""Structures of label maps, whatever lies in which layer, against masks taken one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.errors import SettingsError
from oncohort.evaluation import compare, find_structures
from oncohort.evaluation.structures import describe_labels, find_unknown
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.profiles import load_profile, parse_profile
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

GRID = Geometry((5, 4, 3), np.diag([1.0, 2.0, 3.0, 1.0]))
SCHEME = LabelScheme("s", {"a": 1, "b": 2, "c": 300}, groups={"ab": ("a", "b")}, aliases={"alpha": "a"})
ORGANS = load_profile("organs")
STRUCTURES = {"a": (1,), "b": (2,), "c": (300,), "ab": (1, 2)}


def label_map(layers):
    volumes = tuple(Volume.from_array(layer, GRID, Unit.LABEL) for layer in layers)
    return LabelMap(GRID, volumes, SCHEME)


layer = st.builds(
    lambda seed, labels, order: np.asarray(
        np.random.default_rng(seed).choice([0, *labels], GRID.shape).astype(np.uint16), order=order
    ),
    st.integers(0, 999),
    st.lists(st.sampled_from([1, 2, 300, 7]), max_size=3),
    st.sampled_from("CF"),
)
maps = st.builds(label_map, st.lists(layer, min_size=1, max_size=3))


@settings(max_examples=60, deadline=None)
@given(maps, maps)
def test_every_structure_is_what_any_layer_holds_of_it(reference, prediction):
    pairs = compare(reference, prediction, ORGANS, structures=STRUCTURES)
    assert list(pairs) == list(STRUCTURES)
    for name, values in STRUCTURES.items():
        first, second = (
            np.any([np.isin(one.array, values) for one in m.layers], axis=0) for m in (reference, prediction)
        )
        overlap = pairs[name].overlap
        assert (overlap.reference, overlap.prediction, overlap.both) == (
            first.sum(),
            second.sum(),
            (first & second).sum(),
        )


@settings(max_examples=20, deadline=None)
@given(maps, maps)
def test_all_labels_together_are_what_any_layer_holds(reference, prediction):
    overlap = compare(reference, prediction, load_profile("autopet-iii"))["lesion"].overlap
    first, second = (m.foreground() for m in (reference, prediction))
    assert (overlap.reference, overlap.prediction, overlap.both) == (first.sum(), second.sum(), (first & second).sum())


def test_labels_of_a_reference_may_be_lesions():
    text = load_profile("lesions").text.replace("table = true", "table = true\ninstances = true")
    profile = parse_profile(text, where="test")
    reference = np.zeros(GRID.shape, np.uint16)
    reference[0], reference[1] = 700, 3
    pair = compare(label_map([reference]), label_map([(reference > 0).astype(np.uint8)]), profile)["lesion"]
    assert pair.lesion_overlap.reference_ids.tolist() == [3, 700]
    assert pair.lesion_overlap.prediction_ids.size == 1
    plain = compare(label_map([reference]), label_map([reference]), load_profile("lesions"))["lesion"]
    assert plain.lesion_overlap.reference_ids.size == 1


def with_structures(text):
    return parse_profile(ORGANS.text.replace('structures = "each"', f"structures = {text}"), where="test")


def test_structures_come_from_the_label_scheme():
    assert find_structures(ORGANS, SCHEME) == {"a": (1,), "b": (2,), "c": (300,)}
    assert find_structures(with_structures('["ab", "alpha"]'), SCHEME) == {"ab": (1, 2), "alpha": (1,)}
    assert find_structures(load_profile("lesions"), SCHEME) == {}


@pytest.mark.parametrize(
    ("profile", "scheme", "told"),
    [
        (with_structures('["liver"]'), SCHEME, "'liver'.*a, b, c, ab"),
        (ORGANS, LabelScheme("none", {}), "without labels"),
    ],
)
def test_structures_that_the_scheme_does_not_know_are_refused(profile, scheme, told):
    with pytest.raises(SettingsError, match=told):
        find_structures(profile, scheme)


@pytest.mark.parametrize(
    ("values", "known", "unknown"),
    [([1, 2], {1, 2}, []), ([1, 9], {1, 2}, [9]), ([2], {1, 3}, [2]), ([5], set(), []), ([0], {4}, [])],
)
def test_labels_without_a_name_are_found(values, known, unknown):
    array = np.zeros(GRID.shape, np.uint8)
    array.reshape(-1)[: len(values)] = values
    assert find_unknown(label_map([array]), frozenset(known)) == unknown


def test_labels_are_told_in_words():
    assert describe_labels([7]) == "label 7"
    assert describe_labels(range(12)).endswith("8, 9 and 2 more")
