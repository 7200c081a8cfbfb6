"""Paths among the parameters of a segmenter are relative to the study file."""

import pytest

from oncohort.errors import InputError, SettingsError
from oncohort.study import load_study
from oncohort.study.planning import plan_study
from study_files import save_study, write_dataset


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A function that plans a study with this model, called from another folder than that of the study."""
    folder = tmp_path / "my studies"
    write_dataset(folder / "data", "A")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    def make(**model):
        study = save_study(folder / "study.toml", model=[{"name": "m", **model}])
        return plan_study(load_study(study)).segmenters["m"]

    return make


def test_the_folder_of_a_network_is_relative_to_the_study_file(plan, tmp_path):
    (tmp_path / "run0").mkdir()
    segmenter = plan(segmenter="nnunet", model="../run0")
    assert segmenter.model == str(tmp_path / "my studies" / ".." / "run0")
    assert plan(segmenter="nnunet", model=str(tmp_path / "run0")).model == str(tmp_path / "run0")


def test_a_network_that_is_not_there_is_found_before_anything_is_made(plan, tmp_path):
    (tmp_path / "elsewhere" / "run0").mkdir()
    with pytest.raises(InputError) as caught:
        plan(segmenter="nnunet", model="run0")
    assert "model of 'm'" in caught.value.expected
    assert caught.value.where == str(tmp_path / "my studies" / "run0")


@pytest.mark.parametrize("model", ["", 3])
def test_what_is_no_path_is_left_to_the_segmenter(plan, model):
    with pytest.raises(SettingsError, match="model"):
        plan(segmenter="nnunet", model=model)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("./mine.sh {pet} {mask}", ["HERE/mine.sh", "{pet}", "{mask}"]),
        ("tools/mine {pet} {mask}", ["HERE/tools/mine", "{pet}", "{mask}"]),
        ("python ../mine.py 'a b' {pet} {mask}", ["python", "HERE/../mine.py", "a b", "{pet}", "{mask}"]),
        ("sh -c './x {pet} {mask}' --tmp ./scratch", ["sh", "-c", "./x {pet} {mask}", "--tmp", "./scratch"]),
        ("/opt/mine {pet} {mask}", ["/opt/mine", "{pet}", "{mask}"]),
        ("mine --kind a/b {pet} {mask}", ["mine", "--kind", "a/b", "{pet}", "{mask}"]),
    ],
)
def test_programs_beside_the_study_file_are_found(plan, tmp_path, program, words):
    here = str(tmp_path / "my studies")
    (tmp_path / "mine.py").touch()
    made = plan(segmenter="command", program=program)
    assert list(made.words) == [word.replace("HERE", here) for word in words]
    assert made.needs == ("pet",)
    assert made.program == program or here in made.program


def test_an_unfinished_quote_is_left_to_the_segmenter(plan):
    with pytest.raises(SettingsError, match="closed quotes"):
        plan(segmenter="command", program="./mine 'a {pet} {mask}")
