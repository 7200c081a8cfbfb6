import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncohort.metrics.interaction import area_over_steps, mean_over_steps

NAN = float("nan")
LEVELS = st.lists(st.floats(0, 1), min_size=1, max_size=12)

# autoPET V sample case psma_ffcaa75377465b37_2018-03-04 (lab-midas/autoPETV @4a20268): five states
DICE = [0.8702044346, 0.8856848127, 0.8711040676, 0.8783548441, 0.8876651982]
FPV = [0.904619, 0.586780, 0.562331, 0.562331, 0.562331]


@pytest.mark.parametrize(
    ("values", "area", "digits"),
    [
        (DICE, 3.5140785408, 9),
        ([0.7777778] + [14 / 17] * 4, 3.2712418, 7),
        (FPV, 2.444916, 5),
        ([0.953517] * 5, 3.814069, 5),
    ],
)
def test_published_areas(values, area, digits):
    assert area_over_steps(values, missing="undefined") == pytest.approx(area, abs=1.5 * 10**-digits)


def test_the_greatest_areas_of_the_challenges():
    assert area_over_steps([1.0] * 6, missing="undefined") == 5.0  # autoPET V
    assert area_over_steps([1.0] * 5, missing="undefined") == 4.0
    assert area_over_steps([1.0] * 11, missing="undefined") == 10.0  # autoPET IV
    assert mean_over_steps([1.0] * 11, missing="undefined") == 1.0


@given(values=LEVELS)
def test_it_is_the_trapezoid_and_the_same_backwards(values):
    expected = sum((a + b) / 2 for a, b in itertools.pairwise(values))
    assert area_over_steps(values, missing="undefined") == pytest.approx(expected, abs=1e-12)
    assert area_over_steps(values[::-1], missing="undefined") == area_over_steps(values, missing="undefined")
    assert area_over_steps(values, missing="undefined") == pytest.approx(np.trapezoid(values), abs=1e-12)


@given(values=LEVELS, factor=st.sampled_from([0.5, 2.0, 4.0]))
def test_it_scales_and_its_mean_lies_among_the_values(values, factor):
    area = area_over_steps(values, missing=0.0)
    assert area_over_steps([factor * value for value in values], missing=0.0) == pytest.approx(factor * area)
    mean = mean_over_steps(values, missing=0.0)
    if len(values) == 1:
        assert math.isnan(mean)
    else:
        assert min(values) - 1e-12 <= mean <= max(values) + 1e-12


def test_each_rule_for_a_missing_state():
    values = [0.5, NAN, NAN, 0.9]
    assert math.isnan(area_over_steps(values, missing="undefined"))
    assert area_over_steps(values, missing="carried") == pytest.approx(
        area_over_steps([0.5, 0.5, 0.5, 0.9], missing=0.0)
    )
    assert area_over_steps(values, missing=0.0) == pytest.approx(0.25 + 0.45)
    assert area_over_steps(values, missing=1) == pytest.approx(0.25 + 2 + 0.45)
    assert area_over_steps([0.5, NAN], missing="carried") == 0.5


def test_nothing_can_be_carried_from_before_the_first_state():
    assert math.isnan(area_over_steps([NAN, 0.5, 0.9], missing="carried"))
    assert math.isnan(area_over_steps([NAN], missing="carried"))


def test_a_single_state_has_no_step():
    assert area_over_steps([0.8], missing="undefined") == 0.0
    assert math.isnan(mean_over_steps([0.8], missing="undefined"))
    assert math.isnan(area_over_steps([NAN], missing="undefined"))


def test_the_values_given_are_left_alone():
    values = np.array([0.5, NAN, 0.9])
    area_over_steps(values, missing=0.0)
    assert math.isnan(values[1])


@pytest.mark.parametrize("function", [area_over_steps, mean_over_steps])
def test_bad_input_is_refused(function):
    for bad in ([], [[0.5, 0.6]], 0.5):
        with pytest.raises(ValueError, match="one state or more"):
            function(bad, missing="carried")
    with pytest.raises(ValueError, match="undefined, carried or a number"):
        function([0.5, 0.6], missing="skipped")
