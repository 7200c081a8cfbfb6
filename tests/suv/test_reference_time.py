from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest

from oncohort.errors import SuvRefusal
from oncohort.suv.header import pet_header
from oncohort.suv.reference_time import mean_count_time_s, reference_time

HALF_LIFE = 6588.0
DECAY = math.log(2) / HALF_LIFE
START = datetime(2025, 1, 1, 11, 0, 0)


def frame(begin_s=0.0, reference_s=None, factor=None, duration_s=240.0):
    """A frame that begins `begin_s` after 11:00."""
    begin = START + timedelta(seconds=begin_s)
    found = {"AcquisitionDate": "20250101", "AcquisitionTime": begin.strftime("%H%M%S.%f")}
    if duration_s is not None:
        found["ActualFrameDuration"] = duration_s * 1000
    if reference_s is not None:
        found["FrameReferenceTime"] = reference_s * 1000
    if factor is not None:
        found["DecayFactor"] = f"{factor:.5f}"
    return found


def decay_factor(delay_s, duration_s=240.0):
    """What a scanner writes for a frame that begins `delay_s` after its reference time."""
    within = DECAY * duration_s / (1 - math.exp(-DECAY * duration_s))
    return within * math.exp(DECAY * delay_s)


def found(*frames, series="110000", **tags):
    common = {"SeriesDate": "20250101", "SeriesTime": series, **tags}
    return reference_time(pet_header([{**one, **common} for one in frames], where="series 1"), HALF_LIFE)


def after(reference):
    return (reference.instant - START).total_seconds()


def test_decay_factors_confirm_the_series_time_on_every_bed():
    beds = [frame(begin_s=delay, factor=decay_factor(delay)) for delay in (0, 243, 486)]
    result = found(*beds)
    assert (result.winner, after(result), result.verdict) == ("S", 0.0, "confirms S")
    assert result.warnings == ()


def test_decay_factors_confirm_a_constant_acquisition_time():
    beds = [frame(reference_s=delay, factor=decay_factor(delay)) for delay in (0, 243, 486)]
    result = found(*beds)
    assert (result.winner, result.verdict, result.candidates["B"]) == ("S", "confirms S", None)


def test_decay_factors_reject_a_late_series_time():
    beds = [frame(begin_s=delay, factor=decay_factor(delay)) for delay in (0, 243)]
    result = found(*beds, series="114500")
    assert (result.winner, after(result), result.verdict) == ("E", 0.0, "confirms E")
    assert "differ by" in result.warnings[0]


def test_decay_factors_confirm_the_private_time_of_ge():
    beds = [frame(begin_s=delay, factor=decay_factor(delay + 600)) for delay in (0, 243)]
    result = found(*beds, GEScanDateTime="20250101105000.00")
    assert (result.winner, after(result)) == ("G", -600.0)


def test_decay_factors_confirm_the_back_computed_time():
    beds = [
        frame(begin_s=delay, factor=decay_factor(delay + 500), reference_s=delay + 500 + mean_count_time_s(240, DECAY))
        for delay in (0, 243)
    ]
    result = found(*beds)
    assert (result.winner, result.convention) == ("B", "mean")
    assert after(result) == pytest.approx(-500, abs=1e-3)


def test_decay_factors_alone_with_a_warning():
    result = found(*[frame(begin_s=delay, factor=decay_factor(delay + 618.8)) for delay in (0, 243)], series="105900")
    assert (result.winner, result.verdict) == ("DF", "contradicts all candidates")
    assert after(result) == pytest.approx(-618.8, abs=0.1)
    assert "decay factors" in result.warnings[0]


def test_decay_factors_that_contradict_each_other_are_refused():
    with pytest.raises(SuvRefusal) as caught:
        found(*[frame(begin_s=delay, factor=decay_factor(700 - delay)) for delay in (0, 243)])
    assert caught.value.code == "reference_time_unknown"


def test_the_tolerance_is_two_seconds():
    assert found(frame(factor=decay_factor(1.5))).winner == "S"
    assert found(frame(factor=decay_factor(3.0))).winner == "DF"


def test_a_coarsely_rounded_decay_factor_has_a_wider_tolerance():
    coarse = {**frame(), "DecayFactor": "1.01"}
    result = found(coarse)
    assert (result.winner, result.verdict) == ("S", "confirms S")


@pytest.mark.parametrize("factor", ["1.0", "1", "", "0"])
def test_decay_factors_that_say_nothing(factor):
    result = found({**frame(), "DecayFactor": factor})
    assert (result.winner, result.verdict) == ("S", "uninformative")


def test_one_frame_without_decay_factor_makes_them_say_nothing():
    assert found(frame(factor=decay_factor(0)), frame(begin_s=243)).verdict == "uninformative"


def test_series_time_may_lie_a_hundredth_after_the_scan():
    assert found(frame(), series="110000.010").winner == "S"
    assert found(frame(), series="110000.020").winner == "E"


def test_without_decay_factors_a_late_series_time_gives_way():
    late = "114500"
    assert found(frame(reference_s=0), series=late).winner == "B"
    assert found(frame(reference_s=0), series=late, GEScanDateTime="20250101110000").winner == "G"
    result = found(frame(), series=late)
    assert (result.winner, after(result)) == ("E", 0.0)
    assert "earliest acquisition was taken" in result.warnings[0]


def test_a_missing_series_time_gives_way_too():
    assert found(frame(), series="").winner == "E"


def test_earliest_of_several_frames():
    assert after(found(frame(243), frame(10), series="")) == 10.0


def test_start_convention_of_the_frame_reference_time():
    result = found(frame(0, reference_s=0), frame(243, reference_s=243), series="")
    assert (result.winner, result.convention, after(result)) == ("B", "start", 0.0)


def test_mean_convention_of_the_frame_reference_time():
    mean = mean_count_time_s(240, DECAY)
    result = found(frame(0, reference_s=mean), frame(243, reference_s=243 + mean), series="")
    assert (result.convention, after(result)) == ("mean", pytest.approx(0, abs=1e-3))


def test_back_computed_times_of_several_instants_are_no_candidate():
    assert found(frame(0, reference_s=0), frame(243, reference_s=240), series="").winner == "E"
    assert found(frame(0, reference_s=0), frame(243, reference_s=241.5), series="").winner == "B"


def test_mean_count_time_lies_just_before_the_middle():
    assert mean_count_time_s(240, DECAY) == pytest.approx(120 - DECAY * 240**2 / 24, abs=1e-3)


def test_spread_is_that_of_the_factor():
    result = found(frame(), series="115000")
    assert result.spread_percent == pytest.approx(100 * (2 ** (3000 / HALF_LIFE) - 1))


def test_a_small_spread_is_no_warning():
    assert found(frame(begin_s=60)).warnings == ()
    assert len(found(frame(begin_s=120)).warnings) == 1


def test_no_times_at_all():
    with pytest.raises(SuvRefusal) as caught:
        found({}, series="")
    assert caught.value.code == "reference_time_unknown"


def test_a_frame_without_time_leaves_ge():
    assert found(frame(), {}, GEScanDateTime="20250101105900").winner == "G"
    with pytest.raises(SuvRefusal):
        found(frame(), {})
