import numpy as np
import pytest

from oncohort.errors import GeometryError, LabelError
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume, integers_in

GRID = Geometry((4, 1, 1), np.eye(4))
SCHEME = LabelScheme("x", {"a": 1, "b": 2, "c": 300}, groups={"both": ("a", "b")}, aliases={"alpha": "a"})


def line(*values, dtype=bool):
    return np.array(values, dtype).reshape(4, 1, 1)


def packed():
    masks = {"a": line(1, 1, 0, 0), "b": line(0, 1, 1, 0), "c": line(0, 0, 0, 1)}
    return LabelMap.from_masks(masks, GRID, SCHEME)


def test_overlapping_masks_go_to_further_layers_and_disjoint_ones_share():
    layers = [layer.array.ravel().tolist() for layer in packed().layers]
    assert layers == [[1, 1, 0, 300], [0, 2, 2, 0]]
    assert packed().layers[0].array.dtype == np.uint16
    assert packed().layers[0].unit is Unit.LABEL


def test_small_integers_take_one_byte():
    masks = {"a": line(1, 0, 0, 0)}
    assert LabelMap.from_masks(masks, GRID, LabelScheme("x", {"a": 255})).layers[0].array.dtype == np.uint8
    assert LabelMap.from_masks(masks, GRID, LabelScheme("x", {"a": 256})).layers[0].array.dtype == np.uint16


def test_masks_come_back_by_name_alias_and_group():
    assert packed().mask("a").ravel().tolist() == [True, True, False, False]
    assert packed().mask("alpha").ravel().tolist() == [True, True, False, False]
    assert packed().mask("b").ravel().tolist() == [False, True, True, False]
    assert packed().mask("both").ravel().tolist() == [True, True, True, False]
    with pytest.raises(LabelError):
        packed().mask("z")


def test_foreground_and_values():
    assert packed().foreground().ravel().tolist() == [True, True, True, True]
    assert packed().values() == (1, 2, 300)
    empty = LabelMap.from_masks({}, GRID, SCHEME)
    assert len(empty.layers) == 1
    assert not empty.foreground().any()
    assert empty.values() == ()


def test_unknown_integers_are_named():
    packed().require_known_labels("a.nii.gz")
    stray = LabelMap(GRID, (Volume.from_array(line(0, 1, 7, 9, dtype=np.uint8), GRID, Unit.LABEL),), SCHEME)
    with pytest.raises(LabelError, match=r"a.nii.gz: expected labels \[1, 2, 300\], found \[7, 9\]"):
        stray.require_known_labels("a.nii.gz")


def test_masks_need_a_name_and_the_shape_of_the_grid():
    with pytest.raises(LabelError):
        LabelMap.from_masks({"z": line(1, 0, 0, 0)}, GRID, SCHEME)
    with pytest.raises(GeometryError, match=r"found \(1, 4, 1\)"):
        LabelMap.from_masks({"a": line(1, 0, 0, 0).reshape(1, 4, 1)}, GRID, SCHEME)


@pytest.mark.parametrize("dtype", ["?", "u1", "u2", "i2", "i8"])
@pytest.mark.parametrize("order", "CF")
def test_integers_that_occur_are_found_in_any_piece(dtype, order):
    array = np.zeros((70, 70, 70), dtype, order=order)
    array[0, 0, 1] = array[69, 69, 68] = 1
    expected = {0, 1}
    if dtype != "?":
        array[40, 2, 3] = 100
        expected.add(100)
    assert integers_in(array) == expected
    assert integers_in(array[::2, :, 1:3]) == set(np.unique(array[::2, :, 1:3]).tolist())


def test_a_name_is_missing_empty_or_present():
    masks = {"a": line(1, 0, 0, 0), "b": line(0, 0, 0, 0)}
    drawn = LabelMap.from_masks(masks, GRID, SCHEME)
    known = LabelMap(GRID, drawn.layers, SCHEME, annotated=frozenset({"a", "b"}))
    assert [known.state(name) for name in ("a", "alpha", "b", "c", "both")] == [
        "present",
        "present",
        "empty",
        "missing",
        "present",
    ]
    assert LabelMap(GRID, drawn.layers, SCHEME, annotated=frozenset({"a"})).state("both") == "missing"
    assert drawn.state("c") == "empty"


def test_layers_are_made_when_they_are_asked_for_and_once():
    calls = []

    def layers():
        calls.append(1)
        return packed().layers

    late = LabelMap(GRID, layers, SCHEME)
    assert (late.geometry, calls) == (GRID, [])
    assert late.values() == (1, 2, 300)
    assert late.layers is late.layers
    assert calls == [1]


def test_masks_in_any_memory_order_give_the_same_layers():
    grid = Geometry((3, 4, 5), np.eye(4))
    draw = np.random.default_rng(5)
    masks = {name: draw.random(grid.shape) > 0.6 for name in ("a", "b", "c")}
    turned = {name: np.asfortranarray(mask) for name, mask in masks.items()}
    first, second = (LabelMap.from_masks(one, grid, SCHEME) for one in (masks, turned))
    for name, mask in masks.items():
        assert np.array_equal(first.mask(name), mask)
    assert all(np.array_equal(a.array, b.array) for a, b in zip(first.layers, second.layers, strict=True))
