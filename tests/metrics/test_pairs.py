import numpy as np
import pytest
from scipy import ndimage

from oncohort.metrics import METRICS, Presence, compare_masks

EDGES = ndimage.generate_binary_structure(3, 2)


def naive(reference, prediction, voxel_ml):
    """The four metrics straight from their formulas, a loop per component."""

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


def measured(reference, prediction, voxel_ml=0.5):
    pair = compare_masks(reference, prediction, voxel_ml=voxel_ml, connectivity=18)
    return {name: metric.formula(pair) for name, metric in METRICS.items()}


def disc(a, b, radius):
    y, x = np.mgrid[:128, :128]
    return ((y - a) ** 2 + (x - b) ** 2 <= radius**2)[..., None]


def discs(*triples):
    return np.any([disc(*triple) for triple in triples], axis=0) if triples else np.zeros((128, 128, 1), bool)


GOLDEN = [
    ([(30, 30, 12), (80, 30, 10), (55, 90, 14)], [(30, 30, 11), (80, 30, 9), (55, 70, 8)], 0.5814376706, 0.0, 0.0),
    ([(40, 40, 12), (90, 90, 10), (55, 90, 1)], [(40, 40, 11), (90, 90, 9), (20, 100, 8)], 0.7924528302, 0.197, 0.005),
    ([(50, 50, 18), (100, 90, 10)], [(35, 50, 10), (65, 50, 10), (100, 90, 9)], 0.5829191143, 0.0, 0.0),
]


@pytest.mark.parametrize(("reference", "prediction", "dice", "fpv", "fnv"), GOLDEN)
def test_published_discs(reference, prediction, dice, fpv, fnv):
    values = measured(discs(*reference), discs(*prediction), voxel_ml=0.001)
    assert values["dice"] == pytest.approx(dice, abs=5e-11)
    assert values["fpv_ml"] == pytest.approx(fpv, abs=1e-12)
    assert values["fnv_ml"] == pytest.approx(fnv, abs=1e-12)


def test_published_disc_on_a_lesion_free_case():
    values = measured(discs(), discs((64, 64, 10)), voxel_ml=0.001)
    assert values["fpv_ml"] == pytest.approx(0.317, abs=1e-12)


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


def test_one_shared_voxel_clears_a_whole_component():
    reference = np.zeros((6, 6, 12), bool)
    prediction = reference.copy()
    reference[1:4, 1:4, 1:4] = True
    prediction[3:6, 3:6, 3:6] = True
    prediction[0, 0, 8:11] = True
    assert measured(reference, prediction)["fpv_ml"] == 1.5
    assert measured(reference, prediction)["fnv_ml"] == 0.0


def test_corners_do_not_join_lesions_but_edges_do():
    reference = np.zeros((4, 4, 4), bool)
    reference[0, 0, 0] = reference[1, 1, 1] = True
    prediction = np.zeros_like(reference)
    prediction[0, 0, 0] = True
    assert measured(reference, prediction)["fnv_ml"] == 0.5
    reference[1, 1, 1], reference[1, 1, 0] = False, True
    assert measured(reference, prediction)["fnv_ml"] == 0.0


def test_presence_says_which_mask_is_empty():
    full, empty = np.ones((2, 2, 2), bool), np.zeros((2, 2, 2), bool)

    def presence(reference, prediction):
        return compare_masks(reference, prediction, voxel_ml=1.0, connectivity=18).presence

    assert presence(full, full) is Presence.BOTH_PRESENT
    assert presence(empty, full) is Presence.REFERENCE_EMPTY
    assert presence(full, empty) is Presence.PREDICTION_EMPTY
    assert presence(empty, empty) is Presence.BOTH_EMPTY


def test_labels_above_one_are_foreground_too():
    reference = np.zeros((3, 3, 9), np.uint8)
    reference[1, 1, :4], reference[2, 2, 5:] = 3, 9
    pair = compare_masks(reference, (reference == 3).astype(np.uint8) * 2, voxel_ml=1.0, connectivity=18)
    assert (pair.overlap.reference, pair.overlap.prediction, pair.overlap.both) == (8, 4, 4)
    assert pair.reference_components.sizes == (4, 4)
    assert (pair.overlap.reference_ml, pair.overlap.prediction_ml) == (8.0, 4.0)
