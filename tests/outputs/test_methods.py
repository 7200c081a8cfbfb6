"""The methods paragraph says everything: each field of the schema is changed, and the words must change with it."""

import types
from itertools import combinations
from typing import Annotated, Literal, Union, get_args, get_origin

import pytest
from organ_cohort import HEAD, rule
from pydantic import BaseModel

from oncohort.leaderboard.columns import metric_names
from oncohort.outputs import methods_paragraph
from oncohort.profiles import Profile, Target, list_profiles, load_profile, parse_profile

WHOLE = HEAD.replace("TIE", "dice").replace('structures = "each"', 'structures = ["liver", "spleen"], image = "pet"')
WHOLE = WHOLE.replace("columns = []", 'columns = ["tracer"]')
RULES = [
    rule("dice", 0.5),
    rule("nsd", 0.25, more='label = "nsd_1mm"\ntolerance_mm = 1.0\nstructures = ["liver"]'),
    rule("reference_volume_ml", both="measured"),
    rule("prediction_volume_ml", both="measured"),
    rule("lesion_tp", both="measured"),
    rule("lesion_fn", both="measured"),
    rule("suvmax_error", empty="undefined"),
]
COHORT = [
    '[[cohort_metric]]\nname = "auc"\nweight = 0.25\nscore = "prediction_volume_ml"',
    '[[cohort_metric]]\nname = "specificity"\nlabel = "spe"\nstructure = "liver"\npositive_ml = 0.5',
    '[[cohort_metric]]\nname = "tumour_sensitivity"',
]
COMPONENTS = '[components]\nconnectivity = 6\nmatching = "iou"\nthreshold = 0.5\nsize_edges_ml = [2.0]\ntable = true\n'

BASES = {
    "whole": parse_profile("\n".join([WHOLE, *RULES, *COHORT, COMPONENTS]), where="test"),
    "flagged": parse_profile(
        load_profile("pants").text.replace("[components]", '[target.truth]\ncolumn = "tumour"\n\n[components]', 1),
        where="test",
    ),
    **{name: load_profile(name) for name in list_profiles()},
}

NAMED = {
    ("MetricRule", "name"): "jaccard",
    ("CohortMetric", "name"): "lesion_recall",
    ("CohortMetric", "score"): "reference_volume_ml",
    ("Ranking", "tie_break"): "reference_volume_ml",
}
"""Texts that name something else of the profile or of a registry."""


def members(annotation):
    """The types that a value may have, without None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [one for part in get_args(annotation) for one in members(part)]
    return [] if annotation is type(None) else [annotation]


def other_values(annotation, value):
    """Other values that a field of this type may take: every word of a Literal, one of each other type."""
    made = {str: "another text", int: 7, float: 0.123, bool: not value}
    for member in members(annotation):
        origin = get_origin(member)
        if origin is Literal:
            yield from (word for word in get_args(member) if word != value)
        elif origin is tuple:
            inner = members(get_args(member)[0])[0]
            yield (made[inner], made[inner] * 2)
        elif origin is dict or member is dict:
            yield {"column": "another text"}
        elif member in made:
            yield made[member]
        else:
            raise TypeError(f"this test knows no other value of {member}")


def is_part(annotation):
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def parts_of(annotation):
    found = [one for member in members(annotation) for one in (member, *get_args(member))]
    return [one for member in found for one in members(member) if is_part(one)]


def schema(model=Profile):
    """Every part of the schema, and its fields that are no parts."""
    fields = {}
    for name, field in model.model_fields.items():
        inner = parts_of(field.annotation)
        for part in inner:
            fields |= schema(part)
        if not inner:
            fields[model.__name__, name] = field.annotation
    return fields


def places(part, put=lambda changed: changed):
    """Every part in `part`, with a function that gives the whole with another part in its place."""
    yield part, put
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from places(value, lambda new, name=name: put(part.model_copy(update={name: new})))
        for number, one in enumerate(value if isinstance(value, tuple) else ()):
            if isinstance(one, BaseModel):

                def replaced(new, name=name, value=value, number=number):
                    return put(part.model_copy(update={name: (*value[:number], new, *value[number + 1 :])}))

                yield from places(one, replaced)


def says_all(part, put, field, annotation):
    """Whether the paragraph tells the value of a field here from every other value that it may have."""
    key = (type(part).__name__, field)
    others = [NAMED[key]] if key in NAMED else list(other_values(annotation, getattr(part, field)))
    texts = [methods_paragraph(put(part.model_copy(update={field: value}))) for value in others]
    texts.append(methods_paragraph(put(part)))
    return all(one != other for one, other in combinations(texts, 2))


@pytest.mark.parametrize("part, field", schema(), ids=".".join)
def test_every_field_of_the_schema_has_words(part, field):
    found = [(one, put) for profile in BASES.values() for one, put in places(profile) if type(one).__name__ == part]
    assert found, f"no profile of this test has {part}.{field}"
    annotation = schema()[part, field]
    assert any(can_say(one, put, field, annotation) for one, put in found), f"{part}.{field} has no words"


def can_say(one, put, field, annotation):
    try:
        return says_all(one, put, field, annotation)
    except (KeyError, TypeError, ValueError):  # a word of the schema without words, or a value that does not go here
        return False


def test_a_new_field_without_words_would_be_noticed():
    class WiderTarget(Target):
        colour: Literal["red", "green"] = "red"

    target = WiderTarget(role="lesions", structure="lesion")
    wider = BASES["autopet-iii"].model_copy(update={"target": target})
    put = next(put for one, put in places(wider) if one is target)
    assert says_all(target, put, "role", str)
    assert not says_all(target, put, "colour", Literal["red", "green"])


@pytest.mark.parametrize("name", BASES)
def test_the_paragraph_is_plain_english(name):
    text = methods_paragraph(BASES[name])
    assert text.endswith(".")
    assert "\n" not in text
    for odd in ("None", "  ", "..", " .", ",,", "{", "}", "[", "]", "<", "'", "()", " ;", "Presence"):
        assert odd not in text, odd
    assert all(part[0].isupper() for part in text.split(". ") if not part[0].isdigit())


@pytest.mark.parametrize("name", BASES)
def test_the_paragraph_names_what_the_profile_names(name):
    profile = BASES[name]
    text = methods_paragraph(profile)
    assert f"the profile {profile.name}, version {profile.version}" in text
    assert profile.source in text
    names = metric_names(profile)
    for entry in (*profile.metric, *profile.cohort_metric):
        assert f'("{entry.column}"' in text
        assert not entry.weight or f"{entry.weight:g} {names[entry.column]}" in text.split("weighted by metric")[1]


def test_rules_for_empty_masks_are_said_metric_by_metric():
    text = methods_paragraph(load_profile("autopet-iii"))
    assert (
        "Where only the prediction is empty, Dice and False positive volume are 0; "
        "False negative volume and Volume difference are computed as always."
    ) in text
    assert "there, Dice and False negative volume are scored as if nothing had been predicted" in text


def test_what_was_chosen_when_ranking_is_said():
    profile = load_profile("autopet-iii")
    assert "percentiles of 200 bootstrap draws" in methods_paragraph(profile, draws=200)
    assert "(seed 7," in methods_paragraph(profile, seed=7)
    assert "bias-corrected and accelerated" in methods_paragraph(profile, interval="bca")
    assert "bootstrap" not in methods_paragraph(profile, draws=0)
    assert "with Oncohort 0.1.0 by" in methods_paragraph(profile, software="Oncohort 0.1.0")
