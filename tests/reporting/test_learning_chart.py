"""Learning curves: every number that is there, gaps where there is none, and what the caption says of them."""

import xml.etree.ElementTree as ET
from html import unescape

import pytest

from oncohort.formats.training_run import CurvePoint, TrainedFold
from oncohort.reporting import FoldFacts, TrainedModel, draw_learning, render_report
from oncohort.reporting.chart import looks_of

EVIL = "<script>&$x_1$"
SVG = "{http://www.w3.org/2000/svg}"


def fold(name="0", trained=("a", "b", "c"), held_out=("d",)):
    return TrainedFold(name, trained, held_out, 3, "m/checkpoint.pth", "0" * 64, 9.0, None)


def points(*values):
    return [
        CurvePoint(epoch, training, validation, dice, 0.01, 2.0)
        for epoch, (training, validation, dice) in enumerate(values, 1)
    ]


THREE = points((0.5, 0.6, (0.1,)), (0.2, 0.4, (0.3,)), (-0.25, -0.125, (0.625,)))


def lines(svg):
    """Vertices (x, y) of every path of a data line, by colour."""
    found = {}
    for path in ET.fromstring(svg).iter(f"{SVG}path"):
        style = path.get("style") or ""
        if "clip-path" in path.attrib and "stroke: #" in style:
            colour = style.split("stroke: ")[1].split(";")[0]
            drawn = path.get("d").split()
            found.setdefault(colour, []).append(
                [tuple(map(float, drawn[i + 1 : i + 3])) for i in range(0, len(drawn), 3)]
            )
    return found


def test_three_lines_in_the_colours_of_the_palette():
    looks = looks_of(["training", "validation", "pseudo Dice"])
    found = lines(draw_learning("unet", fold(), THREE).svg)
    for look in looks.values():
        assert [len(line) for line in found[look.colour]] == [3]
    xs = {tuple(x for x, _ in found[look.colour][0]) for look in list(looks.values())[:2]}
    assert len(xs) == 1  # both losses stand over the same epochs


def test_lower_losses_and_higher_dice_are_drawn_so():
    looks = list(looks_of(["training", "validation", "pseudo Dice"]).values())
    found = lines(draw_learning("unet", fold(), THREE).svg)
    training, validation, dice = ([y for _, y in found[look.colour][0]] for look in looks)
    assert training == sorted(training)  # y of an SVG points down
    assert validation == sorted(validation)
    assert dice == sorted(dice, reverse=True)
    assert training[2] > validation[2]  # -0.25 lies below -0.125 on one axis


def test_the_caption_says_cases_epochs_and_the_last_values():
    caption = draw_learning("unet", fold(), THREE).caption
    assert "Fold 0: epochs 1 to 3, trained on 3 cases, validated on 1 held out." in caption
    assert caption.endswith("Last epoch: training loss −0.250, validation loss −0.125, pseudo Dice 0.625.")
    assert "not the Dice of cases" in caption


def test_a_fold_of_all_cases_says_that_nothing_was_held_out():
    caption = draw_learning("unet", fold("all", held_out=()), THREE).caption
    assert "validation is on training cases and says nothing of new patients" in caption


def test_numbers_that_are_not_finite_leave_a_gap_and_are_counted():
    drawing = draw_learning("unet", fold(), points((0.5, 0.6, (0.1,)), (None, 0.4, (None,)), (None, None, ())))
    assert "Losses that are no finite numbers and left out: 3." in drawing.caption
    assert "pseudo Dice –" in drawing.caption
    nothing = draw_learning("unet", fold(), points((None, None, ())))
    assert "training loss –, validation loss –, pseudo Dice –" in nothing.caption


def test_several_labels_are_drawn_with_their_mean():
    drawing = draw_learning("unet", fold(), points((0.1, 0.1, (0.2, 0.4, None)), (0.1, 0.1, (0.3, 0.9, None))))
    assert drawing.caption.endswith("pseudo Dice 0.600.")
    colour = looks_of(["training", "validation", "pseudo Dice"])["pseudo Dice"].colour
    assert len(lines(drawing.svg)[colour]) == 1


@pytest.mark.parametrize("count", [1, 2, 41, 1000])
def test_any_number_of_epochs_gives_a_figure_of_modest_size(count):
    drawing = draw_learning("unet", fold(), points(*[(0.1 * n, 0.2, (0.3,)) for n in range(count)]))
    assert len(drawing.svg) < 300_000
    assert drawing == draw_learning("unet", fold(), points(*[(0.1 * n, 0.2, (0.3,)) for n in range(count)]))


def test_the_page_holds_curves_folds_settings_and_hashes(make_report):
    facts = FoldFacts("0", 3, 1, 3, "9.0 s", "not known")
    trained = TrainedModel(
        name="low",
        summary=f"unet {EVIL}",
        settings=(("Patch", "16 × 16 × 16 voxels"),),
        hashes=(("the split", "cd" * 32), ("nothing", "")),
        folds=(facts,),
        drawings=(draw_learning(EVIL, fold(), THREE),),
    )
    page = render_report(make_report(trained=(trained, TrainedModel("unranked", "untrained"))))
    assert '<a href="#training">Training</a>' in page
    assert "<script>&$" not in page
    for text in (
        "16 × 16 × 16 voxels",
        "SHA-256 of the split",
        "cd" * 32,
        "9.0 s",
        f"Learning curve of {EVIL}, fold 0",
    ):
        assert text in unescape(page)
    assert page.count("No learning curve: no epoch was trained.") == 1
    assert "SHA-256 of nothing" not in page


def test_a_page_without_training_has_no_such_section(make_report):
    assert "training" not in render_report(make_report()).lower()
