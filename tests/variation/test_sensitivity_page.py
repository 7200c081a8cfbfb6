"""Page, figures, folder and command line of a sensitivity analysis."""

import json
import re

import polars as pl
import pytest
from speckled_cohort import MODELS, make_masks, write_world

from oncohort.cli.app import run_command
from oncohort.errors import FormatError
from oncohort.reporting.data import Column
from oncohort.reporting.range_chart import Moves, Standing, draw_places, draw_ranges
from oncohort.variation import (
    CHOICE_SCHEMA,
    PARAMETERS,
    Choices,
    measure_sensitivity,
    read_choices,
    render_sensitivity,
    write_sensitivity,
)
from oncohort.variation.page import main_findings
from oncohort.variation.summary import describe_choices
from oncohort.variation.variants import EMPTY_VALUES


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("page"), *make_masks(seed=4))


@pytest.fixture(scope="module")
def found(world):
    cohort, folders = world
    return measure_sensitivity(cohort, folders, profile="lesions", choices=Choices(truth_column="tumour"))


def call(capsys, *arguments):
    code = run_command([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_page_names_every_choice_and_loads_nothing(found):
    page = render_sensitivity(found)
    for variant in found.run["variants"]:
        assert variant["variant"] in page
    for model in MODELS:
        assert model in page
    assert "default-src &#39;none&#39;" in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert page.count("<details") >= 2
    assert "incomplete" in page  # a model lacks a prediction


def test_metrics_have_headings_and_not_the_names_of_columns(found):
    for choice in describe_choices(found, {}):
        told = " ".join((choice.written, *choice.tried, *choice.touches))
        assert not re.search(r"[a-z]_[a-z]", told.replace("column tumour", "")), told


def test_the_page_is_the_same_twice(found):
    assert render_sensitivity(found) == render_sensitivity(found)


def test_findings_say_what_the_tables_say(found):
    first, *others = main_findings(found)
    assert first.startswith(f"{len(found.run['variants'])} other choices were tried")
    changed = {(row["parameter"], row["variant"]) for row in found.run["order_changes"] if row["metric"] == "rank"}
    assert (f"{len(changed)} of them" if changed else "None changes the order") in first
    assert others


def test_names_from_files_are_escaped(world):
    cohort, folders = world
    renamed = {"<b>bold</b>": folders["bold"]}
    found = measure_sensitivity(cohort, renamed, profile="autopet-iii", choices=Choices(("connectivity",)))
    assert "<b>bold</b>" not in render_sensitivity(found)


def test_a_single_model_has_a_page_too(world):
    cohort, folders = world
    found = measure_sensitivity(cohort, {"bold": folders["bold"]}, profile="autopet-iii")
    assert "order of the models" not in main_findings(found)[0]
    assert "Why can" in render_sensitivity(found)


def test_the_folder_is_read_back_and_says_what_it_is(found, tmp_path):
    page = write_sensitivity(tmp_path, found)
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert read_choices(tmp_path).equals(found.choices)
    assert pl.read_parquet_metadata(tmp_path / "ranges.parquet")["type"] == "oncohort.sensitivity_ranges"
    record = json.loads((tmp_path / "sensitivity.json").read_text())
    assert (record["type"], record["format_version"]) == ("oncohort.sensitivity", "1.0")
    figures = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert "moves-places.svg" in figures
    assert "moves-dice.svg" in figures
    with pytest.raises(FormatError):
        read_choices(tmp_path / "figures")


def test_figures_hold_values_that_are_not_there():
    rows = [Moves("matching", {"a": [0.1, 0.4], "b": []}), Moves("empty", {"a": []})]
    assert draw_ranges(rows, {"a": 0.2, "b": None}, Column("dice", "Dice")).svg.startswith("<svg")
    standings = [Standing("as written", {"a": 1, "b": 1}), Standing("odd", {"a": 1}, is_changed=True)]
    assert draw_places(standings, ["a", "b"]).svg.startswith("<svg")


def test_the_command_writes_the_page_and_says_what_moves(capsys, world, tmp_path):
    cohort, folders = world
    arguments = [
        *("sensitivity", cohort.root, *(f"{model}={folder}" for model, folder in folders.items())),
        *("--profile", "autopet-iii", "--out", tmp_path / "out", "--vary", "connectivity,minimum-volume,matching"),
        *("--minimum-volume", "3voxels,1ml", "--remove-from", "both"),
    ]
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (1, "")  # a prediction is missing
    assert "4 other choices were tried" in err
    assert "without effect: matching" in err
    assert (tmp_path / "out" / "sensitivity.html").is_file()
    code, out, _ = call(capsys, *arguments, "--json")
    document = json.loads(out)
    assert list(document["choices"][0]) == list(CHOICE_SCHEMA)
    assert {row["variant"] for row in document["choices"]} >= {
        "below 3 voxels, reference and prediction",
        "6 neighbours",
    }
    assert document["run"]["without_effect"].keys() == {"matching"}


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--vary", "colour"), ("--minimum-volume", "10"), ("--remove-from", "left"), ("--truth-column", "absent")],
)
def test_wrong_choices_are_wrong_usage(capsys, world, tmp_path, flag, value):
    cohort, folders = world
    code, _, err = call(
        capsys, "sensitivity", cohort.root, folders["bold"], "--profile", "lesions", "--out", tmp_path, flag, value
    )
    assert code == 64
    assert "expected" in err


def test_the_docs_list_the_parameters_and_their_usual_values(request):
    text = (request.config.rootpath / "docs" / "sensitivity.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \|", text.split("## What is varied")[1].split("\n## ")[0], re.M)
    assert listed == list(PARAMETERS)
    usual = Choices()
    for size in usual.minimum_sizes:
        assert size.replace("mm3", "mm³") in text
    assert ", ".join(map(str, usual.connectivities)) in text
    assert all(value in text for value in EMPTY_VALUES)
    for matching in usual.matchings:
        assert matching.threshold is None or f"{matching.threshold:g}" in text


def test_the_docs_list_the_columns(request):
    text = (request.config.rootpath / "docs" / "cohort-format.md").read_text(encoding="utf-8")
    section = text[text.index("## Sensitivity") :]
    assert [name for name in CHOICE_SCHEMA if f"`{name}`" not in section] == []
