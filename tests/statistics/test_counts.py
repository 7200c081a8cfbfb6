import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncohort.statistics import chi_square, fisher_exact

TABLE = st.lists(st.lists(st.integers(1, 40), min_size=3, max_size=3), min_size=2, max_size=4)
SQUARE = st.lists(st.integers(0, 12), min_size=4, max_size=4)


@settings(deadline=None)
@given(table=TABLE)
def test_equals_the_sum_over_the_cells(table):
    counts = np.array(table)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    pearson, g = chi_square(table), chi_square(table, kind="g")
    assert pearson.statistic == pytest.approx(((counts - expected) ** 2 / expected).sum(), abs=1e-9)
    assert g.statistic == pytest.approx(2 * (counts * np.log(counts / expected)).sum(), abs=1e-9)
    assert pearson.df == g.df == (len(table) - 1) * 2
    assert pearson.n == tuple(map(sum, table))
    assert pearson.effect == pytest.approx(g.effect)
    assert 0.0 <= pearson.effect <= 1.0
    for found in (pearson, g):
        assert found.p == pytest.approx(stats.chi2.sf(max(0, found.statistic), found.df))
        assert found.log10_p == pytest.approx(math.log10(found.p))
    assert chi_square(counts.T).p == pytest.approx(pearson.p)


def test_yates_takes_half_a_case_from_each_cell():
    a, b, c, d = 12, 5, 3, 9
    total = a + b + c + d
    x = total * (abs(a * d - b * c) - total / 2) ** 2 / ((a + b) * (c + d) * (a + c) * (b + d))
    assert chi_square([[a, b], [c, d]], kind="yates").statistic == pytest.approx(x)
    with pytest.raises(ValueError, match="2 x 2"):
        chi_square([[1, 2, 3], [4, 5, 6]], kind="yates")


def test_whole_dependence_has_effect_one():
    assert chi_square([[30, 0], [0, 70]]).effect == pytest.approx(1.0)
    assert chi_square([[30, 0, 0], [0, 70, 0], [0, 0, 20]]).effect == pytest.approx(1.0)


def test_empty_rows_and_columns_are_left_out():
    plain = chi_square([[5, 9], [7, 2]])
    padded = chi_square([[5, 0, 9], [0, 0, 0], [7, 0, 2]])
    assert (padded.statistic, padded.df, padded.p) == (plain.statistic, plain.df, plain.p)
    assert padded.n == (14, 0, 9)
    single = chi_square([[5, 0], [7, 0]])
    assert single.reason
    assert np.isnan(single.p)


@settings(deadline=None)
@given(cells=SQUARE)
def test_fisher_sums_the_tables_that_are_at_most_as_probable(cells):
    a, b, c, d = cells
    row, column, total = a + b, a + c, a + b + c + d
    ways = {
        k: math.comb(column, k) * math.comb(total - column, row - k)
        for k in range(max(0, row + column - total), min(row, column) + 1)
    }
    p = sum(w for w in ways.values() if w <= ways[a]) / sum(ways.values())
    found = fisher_exact([[a, b], [c, d]])
    assert found.p == pytest.approx(p)
    assert found.log10_p == pytest.approx(math.log10(p), abs=1e-9)


def test_fisher_where_p_has_no_digits():
    found = fisher_exact([[2000, 10], [10, 2000]])
    ways = [math.comb(2010, k) ** 2 for k in range(2011)]
    exact = 2 * sum(ways[:11])
    assert found.p == 0.0
    assert found.log10_p == pytest.approx(_log10(exact) - _log10(math.comb(4020, 2010)), abs=1e-6)


def _log10(number):
    digits = len(str(number)) - 18
    return math.log10(number // 10**digits) + digits


def test_odds_ratios():
    assert fisher_exact([[8, 2], [1, 5]]).effect == 20.0
    assert fisher_exact([[8, 0], [1, 5]]).effect == math.inf
    assert math.isnan(fisher_exact([[0, 8], [0, 5]]).effect)


@pytest.mark.parametrize("table", [[[1.5, 2], [3, 4]], [[-1, 2], [3, 4]], [1, 2], []])
def test_what_is_no_table_of_counts_is_refused(table):
    for test in (chi_square, fisher_exact):
        with pytest.raises(ValueError, match="counts"):
            test(table)
    with pytest.raises(ValueError, match="2 x 2"):
        fisher_exact([[1, 2, 3], [4, 5, 6]])
