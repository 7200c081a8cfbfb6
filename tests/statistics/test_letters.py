import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.statistics import letter_display


def table(models, pairs):
    significant = np.zeros((models, models), bool)
    for first, second in pairs:
        significant[first, second] = significant[second, first] = True
    return significant


@st.composite
def tables(draw):
    models = draw(st.integers(1, 9))
    pairs = list(itertools.combinations(range(models), 2))
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return table(models, chosen), draw(st.permutations(range(models)))


def symbols(word):
    """The letters of a word, where a prime belongs to the letter before it."""
    return {letter + "'" * rest for letter, rest in _split(word)}


def _split(word):
    return [(part[0], len(part) - 1) for part in "".join(" " * (c != "'") + c for c in word).split()]


@settings(deadline=None)
@given(given_table=tables())
def test_two_share_a_letter_exactly_if_they_do_not_differ(given_table):
    significant, order = given_table
    words = [symbols(word) for word in letter_display(significant, order)]
    assert all(words)
    for first, second in itertools.combinations(range(len(words)), 2):
        assert bool(words[first] & words[second]) == (not significant[first, second])


@settings(deadline=None)
@given(given_table=tables())
def test_no_letter_is_superfluous_and_they_go_down_the_ranking(given_table):
    significant, order = given_table
    words = letter_display(significant, order)
    used = sorted(set().union(*map(symbols, words)))
    assert used == [chr(ord("a") + n) for n in range(len(used))]
    firsts = [min(order.index(model) for model, word in enumerate(words) if letter in word) for letter in used]
    assert firsts == sorted(firsts)
    for letter in used:
        without = [symbols(word) - {letter} for word in words]
        assert any(
            not without[a] & without[b] and not significant[a, b] for a in range(len(words)) for b in range(len(words))
        )


@settings(deadline=None)
@given(given_table=tables(), seed=st.integers(0, 99))
def test_names_do_not_matter(given_table, seed):
    significant, order = given_table
    renamed = np.random.default_rng(seed).permutation(len(order))
    words = letter_display(significant[np.ix_(renamed, renamed)], [list(renamed).index(model) for model in order])
    assert words == [letter_display(significant, order)[model] for model in renamed]


@pytest.mark.parametrize(
    ("models", "pairs", "order", "words"),
    [
        (3, [], [2, 0, 1], ["a", "a", "a"]),
        (3, [(0, 1), (0, 2), (1, 2)], [2, 0, 1], ["b", "c", "a"]),
        (3, [(0, 2)], [0, 1, 2], ["a", "ab", "b"]),
        (4, [(0, 2), (0, 3), (1, 3)], [0, 1, 2, 3], ["a", "ab", "bc", "c"]),
        (4, [(1, 2)], [1, 2, 0, 3], ["ab", "a", "b", "ab"]),
    ],
)
def test_small_displays(models, pairs, order, words):
    assert letter_display(table(models, pairs), order) == words


def test_beyond_the_alphabet_letters_get_primes():
    models = 110
    words = letter_display(~np.eye(models, dtype=bool), list(range(models)))
    assert (words[25], words[26], words[52], words[109]) == ("z", "A", "a'", "f''")


def test_many_models_do_not_take_for_ever():
    # each model is like all but its partner: 2^30 maximal groups exist
    pairs = [(2 * n, 2 * n + 1) for n in range(30)]
    words = [symbols(word) for word in letter_display(table(60, pairs), list(range(60)))]
    assert not words[0] & words[1]
    assert words[0] & words[2]


@pytest.mark.parametrize(
    ("significant", "order"), [([[0, 1], [0, 0]], [0, 1]), ([[0, 1]], [0]), ([[0]], [1]), (np.zeros((2, 2)), [0, 0])]
)
def test_tables_that_are_no_relation_are_refused(significant, order):
    with pytest.raises(ValueError, match="symmetric"):
        letter_display(significant, order)
