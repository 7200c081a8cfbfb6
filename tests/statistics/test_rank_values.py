import numpy as np

from oncohort.statistics import rank_values


def test_equal_values_share_the_better_place():
    assert rank_values([3.0, 1.0, 3.0, 2.0], ascending=True).tolist() == [3, 1, 3, 2]
    assert rank_values([3.0, 1.0, 3.0, 2.0], ascending=False).tolist() == [1, 4, 1, 3]


def test_no_value_comes_last_in_both_directions():
    nan = float("nan")
    for ascending in (True, False):
        assert rank_values([nan, 1.0, nan], ascending=ascending).tolist() == [2, 1, 2]


def test_ranks_along_the_last_axis():
    assert rank_values(np.array([[1.0, 2.0], [2.0, 1.0]]), ascending=True).tolist() == [[1, 2], [2, 1]]
