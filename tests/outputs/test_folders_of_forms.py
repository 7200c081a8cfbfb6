"""Forms as folders: which files, and what is said of them."""

import json

import polars as pl
import pytest
from organ_cohort import profile, rule, score_organs

from oncohort.leaderboard import rank
from oncohort.outputs import write_folder


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    cohort, scores = score_organs(tmp_path_factory.mktemp("organs"))
    return cohort, scores, rank(scores, bootstrap=10)


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("form", "files"),
    [
        ("nnunet", ["first/summary.json", "second/summary.json"]),
        ("grand-challenge", ["first/metrics.json", "second/metrics.json"]),
        ("challenger", ["challenger.json", "dice.csv", "jaccard.csv"]),
    ],
)
def test_files_are_those_that_are_named(tmp_path, scored, form, files):
    cohort, scores, board = scored
    (tmp_path / "mine.txt").write_text("stays")
    written = write_folder(form, tmp_path, scores, board, cohort=cohort)
    assert names(tmp_path) == sorted([*files, "mine.txt"])
    assert sorted(file.path.relative_to(tmp_path).as_posix() for file in written) == files


def test_writing_twice_gives_the_same_bytes(tmp_path, scored):
    cohort, scores, board = scored
    for form in ("nnunet", "grand-challenge", "challenger"):
        first = [file.path.read_bytes() for file in write_folder(form, tmp_path, scores, board, cohort=cohort)]
        assert first == [file.path.read_bytes() for file in write_folder(form, tmp_path, scores, board, cohort=cohort)]


def test_what_a_reader_must_know_is_said(tmp_path, scored):
    cohort, scores, board = scored
    first, second = write_folder("nnunet", tmp_path, scores, board, cohort=cohort)
    assert first.notes == ()
    assert second.notes == ("no usable prediction: D",)
    first, _ = write_folder("nnunet", tmp_path, scores, board)
    assert first.notes == ("left out: TP, FP, FN, TN, n_pred, n_ref: no cohort was named",)
    dice, *_ = write_folder("challenger", tmp_path, scores, board)
    assert dice.notes == ("smallBetter = FALSE", "left out, because no model has a value: spleen of C")


def test_na_treat_and_gaps_are_said_and_written(tmp_path):
    hd95 = rule("hd95_mm", 1.0, empty="undefined", missing="undefined")
    _, scores = score_organs(tmp_path, profile(hd95, tie="hd95_mm"))
    table, told = write_folder("challenger", tmp_path / "out", scores, rank(scores, bootstrap=0))
    document = json.loads(told.path.read_text())["hd95_mm"]
    assert document["small_better"] is True
    assert (document["profile"], document["profile_version"]) == tuple(
        scores.table["profile", "profile_version"].row(0)
    )
    assert table.path.read_text().count(",NA\n") == document["gaps"] > 0
    assert f"na.treat = {document['na_treat']:g}" in table.notes[0]
    assert table.notes[1].startswith(f"{document['gaps']} NA")


def test_a_model_whose_name_is_no_file_name_gets_a_folder_that_is(tmp_path, scored):
    _, scores, board = scored
    renamed = scores.table.with_columns(model=scores.table["model"].replace("first", "a/b"))
    other = type(scores)(renamed, {**scores.run, "missing": {}})
    board = board.with_columns(model=board["model"].replace("first", "a/b"))
    write_folder("grand-challenge", tmp_path, other, board)
    assert names(tmp_path) == ["a%2Fb/metrics.json", "second/metrics.json"]


def test_every_form_names_the_profile_and_its_version(tmp_path, scored):
    cohort, scores, board = scored
    told = scores.table["profile", "profile_version"].row(0)
    assert {row for row in board["profile", "profile_version"].iter_rows()} == {told}
    (words,) = set(board.filter(pl.col("metric") == "rank")["method"])
    assert f"profile {told[0]}, version {told[1]}" in words
    write_folder("nnunet", tmp_path / "n", scores, board, cohort=cohort)
    write_folder("grand-challenge", tmp_path / "g", scores, board)
    summary = json.loads((tmp_path / "n/first/summary.json").read_text())["oncohort"]
    metrics = json.loads((tmp_path / "g/first/metrics.json").read_text())
    for document in (summary, metrics):
        assert (document["profile"], document["profile_version"]) == told
