import numpy as np
import pytest
from mask_oracles import overlap_metrics
from scipy import ndimage

from oncohort.kernels import count_joint
from oncohort.metrics import (
    METRICS,
    Matching,
    PairSettings,
    Presence,
    compare_labels,
    compare_masks,
    compare_surfaces,
    label_arrays,
    surface_dice,
)

EDGES = ndimage.generate_binary_structure(3, 2)
ANY = PairSettings(connectivity=18, matching=Matching("any-overlap"))
SPACING_MM = (2.0, 3.0, 5.0)
STRUCTURES = {"liver": [5], "lung": [1, 9], "trunk": [1, 5, 9, 30], "gut": (30,), "absent": {77}}


def compare(reference, prediction, voxel_ml=1.0):
    return compare_masks(reference, prediction, spacing_mm=(10.0, 10.0, 10.0 * voxel_ml), settings=ANY)


def measured(reference, prediction, voxel_ml=0.5):
    pair = compare(reference, prediction, voxel_ml)
    return {name: METRICS[name].formula(pair) for name in ("dice", "volume_difference_ml", "fpv_ml", "fnv_ml")}


def naive(reference, prediction, voxel_ml):
    """The metrics of autoPET III straight from their formulas, a loop per component."""

    def unmatched(mask, other):
        components, count = ndimage.label(mask, EDGES)
        alone = [components == n for n in range(1, count + 1)]
        return sum(c.sum() for c in alone if not (c & other).any()) * voxel_ml

    total = reference.sum() + prediction.sum()
    return {
        "dice": 2 * (reference & prediction).sum() / total if total else float("nan"),
        "volume_difference_ml": (int(prediction.sum()) - int(reference.sum())) * voxel_ml,
        "fpv_ml": unmatched(prediction, reference),
        "fnv_ml": unmatched(reference, prediction),
    }


def label_maps(seed=0, shape=(9, 10, 17)):
    """Blocky maps of the labels 1, 5, 9, 30 and 200; the prediction differs in a tenth of the voxels."""
    random = np.random.default_rng(seed)
    coarse = random.choice([0, 0, 1, 5, 9, 30, 200], [(n + 2) // 3 for n in shape])
    reference = coarse.repeat(3, 0).repeat(3, 1).repeat(3, 2)[tuple(map(slice, shape))].astype(np.uint8)
    prediction = np.where(random.random(shape) < 0.1, random.choice([0, 1, 5, 9, 30], shape), reference)
    return reference, prediction.astype(np.uint8)


@pytest.mark.parametrize("order", ["C", "F"])
def test_equals_the_naive_oracle_on_random_masks(order):
    for seed in range(12):
        random = np.random.default_rng(seed)
        reference, prediction = (random.random((11, 10, 19)) < share for share in (0.03, 0.05))
        values = measured(np.asarray(reference, order=order), prediction)
        assert values == pytest.approx(naive(reference, prediction, 0.5), abs=1e-12)


@pytest.mark.real_data
def test_equals_the_naive_oracle_on_real_masks(real_data):
    nibabel = pytest.importorskip("nibabel")
    for name in ("STS_001", "STS_003"):
        folder = real_data("sts_petct") / "nifti" / name
        reference = np.asarray(nibabel.load(folder / "PET_mask.nii.gz").dataobj) > 0
        prediction = np.asarray(nibabel.load(folder / "PET_image.nii.gz").dataobj) >= 2.5
        assert reference.any() and prediction.any()
        values = measured(reference, prediction, voxel_ml=0.0719)
        assert values == pytest.approx(naive(reference, prediction, 0.0719), rel=1e-12)


@pytest.mark.real_data
def test_organs_of_a_real_map_equal_masks_one_by_one(real_data):
    nibabel = pytest.importorskip("nibabel")
    labels = np.asarray(nibabel.load(real_data("ct_organs") / "example_seg_fast_force_split.nii.gz").dataobj)
    labels = labels.astype(np.int32)
    shifted = np.roll(labels, 1, axis=2)
    values = sorted(set(np.unique(labels).tolist()) - {0})
    assert len(values) > 20
    pairs = compare_labels(labels, shifted, {str(v): [v] for v in values}, spacing_mm=SPACING_MM, settings=ANY)
    for value in values:
        assert (
            pairs[str(value)].overlap
            == compare_masks(labels == value, shifted == value, spacing_mm=SPACING_MM, settings=ANY).overlap
        )


def test_one_shared_voxel_clears_a_whole_component():
    reference = np.zeros((6, 6, 12), bool)
    prediction = reference.copy()
    reference[1:4, 1:4, 1:4] = True
    prediction[3:6, 3:6, 3:6] = True
    prediction[0, 0, 8:11] = True
    assert measured(reference, prediction)["fpv_ml"] == 1.5
    assert measured(reference, prediction)["fnv_ml"] == 0.0


def test_presence_says_which_mask_is_empty():
    full, empty = np.ones((2, 2, 2), bool), np.zeros((2, 2, 2), bool)
    assert compare(full, full).presence is Presence.BOTH_PRESENT
    assert compare(empty, full).presence is Presence.REFERENCE_EMPTY
    assert compare(full, empty).presence is Presence.PREDICTION_EMPTY
    assert compare(empty, empty).presence is Presence.BOTH_EMPTY
    assert compare(empty, empty).box.is_empty


def test_labels_above_one_are_foreground_too():
    reference = np.zeros((3, 3, 9), np.uint8)
    reference[1, 1, :4], reference[2, 2, 5:] = 3, 9
    pair = compare(reference, (reference == 3).astype(np.uint8) * 2)
    assert (pair.overlap.reference, pair.overlap.prediction, pair.overlap.both) == (8, 4, 4)
    assert pair.reference_components.sizes == (4, 4)
    assert (pair.overlap.reference_ml, pair.overlap.prediction_ml) == (8.0, 4.0)


@pytest.mark.parametrize("seed", range(4))
def test_every_structure_equals_its_own_masks(seed):
    reference, prediction = label_maps(seed)
    pairs = compare_labels(reference, prediction, STRUCTURES, spacing_mm=SPACING_MM, settings=ANY)
    assert list(pairs) == list(STRUCTURES)
    for name, labels in STRUCTURES.items():
        masks = [np.isin(array, list(labels)) for array in (reference, prediction)]
        expected = overlap_metrics(*masks, 0.03) | naive(*masks, 0.03)
        found = {metric: METRICS[metric].formula(pairs[name]) for metric in expected}
        assert found == pytest.approx(expected, nan_ok=True, abs=1e-12), name
        alone = compare_masks(*masks, spacing_mm=SPACING_MM, settings=ANY)
        assert pairs[name].lesions.pairs == alone.lesions.pairs


@pytest.mark.parametrize("kind", ["voxels", "elements"])
def test_surfaces_of_structures_equal_those_of_their_masks(kind):
    """Alone, in groups, sharing labels, and absent."""
    reference, prediction = label_maps(3)
    pairs = compare_labels(reference, prediction, STRUCTURES, spacing_mm=SPACING_MM, settings=ANY)
    for name, labels in STRUCTURES.items():
        masks = [np.isin(array, list(labels)) for array in (reference, prediction)]
        expected = compare_surfaces(*masks, spacing_mm=SPACING_MM, kind=kind, labels=[1])[1]
        pair = pairs[name]
        alone = compare_masks(*masks, spacing_mm=SPACING_MM, settings=ANY)
        for found in (
            pair.voxel_surface if kind == "voxels" else pair.element_surface,
            alone.voxel_surface if kind == "voxels" else alone.element_surface,
        ):
            assert (found.reference_points, found.prediction_points) == (
                expected.reference_points,
                expected.prediction_points,
            )
            assert np.sort(found.reference_to_prediction) == pytest.approx(np.sort(expected.reference_to_prediction))
            assert np.sort(found.prediction_to_reference) == pytest.approx(np.sort(expected.prediction_to_reference))
            assert found.reference_size == pytest.approx(expected.reference_size)
            assert found.prediction_size == pytest.approx(expected.prediction_size)


@pytest.mark.parametrize("tolerances_mm", [(0.5,), (2.5, 0.5), (0.5, 2.5, 0.5)])
@pytest.mark.parametrize("is_measured", [False, True])
def test_shares_within_a_tolerance_equal_those_of_the_masks(tolerances_mm, is_measured):
    """Alone, in groups, sharing labels, and absent; before and after the distances are known; several tolerances."""
    reference, prediction = label_maps(3)
    pairs = compare_labels(reference, prediction, STRUCTURES, spacing_mm=SPACING_MM, settings=ANY)
    for tolerance_mm in tolerances_mm:
        for name, labels in STRUCTURES.items():
            masks = [np.isin(array, list(labels)) for array in (reference, prediction)]
            distances = compare_surfaces(*masks, spacing_mm=SPACING_MM, kind="elements", labels=[1])[1]
            expected = surface_dice(distances, tolerance_mm=tolerance_mm)
            if is_measured:
                assert pairs[name].element_surface.reference_size == pytest.approx(distances.reference_size)
            assert pairs[name].share_within(tolerance_mm) == pytest.approx(expected, nan_ok=True, rel=1e-12), name
            found = METRICS["nsd"].formula(pairs[name], tolerance_mm=tolerance_mm)
            assert found == pytest.approx(expected, nan_ok=True, rel=1e-12)


def test_the_union_of_several_numbers_has_one_surface():
    reference = np.zeros((6, 6, 6), np.uint8)
    reference[1:3, 1:5, 1:5], reference[3:5, 1:5, 1:5] = 4, 9
    both = compare(reference, reference > 0).voxel_surface
    assert both.reference_points == both.prediction_points == 4**3 - 2**3


def test_touching_numbers_are_one_component():
    reference = np.zeros((6, 6, 6), np.uint8)
    reference[1:3, 1:5, 1:5], reference[3:5, 1:5, 1:5] = 4, 9
    assert compare(reference, reference > 4).reference_components.sizes == (64,)
    groups = {"both": [4, 9], "one": [9]}
    pairs = compare_labels(reference, reference, groups, spacing_mm=SPACING_MM, settings=ANY)
    assert [pair.lesions.tp for pair in pairs.values()] == [1, 1]
    assert pairs["both"].reference_components.sizes == (64,)


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", ">i4", "<i8", ">u8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_number_types_byte_and_memory_order_change_nothing(dtype, order):
    reference, prediction = label_maps(1)
    expected = compare_labels(reference, prediction, STRUCTURES, spacing_mm=SPACING_MM, settings=ANY)
    spread = np.zeros((18, 10, 34), dtype)
    spread[::2, :, ::2] = prediction
    maps = np.asarray(reference.astype(dtype), order=order), spread[::2, :, ::2]
    found = compare_labels(*maps, STRUCTURES, spacing_mm=SPACING_MM, settings=ANY)
    for name in STRUCTURES:
        assert found[name].overlap == expected[name].overlap
        assert sorted(found[name].reference_components.sizes) == sorted(expected[name].reference_components.sizes)
        assert found[name].lesion_overlap.missed_ml == expected[name].lesion_overlap.missed_ml


def test_renamed_labels_change_nothing():
    reference, prediction = label_maps(2)
    names = {1: 255, 5: 3, 9: 1000, 30: 65535, 200: 5}
    table = np.zeros(256, np.int64)
    table[list(names)] = list(names.values())
    renamed = {name: [names.get(label, 78) for label in labels] for name, labels in STRUCTURES.items()}
    first = compare_labels(reference, prediction, STRUCTURES, spacing_mm=SPACING_MM, settings=ANY)
    second = compare_labels(table[reference], table[prediction], renamed, spacing_mm=SPACING_MM, settings=ANY)
    for name in STRUCTURES:
        assert first[name].overlap == second[name].overlap
        assert first[name].lesions.pairs == second[name].lesions.pairs


def test_a_union_of_lesion_numbers_keeps_them():
    labels = np.zeros((4, 4, 4), np.int16)
    labels[0], labels[1], labels[3] = 300, 4, 5
    settings = PairSettings(connectivity=6, matching=Matching("iou", 0.5), reference_instances=True)
    pairs = compare_labels(labels, labels, {"some": [300, 4]}, spacing_mm=SPACING_MM, settings=settings)
    assert pairs["some"].lesion_overlap.reference_ids.tolist() == [4, 300]
    assert pairs["some"].lesion_overlap.prediction_ids.tolist() == [1]


def test_more_than_255_structures_of_bytes_or_fewer_of_any_number():
    reference = np.arange(512, dtype=np.int64).reshape(8, 8, 8)
    few = {str(n): [n] for n in range(257, 512)}
    pairs = compare_labels(reference, reference, few, spacing_mm=SPACING_MM, settings=ANY)
    assert all(pair.overlap.both == 1 for pair in pairs.values())
    with pytest.raises(ValueError, match="up to 255 labels"):
        compare_labels(reference, reference, few | {"1": [1]}, spacing_mm=SPACING_MM, settings=ANY)


def test_lesions_come_back_the_same_when_asked_again():
    reference, prediction = label_maps()
    pair = compare_masks(reference, prediction, spacing_mm=SPACING_MM, settings=ANY)
    assert pair.lesions is pair.lesions
    assert pair.voxel_surface is pair.voxel_surface
    first, second = pair.lesion_maps(), pair.lesion_maps()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        compare(np.zeros((2, 2, 2), bool), np.zeros((2, 2, 3), bool))
    with pytest.raises(ValueError, match="one shape"):
        compare(np.zeros((2, 2), bool), np.zeros((2, 2), bool))


def test_numbers_that_are_no_integers_are_refused():
    with pytest.raises(TypeError, match="float32"):
        compare(np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), np.float32))


def test_negative_lesion_numbers_are_refused():
    settings = PairSettings(connectivity=6, matching=Matching("any-overlap"), reference_instances=True)
    reference = np.full((2, 2, 2), -3)
    with pytest.raises(ValueError, match="-3"):
        _ = compare_masks(reference, reference > 0, spacing_mm=SPACING_MM, settings=settings).lesions


@pytest.mark.parametrize("structures", [{"a": []}, {"a": [0]}, {"a": [1], "b": [0, 2]}, {"a": [-1]}])
def test_structures_without_labels_or_with_background_are_refused(structures):
    labels = np.ones((2, 2, 2), np.uint8)
    with pytest.raises(ValueError, match="at least one label above 0"):
        compare_labels(labels, labels, structures, spacing_mm=SPACING_MM, settings=ANY)


def test_uptake_needs_an_image_of_the_same_shape():
    mask = np.ones((3, 3, 3), bool)
    image = np.arange(27.0).reshape(3, 3, 3)
    pair = compare_masks(mask, mask & (image > 13), spacing_mm=(10.0,) * 3, settings=ANY, image=image)
    assert (pair.uptake.reference.suv_max, pair.uptake.reference.suv_mean) == (26.0, 13.0)
    assert (pair.uptake.prediction.suv_mean, pair.uptake.prediction.mtv_ml) == (20.0, 13.0)
    for wrong in (None, image[1:]):
        with pytest.raises(ValueError, match="expected an image of shape"):
            _ = compare_masks(mask, mask, spacing_mm=(10.0,) * 3, settings=ANY, image=wrong).uptake


def test_uptake_of_a_structure_in_the_middle_of_the_image():
    labels = np.zeros((7, 8, 9), np.uint8)
    labels[2:4, 3:5, 4:6], labels[5, 5, 5] = 6, 2
    image = np.random.default_rng(0).random(labels.shape)
    pairs = compare_labels(labels, labels, {"organ": [6]}, spacing_mm=(10.0,) * 3, settings=ANY, image=image)
    assert pairs["organ"].uptake.reference.suv_max == image[labels == 6].max()
    assert pairs["organ"].uptake.prediction.suv_mean == pytest.approx(image[labels == 6].mean())


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0), (1.0, 0.0, 1.0), (1.0, -1.0, 1.0), (1.0, float("nan"), 1.0)])
def test_spacings_that_are_none_are_refused(spacing_mm):
    mask = np.ones((2, 2, 2), bool)
    with pytest.raises(ValueError, match="above 0 mm"):
        compare_masks(mask, mask, spacing_mm=spacing_mm, settings=ANY)


def test_all_structures_are_counted_in_one_pass(monkeypatch):
    passes = []

    def count_and_note(*arrays):
        passes.append(len(arrays))
        return count_joint(*arrays)

    monkeypatch.setattr(label_arrays, "count_joint", count_and_note)
    pairs = compare_labels(*label_maps(), STRUCTURES, spacing_mm=SPACING_MM, settings=ANY)
    assert [METRICS["dice"].formula(pair) for pair in pairs.values()]
    assert passes == [2]


def test_no_surface_is_computed_twice(monkeypatch):
    """Groups that overlap in a chain: the last one goes with the first."""
    asked = []

    def compare_and_note(*arrays, labels, **choices):
        asked.append(len(labels))
        return compare_surfaces(*arrays, labels=labels, **choices)

    monkeypatch.setattr(label_arrays, "compare_surfaces", compare_and_note)
    reference, prediction = label_maps()
    chain = {"a": [1, 5], "b": [5, 9], "c": [30], "d": [1]}
    pairs = compare_labels(reference, prediction, chain, spacing_mm=SPACING_MM, settings=ANY)
    assert all(pair.voxel_surface.reference_points for pair in pairs.values())
    assert asked == [2, 2]
