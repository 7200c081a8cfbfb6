import pickle

import pytest

from oncohort import errors
from oncohort.errors import FormatError, InputError, OncohortError, OutputError, SuvRefusal

FOUR = {"expected": "a mask", "found": "a CT", "where": "a.nii.gz", "remedy": "name the mask."}
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OncohortError)]


def make(kind):
    return kind(**FOUR, **({"code": "weight"} if kind is SuvRefusal else {}))


@pytest.mark.parametrize("kind", KINDS)
def test_the_message_answers_four_questions_and_survives_pickling(kind):
    error = make(kind)
    assert str(error) == "a.nii.gz: expected a mask, found a CT. Remedy: name the mask."
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


def test_the_tree_is_the_one_drawn():
    assert set(OncohortError.__subclasses__()) == {InputError, OutputError}
    assert {kind.__name__ for kind in InputError.__subclasses__()} == {
        "FormatError",
        "GeometryError",
        "LeakageError",
        "LabelError",
        "SuvRefusal",
        "MissingNeedError",
        "PredictionError",
        "SettingsError",
        "WorkerError",
    }
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in KINDS)


def test_notes_do_not_hinder_the_trip_between_processes():
    error = FormatError(**FOUR)
    error.add_note("while scoring")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_refusal_keeps_its_code():
    assert pickle.loads(pickle.dumps(make(SuvRefusal))).code == "weight"
