"""The facade and the rooms export what they say."""

import importlib
import pkgutil
import types

import pytest

import oncohort

ROOMS = sorted(module.name for module in pkgutil.iter_modules(oncohort.__path__))


def test_the_list_is_the_table():
    assert sorted(oncohort.__all__) == sorted(["__version__", *oncohort._NAMES])
    assert list(oncohort._NAMES) == sorted(oncohort._NAMES)
    assert set(oncohort.__all__) <= set(dir(oncohort))


@pytest.mark.parametrize("name", sorted(oncohort._NAMES))
def test_every_name_is_what_its_room_exports(name):
    found = getattr(oncohort, name)
    module = importlib.import_module(oncohort._NAMES[name])
    assert found is getattr(module, name)
    assert not isinstance(found, types.ModuleType)
    assert name in getattr(module, "__all__", [name])
    assert found.__name__ == name


def test_no_public_name_bears_the_name_of_a_room():
    assert set(oncohort._NAMES) & set(ROOMS) == set()


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'dice_score'"):
        getattr(oncohort, "dice_" + "score")


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "__main__"])
def test_every_room_exports_what_it_lists(room):
    module = importlib.import_module(f"oncohort.{room}")
    assert module.__doc__
    names = getattr(module, "__all__", [])
    assert len(set(names)) == len(names)
    for name in names:
        assert hasattr(module, name), name
