import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncohort.metrics.detection import Proportion, as_flags, patient_sensitivity, specificity, tumour_sensitivity

FLAGS = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30)


@given(rows=FLAGS)
def test_sensitivity_and_specificity_count_patients(rows):
    truth, positive = [row[0] for row in rows], [row[1] for row in rows]
    found = patient_sensitivity(truth, positive)
    spared = specificity(truth, positive)
    assert found == Proportion(sum(t and p for t, p in rows), sum(truth))
    assert spared == Proportion(sum(not t and not p for t, p in rows), len(rows) - sum(truth))
    assert found.total + spared.total == len(rows)
    # with the classes exchanged they change places
    assert specificity([not t for t in truth], [not p for p in positive]) == found


def test_the_rows_that_pants_prints():
    """Project page of PanTS: per cent for 151 patients with and 750 without a tumour, 161 tumours."""

    def printed(share):
        return round(100 * share.value, 1)

    truth = np.repeat([True, False], [151, 750])
    for found, alarms, hits, row in [(122, 75, 121, (80.8, 75.2, 90.0)), (121, 51, 129, (80.1, 80.1, 93.2))]:
        positive = np.repeat([True, False, True, False], [found, 151 - found, alarms, 750 - alarms])
        tumours = tumour_sensitivity([hits - 1, 1, 0], [161 - hits - 2, 0, 2])
        assert (
            printed(patient_sensitivity(truth, positive)),
            printed(tumours),
            printed(specificity(truth, positive)),
        ) == row
        assert tumours.total == 161


def test_nothing_of_nothing_is_undefined():
    assert math.isnan(Proportion(0, 0).value)
    assert math.isnan(patient_sensitivity([False], [True]).value)
    assert math.isnan(specificity([True], [True]).value)
    assert math.isnan(tumour_sensitivity([0, 0], [0, 0]).value)
    assert math.isnan(tumour_sensitivity([], []).value)


def test_zero_and_one_are_flags_and_nothing_else_is():
    assert patient_sensitivity(np.array([1, 0, 1], np.uint8), [1.0, 0.0, 0.0]) == Proportion(1, 2)
    for bad in ([0, 2], [0.5], [math.nan], ["yes"]):
        with pytest.raises(ValueError, match="0 and 1"):
            as_flags(bad)


def test_bad_input_is_refused():
    for function in (patient_sensitivity, specificity):
        with pytest.raises(ValueError, match="one value per patient"):
            function([True, False], [True])
    with pytest.raises(ValueError, match="same cases"):
        tumour_sensitivity([1, 2], [1])
    for bad in (-1, 0.5, math.nan):
        with pytest.raises(ValueError, match="whole numbers"):
            tumour_sensitivity([1, bad], [1, 1])
        with pytest.raises(ValueError, match="whole numbers"):
            tumour_sensitivity([1, 1], [bad, 1])
    for successes, total in ((-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="successes"):
            Proportion(successes, total)
