"""Numbers that others published or that their code gave, on masks without licence: see `reference` of each."""

import numpy as np
import pytest

from oncohort.metrics import METRICS, Matching, PairSettings, compare_masks, f1_score

VOLUME_NAMES = ("dice", "fpv_ml", "fnv_ml")


def disc(a, b, radius):
    y, x = np.mgrid[:128, :128]
    return ((y - a) ** 2 + (x - b) ** 2 <= radius**2)[..., None]


def discs(*triples, numbers=False):
    array = np.zeros((128, 128, 1), np.uint8)
    for n, triple in enumerate(triples, start=1):
        array[disc(*triple)] = n if numbers else 1
    return array


# autoPET V scorer (lab-midas/autoPETV at 4a20268) on discs: reference, prediction, binary Dice, tp fp fn, FPV, FNV
AUTOPET_V = [
    (
        [(30, 30, 12), (80, 30, 10), (55, 90, 14)],
        [(30, 30, 11), (80, 30, 9), (55, 70, 8)],
        0.5814376706,
        (2, 1, 1),
        (0.0, 0.0),
    ),
    (
        [(40, 40, 12), (90, 90, 10), (55, 90, 1)],
        [(40, 40, 11), (90, 90, 9), (20, 100, 8)],
        0.7924528302,
        (2, 1, 1),
        (0.197, 0.005),
    ),
    ([], [(64, 64, 10)], None, (0, 1, 0), (0.317, 0.0)),
    ([(50, 50, 18), (100, 90, 10)], [(35, 50, 10), (65, 50, 10), (100, 90, 9)], 0.5829191143, (2, 0, 0), (0.0, 0.0)),
]
MANY_TO_MANY = Matching("many-to-many", 0.1)


def autopet_v(reference, prediction, *, numbers=False):
    settings = PairSettings(connectivity=18, matching=MANY_TO_MANY, reference_instances=numbers)
    reference, prediction = discs(*reference, numbers=numbers), discs(*prediction)
    return compare_masks(reference, prediction, spacing_mm=(1.0, 1.0, 1.0), settings=settings)


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize(("reference", "prediction", "dice", "counts", "volumes"), AUTOPET_V)
def test_autopet_v_scorer(reference, prediction, dice, counts, volumes, numbers):
    pair = autopet_v(reference, prediction, numbers=numbers)
    found = [METRICS[name].formula(pair) for name in VOLUME_NAMES]
    if dice is not None:
        assert found[0] == pytest.approx(dice, abs=5e-11)
    assert (pair.lesions.tp, pair.lesions.fp, pair.lesions.fn) == counts
    assert found[1:] == pytest.approx(volumes, abs=1e-12)


def test_autopet_v_overlaps_of_the_first_case():
    overlap = autopet_v(*AUTOPET_V[0][:2]).lesion_overlap
    ious = {(int(r), int(p)): iou for (r, p, _), iou in zip(overlap.pairs, overlap.iou, strict=True)}
    assert sorted(ious.values(), reverse=True) == pytest.approx([0.854875, 0.798107, 0.011236], abs=5e-7)


def test_autopet_v_pooled_f1():
    counts = np.array([case[3] for case in AUTOPET_V])
    assert f1_score(*counts.sum(axis=0).tolist()) == pytest.approx(12 / 17)
    groups = [f1_score(*counts[part].sum(axis=0).tolist()) for part in (slice(0, 2), slice(2, 4))]
    assert np.mean(groups) == pytest.approx(0.7333333, abs=5e-8)


def blocks(*named):
    array = np.zeros((20, 20, 1), np.uint8)
    for number, i0, i1, j0, j1 in named:
        array[i0:i1, j0:j1] = number
    return array


# autoPET IV task 2 scorer (lab-midas/autoPETCTIV at 7aecbda) on blocks of voxels of 1 ml
IV_REFERENCE = blocks((1, 1, 5, 1, 5), (2, 10, 14, 1, 5), (5, 1, 5, 10, 14))
IV_PREDICTION = blocks((7, 1, 5, 1, 4), (3, 10, 12, 1, 5), (4, 12, 14, 1, 5), (9, 15, 18, 15, 18))
NAN = float("nan")


@pytest.mark.parametrize(
    ("reference", "prediction", "expected"),
    [
        (IV_REFERENCE, IV_PREDICTION, (0.4380952381, 1.8, 7.2)),
        (np.zeros_like(IV_REFERENCE), IV_PREDICTION, (NAN, 9.25, NAN)),
        (IV_REFERENCE, np.zeros_like(IV_PREDICTION), (0.0, 0.0, 16.0)),
        (np.zeros_like(IV_REFERENCE), np.zeros_like(IV_PREDICTION), (NAN, NAN, NAN)),
    ],
)
def test_autopet_iv_task_2_scorer(reference, prediction, expected):
    settings = PairSettings(connectivity=18, matching=MANY_TO_MANY, reference_instances=True, prediction_instances=True)
    pair = compare_masks(reference, prediction, spacing_mm=(10.0, 10.0, 10.0), settings=settings)
    found = [METRICS[name].formula(pair) for name in ("instance_dice", "instance_fp_ml", "instance_fn_ml")]
    assert found == pytest.approx(expected, abs=5e-11, nan_ok=True)


@pytest.mark.real_data
@pytest.mark.parametrize("kind", ["matched_instance", "unmatched_instance"])
def test_panoptica_on_a_spine(real_data, kind):
    """BrainLesion/tutorials at 002d893: panoptica/example_spine_{matched,unmatched}_instance.ipynb, IoU 0.5."""
    nibabel = pytest.importorskip("nibabel")
    folder = real_data("instances") / "spine_seg" / kind
    reference, prediction = (np.asarray(nibabel.load(folder / f"{name}.nii.gz").dataobj) for name in ("ref", "pred"))
    settings = PairSettings(
        connectivity=26, matching=Matching("iou", 0.5), reference_instances=True, prediction_instances=True
    )
    pair = compare_masks(reference, prediction, spacing_mm=(0.58594, 0.58594, 3.3), settings=settings)
    assert (pair.lesions.tp, pair.lesions.fp, pair.lesions.fn) == (19, 3, 3)
    assert METRICS["recognition_quality"].formula(pair) == pytest.approx(0.8636363636363636, rel=1e-14)
    assert METRICS["segmentation_quality"].formula(pair) == pytest.approx(0.8328184295330798, rel=1e-14)
    assert METRICS["panoptic_quality"].formula(pair) == pytest.approx(0.7192522800512963, rel=1e-14)
    assert pair.lesion_overlap.dice[pair.lesions.chosen].mean() == pytest.approx(0.900292616009954, rel=1e-14)
    assert pair.lesions.iou.std() == pytest.approx(0.15186064004517466, rel=1e-14)
    shift = 0 if kind == "matched_instance" else 1
    assert all(p == r + shift for r, p, _ in pair.lesions.pairs)
