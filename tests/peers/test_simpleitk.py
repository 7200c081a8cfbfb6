"""SimpleITK in the definition that each of its filters uses."""

import numpy as np
import pytest
import SimpleITK
from peer_masks import SPACINGS, of_labels, of_masks, random_labels, random_masks, real_organs, real_tumour

from oncohort.metrics import Matching, PairSettings, compare_masks


def image_of(array, spacing_mm=(1.0, 1.0, 1.0)):
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetSpacing(spacing_mm)
    return image


def assert_same_overlap(reference, prediction):
    measure = SimpleITK.LabelOverlapMeasuresImageFilter()
    measure.Execute(image_of(prediction), image_of(reference))  # source, target
    for label, found in of_labels(reference, prediction, (1.0, 1.0, 1.0)).items():
        assert found("dice") == pytest.approx(measure.GetDiceCoefficient(label), abs=1e-12)
        assert found("jaccard") == pytest.approx(measure.GetJaccardCoefficient(label), abs=1e-12)
        assert found("sensitivity") == pytest.approx(1 - measure.GetFalseNegativeError(label), abs=1e-12)


def border(mask, spacing_mm):
    """Voxels with a face on the outside; the volume is padded, for this filter knows no outside beyond its border."""
    padded = image_of(np.pad(mask, 1).astype(np.uint8), spacing_mm)
    return SimpleITK.LabelContour(padded, fullyConnected=False)


def pooled_distances(reference, prediction, spacing_mm):
    """From every border voxel to the nearest of the other mask, both ways."""
    borders = border(reference, spacing_mm), border(prediction, spacing_mm)
    result = []
    for own, other in (borders, borders[::-1]):
        squared = SimpleITK.SignedMaurerDistanceMap(
            other, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
        )
        here = SimpleITK.GetArrayViewFromImage(own) > 0
        result.append(np.abs(SimpleITK.GetArrayViewFromImage(squared)[here]))
    return np.concatenate(result).astype(np.float64)


def assert_same_surfaces(reference, prediction, spacing_mm):
    for label, found in of_labels(reference, prediction, spacing_mm).items():
        masks = reference == label, prediction == label
        distances = pooled_distances(*masks, spacing_mm)
        # SimpleITK's distance maps are float32 and add up squares of spacings in it: some 2e-6 relative are lost
        assert found("assd_mm") == pytest.approx(distances.mean(), rel=1e-5)
        assert found("hd95_mm") == pytest.approx(np.percentile(distances, 95), rel=1e-5)
        hausdorff = SimpleITK.HausdorffDistanceImageFilter()
        hausdorff.Execute(border(masks[0], spacing_mm), border(masks[1], spacing_mm))
        assert found("hausdorff_mm") == pytest.approx(hausdorff.GetHausdorffDistance(), rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_overlap_of_random_labels(seed):
    assert_same_overlap(*random_labels(seed))


@pytest.mark.parametrize("spacing_mm", SPACINGS)
@pytest.mark.parametrize("seed", range(2))
def test_surfaces_of_random_labels(seed, spacing_mm):
    assert_same_surfaces(*random_labels(seed), spacing_mm)


@pytest.mark.real_data
def test_real_organs(real_data):
    reference, prediction, spacing_mm = real_organs(real_data("ct_organs"))
    assert_same_overlap(reference, prediction)
    few = np.isin(reference, [1, 2, 3, 5, 6, 20, 21]), np.isin(prediction, [1, 2, 3, 5, 6, 20, 21])
    assert_same_surfaces(reference * few[0], prediction * few[1], spacing_mm)


@pytest.mark.parametrize(("connectivity", "with_corners"), [(6, False), (26, True)])
def test_components(connectivity, with_corners):
    reference, prediction = random_masks(5)
    settings = PairSettings(connectivity=connectivity, matching=Matching("any-overlap"))
    pair = compare_masks(reference, prediction, spacing_mm=(1.0, 1.0, 1.0), settings=settings)
    for mask, components in ((reference, pair.reference_components), (prediction, pair.prediction_components)):
        found = SimpleITK.ConnectedComponent(image_of(mask.astype(np.uint8)), with_corners)
        shapes = SimpleITK.LabelShapeStatisticsImageFilter()
        shapes.Execute(found)
        assert sorted(components.sizes) == sorted(shapes.GetNumberOfPixels(label) for label in shapes.GetLabels())
        assert len(components.sizes) > 1


@pytest.mark.real_data
def test_uptake_of_a_real_tumour(real_data):
    reference, prediction, suv, spacing_mm = real_tumour(real_data("sts_petct"), "STS_001")
    found = of_masks(reference, prediction, spacing_mm, image=suv)
    measured = []
    for mask in (reference, prediction):
        statistics = SimpleITK.LabelStatisticsImageFilter()
        statistics.Execute(image_of(suv.astype(np.float64), spacing_mm), image_of(mask.astype(np.uint8), spacing_mm))
        volume_ml = statistics.GetCount(1) * np.prod(spacing_mm) / 1000
        measured.append((statistics.GetMaximum(1), statistics.GetMean(1), volume_ml))
    (top, mean, volume), (other_top, other_mean, other_volume) = measured
    assert found("suvmax_error") == pytest.approx(other_top - top, abs=1e-9)
    assert found("suvmean_error") == pytest.approx(other_mean - mean, rel=1e-9)
    assert found("mtv_difference_ml") == pytest.approx(other_volume - volume, rel=1e-9)
    assert found("tlg_difference") == pytest.approx(other_mean * other_volume - mean * volume, rel=1e-9)
