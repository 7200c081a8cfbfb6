"""Time and peak memory of a block."""

import sys
import time

import numpy as np
import pytest

from oncohort.compute import Measurement, measuring

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux sets the peak back")


def test_seconds_are_those_of_the_block():
    with Measurement() as watch:
        time.sleep(0.05)
    assert 0.05 <= watch.measured.seconds < 5
    assert watch.measured.device_memory_mib is None


@linux
def test_the_peak_is_that_of_the_block_and_not_of_what_was_before():
    with Measurement() as large:
        np.ones(200 << 17).sum()
    with Measurement() as small:
        np.ones(1 << 17).sum()
    assert large.measured.peak_memory_mib - small.measured.peak_memory_mib == pytest.approx(200, abs=20)


def test_a_block_that_fails_is_measured():
    watch = Measurement()
    with pytest.raises(ValueError, match="broken"), watch:
        raise ValueError("broken")
    assert watch.measured.peak_memory_mib > 1


def test_where_the_system_does_not_tell_the_peak_it_is_that_of_the_whole_life(monkeypatch, tmp_path):
    monkeypatch.setattr(measuring, "_STATUS", tmp_path / "gone")
    monkeypatch.setattr(measuring, "_CLEAR", tmp_path / "gone" / "too")
    with Measurement() as watch:
        pass
    assert 1 < watch.measured.peak_memory_mib < 1 << 20
    monkeypatch.setitem(sys.modules, "resource", None)
    with Measurement() as watch:
        pass
    assert watch.measured.peak_memory_mib is None
