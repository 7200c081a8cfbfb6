import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.metrics.agreement_values import intraclass_correlation, limits_of_agreement

# Bland and Altman, Lancet 1986, table 1: peak expiratory flow in l/min of 17 people, first readings
LARGE_METER = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI_METER = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]

# Shrout and Fleiss, Psychol Bull 86 (1979) 420, table 2: six targets, four judges
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]

FORMS = ["ICC(1)", "ICC(A,1)", "ICC(C,1)", "ICC(k)", "ICC(A,k)", "ICC(C,k)"]


def test_the_peak_flow_meters_of_bland_and_altman():
    found = limits_of_agreement(MINI_METER, LARGE_METER)
    assert found.n == 17
    assert round(found.bias.value, 1) == -2.1
    assert round(found.sd, 1) == 38.8
    assert [round(found.bias.low, 1), round(found.bias.high, 1)] == [-22.0, 17.8]
    assert [round(found.lower.value), round(found.upper.value)] == [-78, 74]
    # they print -114.3 to -45.1 and 40.9 to 110.1 for limits at 2 sd and a standard error of sd x sqrt(3/n)
    assert [found.lower.low, found.lower.high] == pytest.approx([-114.3, -45.1], abs=3.0)
    assert [found.upper.low, found.upper.high] == pytest.approx([40.9, 110.1], abs=3.0)


def test_limits_are_their_formula():
    random = np.random.default_rng(1)
    reference = random.normal(10, 3, 40)
    prediction = reference + random.normal(0.5, 1, 40)
    found = limits_of_agreement(reference, prediction, coverage=0.9, confidence=0.8)
    differences = prediction - reference
    z, t = stats.norm.ppf(0.95), stats.t.ppf(0.9, 39)
    error = np.std(differences, ddof=1) * math.sqrt(1 / 40 + z**2 / (2 * 39))
    assert found.upper.value == pytest.approx(differences.mean() + z * differences.std(ddof=1), rel=1e-12)
    assert found.upper.high == pytest.approx(found.upper.value + t * error, rel=1e-12)
    assert found.lower.low == pytest.approx(found.lower.value - t * error, rel=1e-12)
    expected = stats.ttest_1samp(differences, 0).confidence_interval(0.8)
    assert [found.bias.low, found.bias.high] == pytest.approx([expected.low, expected.high], rel=1e-12)


def test_limits_hold_their_share_and_their_intervals_the_limits():
    random = np.random.default_rng(2)
    held = []
    for _ in range(400):
        differences = random.normal(1, 2, 30)
        found = limits_of_agreement(np.zeros(30), differences)
        truth = 1 + 2 * stats.norm.ppf(0.975)
        held.append(found.upper.low <= truth <= found.upper.high)
    assert 0.91 < np.mean(held) < 0.98


@given(seed=st.integers(0, 10**6), n=st.integers(2, 20))
@settings(max_examples=40, deadline=None)
def test_exchanging_the_two_turns_the_signs(seed, n):
    reference, prediction = np.random.default_rng(seed).normal(5, 2, (2, n))
    there, back = limits_of_agreement(reference, prediction), limits_of_agreement(prediction, reference)
    assert back.bias.value == -there.bias.value
    assert back.sd == there.sd
    assert back.lower.value == pytest.approx(-there.upper.value, rel=1e-12, abs=1e-12)
    assert back.lower.low == pytest.approx(-there.upper.high, rel=1e-12, abs=1e-12)
    shifted = limits_of_agreement(reference + 3, prediction + 3)
    assert shifted.bias.value == pytest.approx(there.bias.value, abs=1e-12)


def test_few_pairs():
    none = limits_of_agreement([], [])
    assert none.n == 0
    assert math.isnan(none.bias.value)
    one = limits_of_agreement([2.0], [3.0])
    assert (one.n, one.bias.value) == (1, 1.0)
    assert all(math.isnan(value) for value in (one.sd, one.bias.low, one.lower.value, one.upper.high))
    same = limits_of_agreement([2.0, 4.0], [3.0, 5.0])
    assert (same.bias.low, same.bias.high, same.sd, same.upper.high) == (1.0, 1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("reference", "prediction", "message"),
    [
        ([1.0, 2.0], [1.0], "pairs"),
        ([[1.0]], [[1.0]], "pairs"),
        ([1.0, math.nan], [1.0, 2.0], "finite"),
        ([1.0, 2.0], [1.0, math.inf], "finite"),
    ],
)
def test_pairs_that_are_none(reference, prediction, message):
    with pytest.raises(ValueError, match=message):
        limits_of_agreement(reference, prediction)


@pytest.mark.parametrize(
    ("form", "value", "low", "high"),
    [
        # values: Shrout and Fleiss, table 4, to two decimals; intervals: psych::ICC (R), to three
        ("ICC(1)", 0.17, -0.133, 0.723),
        ("ICC(A,1)", 0.29, 0.019, 0.761),
        ("ICC(C,1)", 0.71, 0.342, 0.946),
        ("ICC(k)", 0.44, -0.884, 0.912),
        ("ICC(A,k)", 0.62, 0.071, 0.927),
        ("ICC(C,k)", 0.91, 0.676, 0.986),
    ],
)
def test_the_judges_of_shrout_and_fleiss(form, value, low, high):
    found = intraclass_correlation(JUDGES, form=form)
    assert round(found.value, 2) == value
    assert [found.low, found.high] == pytest.approx([low, high], abs=6e-4)


def naive(table, form):
    """Mean squares by loops, formulas as printed in McGraw and Wong, table 4."""
    n, k = len(table), len(table[0])
    grand = sum(itertools.chain(*table)) / (n * k)
    rows = [sum(row) / k for row in table]
    columns = [sum(row[j] for row in table) / n for j in range(k)]
    msr = k * sum((row - grand) ** 2 for row in rows) / (n - 1)
    msc = n * sum((column - grand) ** 2 for column in columns) / (k - 1)
    msw = sum((table[i][j] - rows[i]) ** 2 for i in range(n) for j in range(k)) / (n * (k - 1))
    mse = sum((table[i][j] - rows[i] - columns[j] + grand) ** 2 for i in range(n) for j in range(k))
    mse /= (n - 1) * (k - 1)
    return {
        "ICC(1)": (msr - msw) / (msr + (k - 1) * msw),
        "ICC(k)": (msr - msw) / msr,
        "ICC(C,1)": (msr - mse) / (msr + (k - 1) * mse),
        "ICC(C,k)": (msr - mse) / msr,
        "ICC(A,1)": (msr - mse) / (msr + (k - 1) * mse + k / n * (msc - mse)),
        "ICC(A,k)": (msr - mse) / (msr + (msc - mse) / n),
    }[form]


TABLES = st.tuples(st.integers(0, 10**6), st.integers(2, 12), st.integers(2, 5))


def table_of(seed, n, k):
    random = np.random.default_rng(seed)
    return random.normal(0, 2, (n, 1)) + random.normal(0, 1, (1, k)) + random.normal(0, 1, (n, k))


@given(case=TABLES, form=st.sampled_from(FORMS))
@settings(max_examples=100, deadline=None)
def test_it_is_the_printed_formula_and_lies_in_its_interval(case, form):
    table = table_of(*case)
    found = intraclass_correlation(table, form=form)
    printed = naive(table.tolist(), form)
    assert found.value == pytest.approx(printed if printed <= 1 else -math.inf, rel=1e-9, abs=1e-9)
    if not form.startswith("ICC(A") or found.value > 0.1:
        assert found.low <= found.value <= found.high <= 1


@given(case=TABLES, form=st.sampled_from(FORMS))
@settings(max_examples=60, deadline=None)
def test_order_unit_and_origin_change_nothing(case, form):
    table = table_of(*case)
    random = np.random.default_rng(case[0])
    expected = intraclass_correlation(table, form=form)
    turned = 3.5 * table[random.permutation(case[1])][:, random.permutation(case[2])] + 7
    found = intraclass_correlation(turned, form=form)
    assert [found.value, found.low, found.high] == pytest.approx(
        [expected.value, expected.low, expected.high], rel=1e-6, abs=1e-6, nan_ok=True
    )


@given(case=TABLES)
@settings(max_examples=40, deadline=None)
def test_a_constant_difference_matters_to_absolute_agreement_alone(case):
    table = table_of(*case)
    biased = table + 100 * np.arange(case[2])
    for form in ("ICC(C,1)", "ICC(C,k)"):
        there, here = (intraclass_correlation(t, form=form) for t in (table, biased))
        assert here.value == pytest.approx(there.value, abs=1e-6)
    assert abs(intraclass_correlation(biased, form="ICC(A,1)").value) < 0.2


@pytest.mark.parametrize("form", FORMS)
def test_readers_who_never_differ(form):
    found = intraclass_correlation([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]], form=form)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("form", FORMS)
def test_values_that_are_all_equal_tell_nothing(form):
    found = intraclass_correlation([[2.0, 2.0], [2.0, 2.0]], form=form)
    assert all(math.isnan(value) for value in (found.value, found.low, found.high))


def test_subjects_that_do_not_differ():
    assert intraclass_correlation([[1.0, 3.0], [3.0, 1.0]], form="ICC(1)").value == -1.0
    assert intraclass_correlation([[1.0, 3.0], [3.0, 1.0]], form="ICC(k)").value == -math.inf


def test_means_beyond_the_pole_of_the_formula_are_minus_infinity():
    table = table_of(999999, 2, 2)
    assert naive(table.tolist(), "ICC(A,k)") > 1
    assert intraclass_correlation(table, form="ICC(A,k)").value == -math.inf
    assert intraclass_correlation(table, form="ICC(A,1)").value < -1


def test_an_approximate_interval_that_misses_its_value_is_not_given():
    for form in ("ICC(A,1)", "ICC(A,k)"):
        found = intraclass_correlation(table_of(121, 3, 2), form=form)
        assert found.value < 0
        assert math.isnan(found.low)
        assert math.isnan(found.high)


def test_the_intervals_hold_the_truth_as_often_as_they_say():
    """Subjects of variance 4, readers of 1, errors of 1: ICC(A,1) is 4/6 and ICC(C,1) 4/5."""
    random = np.random.default_rng(5)
    held = {"ICC(A,1)": [], "ICC(C,1)": []}
    for _ in range(400):
        table = random.normal(0, 2, (25, 1)) + random.normal(0, 1, (1, 6)) + random.normal(0, 1, (25, 6))
        for form, truth in (("ICC(A,1)", 4 / 6), ("ICC(C,1)", 4 / 5)):
            found = intraclass_correlation(table, form=form)
            held[form].append(found.low <= truth <= found.high)
    assert all(0.91 < np.mean(hits) < 0.985 for hits in held.values())


@pytest.mark.parametrize(
    ("table", "form", "message"),
    [
        ([[1.0, 2.0]], "ICC(1)", "two or more"),
        ([[1.0], [2.0]], "ICC(1)", "two or more"),
        ([1.0, 2.0], "ICC(1)", "two or more"),
        ([[1.0, 2.0], [1.0, math.nan]], "ICC(1)", "finite"),
        ([[1.0, 2.0], [1.0, 3.0]], "ICC(2,1)", "expected one of"),
    ],
)
def test_tables_that_are_none(table, form, message):
    with pytest.raises(ValueError, match=message):
        intraclass_correlation(table, form=form)
