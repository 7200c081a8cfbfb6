import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.statistics import hodges_lehmann

module = sys.modules["oncohort.statistics.hodges_lehmann"]  # the room exports the function under the same name
NUMBERS = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=25) | st.lists(
    st.integers(990, 1010).map(lambda n: n / 10), min_size=1, max_size=25
)


def naive(values):
    return np.median([(a + b) / 2 for i, a in enumerate(values) for b in values[i:]])


@settings(deadline=None)
@given(values=NUMBERS)
def test_equals_its_definition(values):
    assert hodges_lehmann(values) == pytest.approx(naive(values), rel=1e-12, abs=1e-12)


@settings(deadline=None)
@given(values=NUMBERS)
def test_counting_pairs_equals_listing_them(values):
    direct, module._DIRECT = module._DIRECT, 0
    try:
        counted = hodges_lehmann(values)
    finally:
        module._DIRECT = direct
    assert counted == pytest.approx(naive(values), rel=1e-12, abs=1e-12)


def test_many_values_are_counted_and_not_listed():
    values = np.random.default_rng(0).normal(size=26_489)
    assert abs(hodges_lehmann(values)) < 0.02
    assert hodges_lehmann(values + 5.0) == pytest.approx(hodges_lehmann(values) + 5.0)
    ties = np.round(values[:2500])
    assert hodges_lehmann(ties) == naive_by_arrays(ties)


def naive_by_arrays(values):
    first, second = np.triu_indices(values.size)
    return np.median((values[first] + values[second]) / 2)


def test_none_and_infinite():
    assert np.isnan(hodges_lehmann([]))
    with pytest.raises(ValueError, match="finite"):
        hodges_lehmann([1.0, np.inf])
