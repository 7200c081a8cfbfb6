"""What `contour_dice` counts at the border of the volume, where the definition of DEEP-PSMA leaves a choice.

Ours: beyond the border is background, so that the voxels of a mask on the border are border voxels of it.
SimpleITK's LabelContour takes what is beyond for more of the same label and leaves them out.
"""

import numpy as np
import pytest
import SimpleITK

from oncohort.metrics import METRICS, Matching, PairSettings, compare_masks

SETTINGS = PairSettings(connectivity=18, matching=Matching("any-overlap"))


def blocks(first):
    """Two cubes of 4 x 4 x 4 voxels in 8 x 8 x 8, the second one voxel further along j; they begin at `first` in i."""
    reference, prediction = (np.zeros((8, 8, 8), bool) for _ in range(2))
    reference[first : first + 4, 2:6, 2:6] = True
    prediction[first : first + 4, 3:7, 2:6] = True
    return reference, prediction


def ours(reference, prediction):
    pair = compare_masks(reference, prediction, spacing_mm=(1.0, 1.0, 1.0), settings=SETTINGS)
    return METRICS["contour_dice"].formula(pair)


def label_contour(mask):
    image = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    return SimpleITK.GetArrayFromImage(SimpleITK.LabelContour(image, fullyConnected=False)) > 0


def of_label_contour(reference, prediction):
    first, second = label_contour(reference), label_contour(prediction)
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def test_the_border_of_the_volume_is_contour_for_us_and_not_for_label_contour():
    at_border = blocks(0)
    assert ours(*at_border) == pytest.approx(36 / 56)  # 0.6429
    assert of_label_contour(*at_border) == pytest.approx(30 / 52)  # 0.5769


def test_inside_both_agree_and_a_margin_changes_nothing_of_ours():
    inside = blocks(2)
    assert ours(*inside) == of_label_contour(*inside) == pytest.approx(36 / 56)
    padded = [np.pad(mask, 1) for mask in blocks(0)]
    assert ours(*padded) == of_label_contour(*padded) == ours(*blocks(0))
