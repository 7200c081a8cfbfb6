"""A study file is understood as a whole, or refused with the setting that is wrong."""

import pytest

from oncohort.errors import OncohortError, SettingsError
from oncohort.study import load_study, run
from study_files import PERCENT, RESAMPLE, THRESHOLD, save_study, write_dataset

WRONG = {
    "no name": ({"study": {"out": "results"}}, "study.name"),
    "empty name": ({"study": {"name": "", "out": "results"}}, "study.name"),
    "no out": ({"study": {"name": "a"}}, "study.out"),
    "name is a number": ({"study": {"name": 3, "out": "results"}}, "study.name"),
    "null in a path": ({"study": {"name": "a", "out": "a\0b"}}, "study.out"),
    "unknown setting": ({"study": {"name": "a", "out": "b", "colour": "red"}}, "study.colour"),
    "unknown section": ({"models": {"name": "a"}}, "models"),
    "no cohort": ({"cohort": None}, "cohort"),
    "no path": ({"cohort": {"source": "nnunet"}}, "cohort.path"),
    "unknown source": ({"cohort": {"source": "zip", "path": "data"}}, "cohort.source"),
    "roi as text": ({"cohort": {"source": "dicom", "path": "data", "roi": "GTV"}}, "cohort.roi"),
    "no model": ({"model": None}, "model"),
    "empty models": ({"model": {}}, "model"),
    "model without a name": ({"model": [{"segmenter": "threshold", "suv": 2.5}]}, "model.0.name"),
    "model name with a slash": ({"model": [{**THRESHOLD, "name": "../x"}]}, "model.0.name"),
    "two models of one name": ({"model": [THRESHOLD, {**THRESHOLD, "name": "SUV-2.5"}]}, "two models"),
    "neither segmenter nor predictions": ({"model": [{"name": "a"}]}, "either a segmenter or a folder"),
    "segmenter and predictions": ({"model": [{**THRESHOLD, "predictions": "p"}]}, "either a segmenter or a folder"),
    "parameter of predictions": ({"model": [{"name": "a", "predictions": "p", "suv": 3.0}]}, "suv"),
    "no evaluation": ({"evaluation": None}, "evaluation"),
    "resample as text": (
        {"evaluation": {"profile": "autopet-iii", "resample_predictions": "yes"}},
        "evaluation.resample_predictions",
    ),
    "negative draws": ({"ranking": {"bootstrap": -1}}, "ranking.bootstrap"),
    "too many draws": ({"ranking": {"bootstrap": 1_000_001}}, "ranking.bootstrap"),
    "negative seed": ({"ranking": {"seed": -1}}, "ranking.seed"),
    "draws as text": ({"ranking": {"bootstrap": "1000"}}, "ranking.bootstrap"),
    "title as number": ({"report": {"title": 7}}, "report.title"),
    "step as table": ({"step": RESAMPLE}, "step"),
}


@pytest.mark.parametrize(("changes", "named"), WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_named_with_the_file(tmp_path, changes, named):
    study = save_study(tmp_path / "study.toml", **changes)
    with pytest.raises(SettingsError) as caught:
        load_study(study)
    assert named in caught.value.expected
    assert caught.value.where == str(study)


WRONG_LATER = {
    "unknown segmenter": ({"model": [{"name": "a", "segmenter": "magic"}]}, "magic"),
    "missing parameter": ({"model": [{"name": "a", "segmenter": "threshold"}]}, "no suv"),
    "unknown parameter": ({"model": [{**THRESHOLD, "sov": 1.0}]}, "unknown sov"),
    "negative threshold": ({"model": [{**THRESHOLD, "suv": -2.5}]}, "-2.5"),
    "percent above 100": ({"model": [{**PERCENT, "percent": 141}]}, "141"),
    "unknown step": ({"step": [{"rotate": {"role": "ct"}}]}, "rotate"),
    "unknown setting of a step": ({"step": [{"resample": {**RESAMPLE["resample"], "speed": 1}}]}, "speed"),
    "step without role": ({"step": [{"resample": {"onto": "pet"}}]}, "onto"),
}


@pytest.mark.parametrize(("changes", "found"), WRONG_LATER.values(), ids=WRONG_LATER)
def test_wrong_models_and_steps_are_found_before_anything_is_written(tmp_path, changes, found):
    write_dataset(tmp_path / "data", "A")
    study = save_study(tmp_path / "study.toml", **changes)
    with pytest.raises(SettingsError) as caught:
        run(study)
    assert found in caught.value.found
    assert caught.value.where.startswith(str(study))
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("profile", ["no-such-profile", "missing.toml"])
def test_an_unknown_profile_is_found_before_anything_is_written(tmp_path, profile):
    write_dataset(tmp_path / "data", "A")
    study = save_study(tmp_path / "study.toml", evaluation={"profile": profile})
    with pytest.raises(SettingsError):
        run(study)
    assert not (tmp_path / "results").exists()


def test_paths_are_relative_to_the_file_and_text_is_kept(tmp_path, monkeypatch):
    study_file = save_study(tmp_path / "deep" / "study.toml")
    monkeypatch.chdir(tmp_path)
    study = load_study("deep/study.toml")
    monkeypatch.chdir("/")
    assert study.resolve("data") == tmp_path / "deep" / "data"
    assert study.resolve("/data") == study.resolve("/") / "data"
    assert study.text == study_file.read_text()
    assert study.file == study_file


def test_defaults(tmp_path):
    study = load_study(save_study(tmp_path / "study.toml", ranking=None))
    assert (study.ranking.bootstrap, study.ranking.seed) == (1000, 2026)
    assert study.report.title is None
    assert study.step == ()
    assert study.cohort.roi is None
    assert study.model[1].parameters == {"percent": 41, "seed_suv": 4.0, "connectivity": 18}


@pytest.mark.parametrize("content", [b"[study\nname = 1", b"\xff\xfe", b"a = 1\na = 2", b"", b"[study]\0"])
def test_what_is_no_study_file_is_refused(tmp_path, content):
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_study(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.toml"):
        with pytest.raises(OncohortError) as caught:
            load_study(path)
        assert caught.value.where == str(path)
        assert "oncohort demo" in caught.value.remedy
