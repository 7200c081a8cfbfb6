import math

import pytest

from oncohort.metrics import OverlapCounts, dice, volume_difference_ml


def test_dice_of_known_counts():
    assert dice(OverlapCounts(3, 5, 2, 1.0), if_both_empty=9.0) == 0.5
    assert dice(OverlapCounts(3, 3, 3, 1.0), if_both_empty=9.0) == 1.0
    assert dice(OverlapCounts(3, 0, 0, 1.0), if_both_empty=9.0) == 0.0


def test_two_empty_masks_are_worth_what_is_said():
    nothing = OverlapCounts(0, 0, 0, 1.0)
    assert dice(nothing, if_both_empty=1.0) == 1.0
    assert math.isnan(dice(nothing, if_both_empty=float("nan")))
    with pytest.raises(TypeError):
        dice(nothing)


def test_volume_difference_is_prediction_less_reference():
    assert volume_difference_ml(OverlapCounts(10, 4, 0, 0.5)) == -3.0
