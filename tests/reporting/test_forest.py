import math

import pytest

from oncohort.reporting.forest import Axis, stacked


def test_a_share_has_the_axis_from_zero_to_one() -> None:
    axis = Axis.around([0.4, 0.6], bounded=True)
    assert axis.ticks == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert [label for _, label in axis.labels] == ["0.00", "0.25", "0.50", "0.75", "1.00"]
    assert (axis.place(0.0), axis.place(1.0), axis.total) == (10.0, 250.0, 260.0)


@pytest.mark.parametrize(
    "values", [[3.0, 47.0], [-133.9, 62.5], [0.0], [], [-5.0, -1.0], [1e-7, 3e-7], [1e6], [math.nan]]
)
def test_the_axis_holds_all_values_and_zero(values: list[float]) -> None:
    axis = Axis.around(values, bounded=False)
    finite = [value for value in values if math.isfinite(value)]
    assert axis.low <= min([0.0, *finite])
    assert axis.high >= max([0.0, *finite])
    assert 0.0 in axis.ticks
    assert 2 <= len(axis.ticks) <= 7
    assert len({label for _, label in axis.labels}) == len(axis.ticks)
    places = [place for place, _ in axis.labels]
    assert places == sorted(places)


def test_values_beyond_the_axis_are_put_on_its_end() -> None:
    assert Axis.around([1.0], bounded=True).place(7.0) == 250.0


def test_close_dots_are_stacked_and_the_stack_is_bounded() -> None:
    rows = [row for _, row in stacked([1.0] * 9, apart=4.0, most=3)]
    assert set(rows) == {0, 1, 2}
    assert stacked([9.0, 1.0], apart=4.0) == [(1.0, 0), (9.0, 0)]
