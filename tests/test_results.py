import pytest

from oncohort.results import AGGREGATE_SCHEMA, SCORE_SCHEMA, Score, Scores

SCORE_COLUMNS = ["model", "case", "patient", "structure", "lesion", "step", "metric", "value", "unit", "undefined"]
SCORE_COLUMNS += ["profile", "profile_version"]
BASE = {"model": "m", "case": "A", "patient": "P", "structure": "lesion", "metric": "dice", "unit": "1"}
BASE |= {"profile": "autopet-iii", "profile_version": "1"}


def test_a_score_has_a_value_or_a_reason():
    assert Score(**BASE, value=0.0).undefined is None
    assert Score(**BASE, value=None, undefined="reference_empty").value is None
    for value, reason in ((None, None), (0.5, "why")):
        with pytest.raises(ValueError, match="either a value or the reason"):
            Score(**BASE, value=value, undefined=reason)


def test_scores_become_a_table_with_the_columns_of_the_contract():
    scores = [Score(**BASE, value=0.5), Score(**BASE, value=None, undefined="x", lesion="1", step=2)]
    table = Scores.from_scores(scores, {"by": "test"}).table
    assert table.columns == list(SCORE_SCHEMA) == SCORE_COLUMNS
    assert table["value"].to_list() == [0.5, None]
    assert table["step"].to_list() == [None, 2]
    assert Scores.from_scores([], {}).table.schema == table.schema


def test_aggregates_have_the_columns_of_the_contract():
    """The columns of version 1.0 first, then what 1.1 and 1.2 added: old readers find what they know."""
    first = ["model", "subset", "metric", "estimate", "low", "high", "n", "n_undefined", "n_missing", "rank", "method"]
    added = ["structure", "rank_low", "rank_high", "first_share", "place_shares", "tau", "letters"]
    added += ["profile", "profile_version"]
    assert list(AGGREGATE_SCHEMA) == first + added
