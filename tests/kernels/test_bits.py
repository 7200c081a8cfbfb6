import numpy as np
import pytest
from numba import njit

from oncohort.kernels.bits import leading_zeros, trailing_zeros


@njit
def both(word):
    return trailing_zeros(word), leading_zeros(word)


@pytest.mark.parametrize("bits", [(0,), (63,), (5, 40), (1, 2, 62), tuple(range(64))])
def test_compiled_and_plain_agree_with_the_definition(bits):
    word = np.uint64(sum(1 << bit for bit in bits))
    expected = min(bits), 63 - max(bits)
    assert both(word) == expected
    assert (trailing_zeros(word), leading_zeros(word)) == expected
