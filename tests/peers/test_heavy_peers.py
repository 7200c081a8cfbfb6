"""MONAI, MedPy, panoptica, nnU-Net and scikit-learn, each in its own definition (make test-extras)."""

import warnings

import numpy as np
import pytest
from benchmarks import peers_overlap, peers_surface
from benchmarks.volumes import LabelPair
from peer_masks import (
    SPACINGS,
    of_labels,
    of_masks,
    random_labels,
    random_masks,
    real_organs,
    real_tumour,
    real_vertebrae,
)

from oncohort.metrics import METRICS, Matching, PairSettings, compare_masks
from oncohort.metrics.roc import average_precision, roc_auc

pytestmark = pytest.mark.extras
SEEDS = pytest.mark.parametrize("seed", range(3))


def case_of(reference, prediction, spacing_mm):
    labels = tuple(np.unique(reference[reference > 0]).tolist())
    return LabelPair(np.asfortranarray(reference), np.asfortranarray(prediction), spacing_mm, labels)


def assert_same_overlap(peer, reference, prediction, tolerance=1e-12):
    case = case_of(reference, prediction, (1.0, 1.0, 1.0))
    found = of_labels(reference, prediction, case.spacing_mm)
    told = peer(case, case.labels)
    assert len(found) > 1
    for label, measure in found.items():
        for name, value in told[label].items():
            assert measure(name) == pytest.approx(value, abs=tolerance), (label, name)


@pytest.mark.parametrize("peer", ["nnunet", "medpy", "panoptica", "monai"])
@SEEDS
def test_overlap(peer, seed):
    # MONAI divides in float32
    assert_same_overlap(
        getattr(peers_overlap, peer), *random_labels(seed), tolerance=1e-7 if peer == "monai" else 1e-12
    )


@pytest.mark.real_data
@pytest.mark.parametrize("peer", ["nnunet", "medpy", "panoptica", "monai"])
def test_overlap_of_real_organs(peer, real_data):
    reference, prediction, _ = real_organs(real_data("ct_organs"))
    assert_same_overlap(getattr(peers_overlap, peer), reference, prediction, 1e-7 if peer == "monai" else 1e-12)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@SEEDS
def test_monai_surfaces(seed, spacing_mm):
    """MONAI pools the distances of the ASSD, takes the greater directed percentile, and computes in float32."""
    reference, prediction = random_labels(seed)
    told = peers_surface.monai(case_of(reference, prediction, spacing_mm), (1, 2, 3))
    for label, measure in of_labels(reference, prediction, spacing_mm).items():
        assert measure("assd_mm") == pytest.approx(told[label]["assd_mm"], rel=1e-5)
        assert measure("hd95_directed_mm") == pytest.approx(told[label]["hd95_directed_mm"], rel=1e-5)
        assert measure("nsd", tolerance_mm=peers_surface.TOLERANCE_MM) == pytest.approx(told[label]["nsd"], abs=1e-5)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@SEEDS
def test_medpy_surfaces(seed, spacing_mm):
    from medpy.metric import binary

    reference, prediction = random_masks(seed)
    found = of_masks(reference, prediction, spacing_mm)
    for name, function in (("assd_mm", binary.assd), ("hd95_mm", binary.hd95), ("hausdorff_mm", binary.hd)):
        assert found(name) == pytest.approx(function(prediction, reference, voxelspacing=spacing_mm), abs=1e-9), name


@pytest.mark.real_data
def test_medpy_on_a_real_tumour(real_data):
    from medpy.metric import binary

    reference, prediction, _, spacing_mm = real_tumour(real_data("sts_petct"), "STS_003")
    found = of_masks(reference, prediction, spacing_mm)
    assert found("assd_mm") == pytest.approx(binary.assd(prediction, reference, voxelspacing=spacing_mm), abs=1e-9)


@pytest.mark.real_data
def test_panoptic_quality_of_real_vertebrae(real_data):
    from panoptica import InputType, NaiveThresholdMatching, Panoptica_Evaluator

    reference, prediction, spacing_mm = real_vertebrae(real_data("instances"))
    evaluator = Panoptica_Evaluator(
        expected_input=InputType.UNMATCHED_INSTANCE,
        instance_matcher=NaiveThresholdMatching(matching_threshold=0.5),
    )
    told = evaluator.evaluate(prediction, reference, verbose=False)["ungrouped"]
    settings = PairSettings(
        connectivity=26, matching=Matching("iou", 0.5), reference_instances=True, prediction_instances=True
    )
    pair = compare_masks(reference, prediction, spacing_mm=spacing_mm, settings=settings)
    assert (pair.lesions.tp, pair.lesions.fp, pair.lesions.fn) == (told.tp, told.fp, told.fn)
    assert pair.lesions.tp > 1
    for name, value in (
        ("panoptic_quality", told.pq),
        ("segmentation_quality", told.sq),
        ("recognition_quality", told.rq),
    ):
        assert METRICS[name].formula(pair) == pytest.approx(value, abs=1e-9), name


def test_scikit_learn_curves():
    from sklearn import metrics

    random = np.random.default_rng(3)
    truth = random.random(500) < 0.2
    scores = np.round(random.normal(truth, 1.0), 1)  # with ties
    assert roc_auc(truth, scores) == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = metrics.average_precision_score(truth, scores)
    assert average_precision(truth, scores) == pytest.approx(expected, abs=1e-12)
