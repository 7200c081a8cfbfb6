import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from oncohort.cohort import Case
from oncohort.errors import MissingNeedError, SettingsError
from oncohort.geometry import Geometry
from oncohort.harmonisation import STEPS, Resample
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume, resample

FINE = Geometry((8, 1, 1), np.diag([1.0, 1, 1, 1]))
COARSE = Geometry((5, 1, 1), np.diag([2.0, 1, 1, 1]))
CT = Volume.from_array(np.arange(8, dtype=np.int16).reshape(8, 1, 1) * 10, FINE, Unit.HU, {"slope": 1})
PET = Volume.from_array(np.ones((5, 1, 1), np.float32), COARSE, Unit.SUVBW)
SCHEME = LabelScheme("x", {"a": 1, "b": 2})
ORGANS = LabelMap.from_masks(
    {"a": np.array([1, 1, 1, 0, 0, 0, 0, 0], bool).reshape(8, 1, 1), "b": np.ones((8, 1, 1), bool)}, FINE, SCHEME
)
CASE = Case("A", "P", {"tracer": "FDG"}, {"ct": lambda: CT, "pet": lambda: PET, "organs": lambda: ORGANS})


def step(role="ct", onto="pet", interpolation="linear", fill=-1024.0):
    return Resample(role=role, onto=onto, interpolation=interpolation, fill=fill)


def test_one_role_moves_and_the_rest_stays():
    moved = step().apply(CASE)
    assert moved["ct"].geometry == COARSE
    assert moved["ct"].array.ravel().tolist() == [0, 20, 40, 60, -1024]
    assert moved["ct"].unit is Unit.HU
    assert moved["pet"] is PET
    assert moved.roles == CASE.roles
    assert (moved.id, moved.patient, moved.facts) == (CASE.id, CASE.patient, CASE.facts)
    assert CASE["ct"] is CT


def test_the_record_says_what_happened_and_keeps_what_was():
    record = step().apply(CASE)["ct"].record
    assert record == {"slope": 1, "resampled": {"onto": "pet", "interpolation": "linear", "fill": -1024.0}}
    json.dumps(record)


def test_the_interpolation_is_passed_on():
    for name in ("nearest", "linear", "cubic"):
        expected = resample(CT, COARSE, interpolation=name, fill=-1024).array
        assert np.array_equal(step(interpolation=name).apply(CASE)["ct"].array, expected)


def test_label_maps_keep_their_layers_and_names():
    moved = step(role="organs", interpolation="nearest", fill=0).apply(CASE)["organs"]
    assert moved.geometry == COARSE
    assert moved.mask("a").ravel().tolist() == [True, True, False, False, False]
    assert moved.mask("b").ravel().tolist() == [True, True, True, True, False]
    assert len(moved.layers) == 2
    filled = step(role="organs", interpolation="nearest", fill=2).apply(CASE)["organs"]
    assert filled.mask("b").ravel().tolist()[-1]


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_labels_are_never_interpolated(interpolation):
    with pytest.raises(SettingsError, match=r"step resample of 'organs'.*nearest"):
        step(role="organs", interpolation=interpolation, fill=0).apply(CASE)


@pytest.mark.parametrize("fill", [-1024, 3, 0.5])
def test_labels_are_filled_with_labels(fill):
    with pytest.raises(SettingsError, match="fill = 0"):
        step(role="organs", interpolation="nearest", fill=fill).apply(CASE)


@pytest.mark.parametrize("settings", [{"role": "mr"}, {"onto": "mr"}])
def test_a_missing_role_is_named(settings):
    with pytest.raises(MissingNeedError, match="'mr'"):
        step(**settings).apply(CASE)


def test_a_step_says_what_it_needs_and_changes():
    assert step().needs == ("ct", "pet")
    assert step().changes == ("ct",)
    assert {"resample": Resample} == STEPS
    for name, kind in STEPS.items():
        assert kind.name == name
        assert kind.description
    with pytest.raises(FrozenInstanceError):
        step().role = "pet"
    assert eval(repr(step()), {"Resample": Resample}) == step()
