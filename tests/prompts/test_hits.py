"""Points on lesions."""

import numpy as np

from oncohort.prompts import Prompt, count_hits

LABELS = np.zeros((10, 8, 6), np.uint8)
LABELS[1:4, 1:4, 1:4] = 1
LABELS[6:9, 5:8, 3:6] = 12


def click(point, lesion=None, polarity="foreground"):
    return Prompt("click", polarity, [point], lesion=lesion)


def test_a_prompt_must_hit_its_own_lesion():
    assert count_hits([click([2, 2, 2], "1"), click([2, 2, 2], "12"), click([2.4, 1.6, 2], "1")], LABELS) == (2, 3)


def test_without_a_lesion_any_is_hit_and_background_does_not_count():
    prompts = [click([7, 6, 4]), click([0, 0, 0]), click([2, 2, 2], polarity="background")]
    assert count_hits(prompts, LABELS) == (1, 2)
    assert count_hits([], LABELS) == (0, 0)


def test_points_outside_miss():
    assert count_hits([click([10, 0, 0]), click([-1, 2, 2]), click([9, 8, 6])], LABELS) == (0, 3)


def test_indices_from_1_show_themselves_at_the_border_of_lesions():
    prompts = [click([4, 4, 4], "1"), click([9, 8, 6], "12"), click([2, 2, 2], "1")]
    assert count_hits(prompts, LABELS)[0] == 1
    assert count_hits(prompts, LABELS, base=1)[0] == 3
