"""The study files in docs/run.md are understood, and every setting is listed."""

import re
import tomllib
from pathlib import Path

import pytest

from oncohort.splitting import SplitSettings
from oncohort.study import Study
from oncohort.study.training_sections import PredictSection, SplitSection, TrainSection
from oncohort.training import TrainingSettings

PAGE = (Path(__file__).parents[2] / "docs" / "run.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.S | re.M)


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: tomllib.loads(text)["study"]["name"])
def test_examples_are_study_files(text):
    study = Study.model_validate(tomllib.loads(text))
    for model in study.model:
        if model.train is not None:
            assert TrainingSettings.from_dict(model.train.settings, where="docs").epochs in (0, 30)


def test_there_is_an_example_that_trains():
    assert sum("train = {" in text for text in EXAMPLES) == 1


DEFAULTS = {
    **{"folds": "5", "test": "0", "strata": "none", "volume_edges": "`[10, 100]`", "seed": "2026"},
    **{"official": "false", "fold_column": "none", "role": "`lesions`"},
}


def test_settings_of_the_split_are_listed_with_their_defaults():
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `split.")]
    assert {row[1].strip(" `").removeprefix("split."): row[3].strip() for row in rows} == DEFAULTS
    assert set(DEFAULTS) == set(SplitSection.model_fields)


@pytest.mark.parametrize("name", [*TrainSection.model_fields, *PredictSection.model_fields])
def test_settings_of_a_training_are_listed(name):
    section = PAGE.split("\n## Training\n")[1].split("\n## ")[0]
    assert f"`{name}`" in section


def test_a_split_without_settings_is_that_of_the_verb():
    assert SplitSection().settings == SplitSettings()
