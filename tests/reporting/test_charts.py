"""Figures: what is drawn where, told apart without colour, equal bytes for equal numbers."""

import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from oncohort.reporting import Column
from oncohort.reporting.chart import MOST_VECTORS, looks_of
from oncohort.reporting.curve_chart import Curve, draw_froc, draw_roc
from oncohort.reporting.rank_chart import PlaceShares, draw_rank_stability
from oncohort.reporting.strip_chart import Strip, draw_strips
from oncohort.reporting.volume_chart import draw_against_volume, running_medians

DICE = Column("dice", "Dice", "1", "higher")
EVIL = "<script>&$x_1$"


def stability(models=("a", "b"), **options):
    shares = np.eye(len(models)) * 0.75 + 0.25 / len(models)
    rows = [PlaceShares(model, place + 1, shares[place], 1, 2) for place, model in enumerate(models)]
    return draw_rank_stability(rows, **{"cases": 9, "tau": 0.5, "method": "means", **options})


def all_drawings(name="a"):
    values = np.array([0.1, 0.5, np.nan, 0.9])
    line = np.linspace(0, 1, 5)
    return [
        stability((name, "b")),
        draw_strips({name: Strip(values, 0.5, 0.2, 0.8), "b": Strip(values, None, None, None)}, DICE),
        draw_against_volume(np.array([1.0, 10.0, 3.0, 0.0]), {name: values, "b": values}, DICE),
        draw_roc([Curve(name, line, line, "AUC 0.5", (line, line, line))], positives=3, negatives=4, what="volume"),
        draw_froc([Curve(name, line * 9, line, "", marks=(np.array([1.0]), np.array([0.5])))], lesions=4, cases=2),
    ]


def marks(svg, kind="use"):
    return len(ET.fromstring(svg).findall(f".//{{http://www.w3.org/2000/svg}}{kind}"))


def test_models_differ_by_more_than_colour():
    looks = looks_of([f"m{number}" for number in range(7)])
    assert len({look.mark for look in looks.values()}) == 7
    assert len({(look.colour, str(look.dash)) for look in list(looks.values())[:4]}) == 4
    assert len({str(look.dash) for look in list(looks.values())[:4]}) == 4


@pytest.mark.parametrize("number", range(5))
def test_equal_numbers_give_equal_bytes_without_a_date(number):
    first, again = all_drawings()[number], all_drawings()[number]
    assert first == again
    assert "<dc:date>" not in first.svg
    assert first.caption.endswith(".")
    assert first.title


@pytest.mark.parametrize("number", range(5))
def test_names_are_shown_literally(number):
    drawing = all_drawings(EVIL)[number]
    assert "<script" not in drawing.svg
    ET.fromstring(drawing.svg)


def test_settings_of_the_host_are_left_alone():
    before = dict(mpl.rcParams)
    all_drawings()
    assert dict(mpl.rcParams) == before


def test_a_strip_has_a_mark_for_every_value():
    few, more = (draw_strips({"a": Strip(np.linspace(0, 1, count), None, None, None)}, DICE).svg for count in (10, 25))
    assert marks(more) - marks(few) == 15


def test_many_cases_are_drawn_as_pixels():
    small = draw_strips({"a": Strip(np.linspace(0, 1, 100), None, None, None)}, DICE).svg
    large = draw_strips({"a": Strip(np.linspace(0, 1, MOST_VECTORS + 1), None, None, None)}, DICE).svg
    assert marks(small, "image") == 0
    assert marks(large, "image") == 1
    assert len(large) < 200_000


def test_captions_count_what_is_seen():
    strips, volume = all_drawings()[1:3]
    assert "cases with a value: a 3, b 3" in strips.caption
    assert "cases: a 2, b 2" in volume.caption  # one undefined, one of 0 ml
    assert "(n = 9 cases)" in stability().caption
    assert "τ between a draw and the ranking: 0.50" in stability().caption
    assert "τ" not in stability(tau=None).caption
    many = {str(model): np.array([0.5, 0.6, 0.7, 0.8]) for model in range(6)}
    assert "2 more models are not drawn" in draw_against_volume(np.array([1.0, 2, 3, 4]), many, DICE).caption


def test_running_medians_are_those_of_equal_groups():
    generator = np.random.default_rng(1)
    x, y = generator.random(40), generator.random(40)
    across, up = running_medians(x, y)
    order = np.argsort(x)
    groups = np.array_split(order, 6)
    assert across == pytest.approx([np.median(x[group]) for group in groups])
    assert up == pytest.approx([np.median(y[group]) for group in groups])
    assert running_medians(x[:11], y[:11])[0].size == 0
