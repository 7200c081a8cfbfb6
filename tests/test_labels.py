import pytest

from oncohort.errors import LabelError
from oncohort.labels import LabelScheme

SCHEME = LabelScheme(
    "abdomen",
    {"head": 1, "tail": 2, "liver": 300},
    groups={"pancreas": ("head", "tail")},
    codes={"liver": "10200004"},
    aliases={"hepar": "liver"},
)


def test_names_and_integers_lead_to_each_other():
    assert [SCHEME.value(name) for name in ("head", "tail", "liver", "hepar")] == [1, 2, 300, 300]
    assert [SCHEME.name_of(value) for value in (1, 2, 300)] == ["head", "tail", "liver"]


def test_unknown_names_and_integers_are_refused_with_the_known_ones():
    with pytest.raises(LabelError, match=r"abdomen.*head, tail, liver.*'spleen'"):
        SCHEME.value("spleen")
    with pytest.raises(LabelError, match=r"\[1, 2, 300\].*found 0"):
        SCHEME.name_of(0)


def test_a_scheme_survives_json():
    assert LabelScheme.from_dict(SCHEME.to_dict()) == SCHEME
    assert LabelScheme.from_dict({"name": "x", "labels": {"a": 1}}) == LabelScheme("x", {"a": 1})


@pytest.mark.parametrize("labels", [{"a": 0}, {"a": -1}, {"a": 1, "b": 1}, {"a": 65536}])
def test_integers_are_distinct_and_fit_a_mask(labels):
    with pytest.raises(LabelError, match="from 1 to 65535"):
        LabelScheme("x", labels)


def test_the_largest_integer_is_allowed():
    assert LabelScheme("x", {"a": 65535}).value("a") == 65535


@pytest.mark.parametrize("kw", [{"groups": {"g": ("b",)}}, {"aliases": {"z": "b"}}, {"codes": {"b": "1"}}])
def test_groups_codes_and_aliases_name_labels(kw):
    with pytest.raises(LabelError, match="found b"):
        LabelScheme("x", {"a": 1}, **kw)


@pytest.mark.parametrize("values", [{}, {"name": "x"}, {"name": "x", "labels": 3}, {"name": "x", "labels": {"a": "y"}}])
def test_what_is_no_scheme_is_refused(values):
    with pytest.raises(LabelError, match="a label scheme"):
        LabelScheme.from_dict(values)
