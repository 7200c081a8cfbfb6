from __future__ import annotations

from datetime import datetime

import pytest

from oncohort.suv.header import as_text, parse_number, pet_header


def test_frames_are_distinct_and_in_order_of_time():
    def one(clock):
        return {"AcquisitionDate": "20250101", "AcquisitionTime": clock, "Units": "BQML", "RescaleSlope": clock}

    header = pet_header([one("110500"), one("110000"), one("110500")], where="x")
    assert [frame.acquisition for frame in header.frames] == [datetime(2025, 1, 1, 11), datetime(2025, 1, 1, 11, 5)]
    assert header.text("Units") == "BQML"


def test_numbers_of_a_frame_are_in_seconds():
    header = pet_header(
        [{"FrameReferenceTime": "1500", "ActualFrameDuration": 3000, "DecayFactor": "1.012"}], where="x"
    )
    (frame,) = header.frames
    assert (frame.reference_time_s, frame.duration_s, frame.decay_factor) == (1.5, 3.0, 1.012)
    assert frame.decay_rounding == pytest.approx(0.0005)


@pytest.mark.parametrize(("text", "rounding"), [("1", 0.5), ("1.01268", 5e-6), ("1.5E-2", 5e-4), ("x", 0.0)])
def test_rounding_is_half_the_last_digit(text, rounding):
    (frame,) = pet_header([{"DecayFactor": text}], where="x").frames
    assert frame.decay_rounding == pytest.approx(rounding)


def test_the_day_of_the_series_stands_in():
    tags = {"SeriesDate": "20250102", "AcquisitionTime": "110000"}
    assert pet_header([tags], where="x").frames[0].acquisition == datetime(2025, 1, 2, 11)
    whole = {**tags, "AcquisitionDateTime": "20250103120000"}
    assert pet_header([whole], where="x").frames[0].acquisition == datetime(2025, 1, 3, 12)


def test_absurd_times_count_as_missing():
    (frame,) = pet_header([{"FrameReferenceTime": "1e300", "ActualFrameDuration": "0"}], where="x").frames
    assert (frame.reference_time_s, frame.duration_s) == (None, None)


@pytest.mark.parametrize(
    ("text", "value"), [("1.5", 1.5), (" 2 ", 2.0), ("nan", None), ("1e999", None), ("1_0", None), ("", None)]
)
def test_numbers(text, value):
    assert parse_number(text) == value


def test_texts():
    assert as_text(None) == ""
    assert as_text(1.5) == "1.5"
    assert as_text(("A ", "B")) == "A\\B"


def test_the_longest_time_is_115_days():
    (frame,) = pet_header([{"FrameReferenceTime": "1e10", "ActualFrameDuration": "1.1e10"}], where="x").frames
    assert (frame.reference_time_s, frame.duration_s) == (1e7, None)


def test_scaling_has_defaults_for_headers_without_it():
    assert pet_header([{"Units": "GML"}], where="x").frames[0].acquisition is None
