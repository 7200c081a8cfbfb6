"""The leaderboard as Markdown, LaTeX, CSV and HTML, and its figures."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from board_rows import MISSING, profile_of, random_values, scores_of

from oncohort.errors import SettingsError
from oncohort.leaderboard import RANK, compare_models, rank
from oncohort.leaderboard.columns import leaderboard_columns, main_columns
from oncohort.leaderboard.drawing import draw_leaderboard
from oncohort.leaderboard.formats import leaderboard_text, text_tables
from oncohort.profiles import load_profile
from oncohort.results import CANDIDATE_SCHEMA, LESION_SCHEMA

NAMES = ("nnU-Net_3d & 50%", "model|two")


@pytest.fixture(scope="module")
def board():
    values = random_values(NAMES, 12, seed=8)
    values |= random_values(NAMES, 12, seed=9, metric="fpv_ml")
    values["model|two", "fpv_ml"]["c3"] = MISSING
    scores = scores_of(values, profile=profile_of("dice", "fpv_ml", weights=[0.5, 0.5]))
    return scores, rank(scores, bootstrap=60), compare_models(scores, bootstrap=60)


def test_csv_is_the_table_of_aggregates(board):
    scores, table, pairs = board
    rows = list(csv.DictReader(io.StringIO(leaderboard_text(scores, table, pairs, form="csv"))))
    assert len(rows) == table.height
    assert list(rows[0]) == table.columns
    for found, expected in zip(rows, table.to_dicts(), strict=True):
        assert found["model"] == expected["model"]
        assert float(found["estimate"]) == expected["estimate"]
        assert found["low"] == repr(expected["low"])
        assert [float(share) for share in found["place_shares"].split()] == expected["place_shares"]
        assert int(found["n_missing"]) == expected["n_missing"]


def test_markdown_has_a_full_row_per_model_in_every_table(board):
    scores, table, pairs = board
    text = leaderboard_text(scores, table, pairs, form="markdown")
    assert text.startswith("# Leaderboard, trial\n")
    for block in re.findall(r"((?:^\|.*\n)+)", text, flags=re.M):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
    assert text.count(r"model\|two") == 6  # overall, estimates, two metrics, two comparisons
    row = table.filter(metric="dice", model="model|two").row(0, named=True)
    assert f"{row['estimate']:.3f} | {row['low']:.3f} to {row['high']:.3f}" in text


def test_latex_is_escaped_and_balanced(board):
    scores, table, pairs = board
    text = leaderboard_text(scores, table, pairs, form="latex")
    assert r"nnU-Net\_3d \& 50\%" in text
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == len(text_tables(scores, table, pairs))
    assert text.count(r"\toprule") == text.count(r"\bottomrule")
    for line in text.splitlines():
        if line.endswith(r"\\"):
            assert not re.search(r"(?<!\\)[%#_]", line), line
    assert text.isascii()


def test_html_is_complete_in_itself(board):
    scores, table, pairs = board
    page = leaderboard_text(scores, table, pairs, form="html")
    assert page.startswith("<!DOCTYPE html>")
    assert not re.findall(r'(?:src|href)="(?!#|data:image/)', page)
    assert "model|two" in page
    assert "nnU-Net_3d &amp; 50%" in page
    assert page.count("data:image/svg+xml;base64,") == 3  # stability and two strips
    assert "1000 draws" not in page
    assert "60 draws, seed 2026" in page


def test_other_formats_are_refused(board):
    with pytest.raises(SettingsError, match="markdown, latex, csv, html"):
        leaderboard_text(*board, form="docx")


def test_tables_say_who_is_incomplete_and_never_print_p_as_zero(board):
    tables = {table.title: table for table in text_tables(*board)}
    overall = tables["Overall ranking"]
    missing = {row[1]: row[overall.heads.index("Missing")] for row in overall.rows}
    assert missing == {"model|two": "1", "nnU-Net_3d & 50%": "0"}
    assert [row[0] for row in overall.rows] == ["1", "2"]
    pairs = tables["Dice: models in pairs"]
    assert len(pairs.rows) == 1
    assert all(len(row) == len(table.heads) == len(table.numeric) for table in tables.values() for row in table.rows)


def test_an_overview_of_a_long_profile_holds_what_counts():
    profile = load_profile("lesions")
    main = [column.name for column in main_columns(profile)]
    assert main[:2] == ["dice", "lesion_f1"]
    assert "auc" in main
    assert "reference_volume_ml" not in main
    assert len(main) < len(leaderboard_columns(profile))
    assert {column.label for column in leaderboard_columns(profile)} >= {"NSD at 2 mm", "AUC", "Lesion F1, pooled"}
    short = load_profile("autopet-iii")
    assert main_columns(short) == leaderboard_columns(short)


# Figures.


def entry(name):
    return f'[[cohort_metric]]\nname = "{name}"\n'


@pytest.fixture(scope="module")
def detection():
    """Two models on 20 cases, 8 of them without lesion, with a list of candidates."""
    generator = np.random.default_rng(4)
    cases = [f"c{case:02}" for case in range(20)]
    volume = {case: 0.0 if number < 8 else float(2**number) / 256 for number, case in enumerate(cases)}
    values = {}
    for model, noise in (("good", 0.1), ("poor", 3.0)):
        values[model, "dice"] = {case: float(generator.random()) for case in cases}
        values[model, "reference_volume_ml"] = volume
        sure = {case: np.log2(volume[case] + 0.1) + 4 + noise * generator.normal() for case in cases}
        values[model, "prediction_volume_ml"] = {case: float(max(0.0, one)) for case, one in sure.items()}
    values["poor", "prediction_volume_ml"]["c00"] = MISSING
    profile = profile_of("dice", "reference_volume_ml", "prediction_volume_ml", cohort=[entry("auc")])
    rows = [(model, case, case, "lesion", "reference", 1) for model in ("good", "poor") for case in cases[8:]]
    lesions = pl.DataFrame(rows, schema=dict(list(LESION_SCHEMA.items())[:6]), orient="row")
    found = [(model, case, case, "lesion", 1, 0.5, 1) for model in ("good", "poor") for case in cases[8:14]]
    false = [("poor", case, case, "lesion", 2, 0.7, None) for case in cases]
    candidates = pl.DataFrame([*found, *false], schema=dict(list(CANDIDATE_SCHEMA.items())[:7]), orient="row")
    scores = replace(scores_of(values, profile=profile), lesions=lesions, candidates=candidates)
    return scores, rank(scores, bootstrap=100)


def test_all_figures_are_drawn_with_units_and_numbers_in_their_captions(detection):
    drawings = draw_leaderboard(*detection)
    assert drawings.undrawn == {}
    drawn = {drawing.name: drawing for drawing in drawings.drawn}
    assert set(drawn) == {"rank-stability", "cases-dice", "dice-by-volume", "roc", "froc"}
    for drawing in drawn.values():
        assert ET.fromstring(drawing.svg).tag.endswith("svg")
        assert "<script" not in drawing.svg
    assert "n = 20 cases" in drawn["rank-stability"].caption
    assert "n = 12 cases with it, 8 without" in drawn["roc"].caption
    assert "12 lesions" in drawn["froc"].caption
    assert "in ml" in drawn["dice-by-volume"].caption
    assert "good 12, poor 12" in drawn["dice-by-volume"].caption  # cases without lesion have no place


def test_figures_are_the_same_bytes_again(detection):
    assert draw_leaderboard(*detection) == draw_leaderboard(*detection)


def test_what_cannot_be_drawn_has_a_reason():
    values = {("a", "dice"): {"1": 1.0, "2": 1.0}}
    scores = scores_of(values, profile=profile_of("dice"))
    drawings = draw_leaderboard(scores, rank(scores, bootstrap=0))
    assert drawings.drawn == ()
    assert drawings.undrawn["Rank stability"] == "the ranking has no bootstrap"
    assert drawings.undrawn["dice"] == "every value is 1"
    assert "reference_volume_ml" in drawings.undrawn["Against lesion volume"]
    assert drawings.undrawn["ROC"] == "the profile has no auc"
    alone = draw_leaderboard(scores, rank(scores, bootstrap=10))
    assert alone.undrawn["Rank stability"] == "there is one model only"


def test_volumes_may_come_from_elsewhere():
    scores = scores_of(random_values("ab", 9, seed=5), profile=profile_of("dice"))
    volumes = {f"c{case}": float(case) for case in range(8)} | {"c8": None}
    drawings = draw_leaderboard(scores, rank(scores, bootstrap=20), volumes_ml=volumes)
    by_volume = next(drawing for drawing in drawings.drawn if drawing.name == "dice-by-volume")
    assert "b 7, a 7" in by_volume.caption  # neither 0 ml nor unknown


def test_the_overall_row_names_the_draws(board):
    _, table, _ = board
    assert "60 draws" in table.filter(metric=RANK)["method"][0]
