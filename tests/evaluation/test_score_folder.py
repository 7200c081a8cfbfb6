import polars as pl
import pytest

from oncohort.errors import FormatError
from oncohort.evaluation import read_scores, write_scores
from oncohort.results import Score, Scores
from oncohort.storage import write_json


@pytest.fixture
def scores():
    facts = {"structure": "lesion", "unit": "1", "profile": "autopet-iii", "profile_version": "1"}
    rows = [
        Score(model="m", case="A", patient="A", metric="dice", value=1 / 3, **facts),
        Score(model="m", case="B", patient="B", metric="dice", value=None, undefined="reference_empty", **facts),
    ]
    return Scores.from_scores(rows, {"missing": {"m": []}})


def test_round_trip(tmp_path, scores):
    write_scores(tmp_path, scores)
    again = read_scores(tmp_path)
    assert again.table.equals(scores.table)
    assert again.run == scores.run


def test_the_files_say_what_they_are(tmp_path, scores):
    write_scores(tmp_path, scores)
    assert pl.read_parquet_metadata(tmp_path / "scores.parquet")["type"] == "oncohort.scores"
    assert '"type": "oncohort.scores"' in (tmp_path / "run.json").read_text()


def test_other_folders_are_refused(tmp_path, scores):
    with pytest.raises(FormatError, match=r"run\.json"):
        read_scores(tmp_path)
    write_scores(tmp_path, Scores(scores.table.drop("unit"), scores.run))
    with pytest.raises(FormatError, match="without columns unit"):
        read_scores(tmp_path)
    write_json(tmp_path / "run.json", {"type": "oncohort.cohort"})
    with pytest.raises(FormatError, match="another type"):
        read_scores(tmp_path)
