"""Every segmenter: same grid out as in, deterministic, says what it is and needs."""

import pickle
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from tests.segmenters.nnunet_models import fake_nnunet, write_model

from oncohort.cohort import Case
from oncohort.errors import MissingNeedError
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.segmenters import SEGMENTERS, make_segmenter
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume, reorient
from segmenters.installed import cohort_of, install

PROGRAM = Path(__file__).parents[1] / "segmenters" / "threshold_program.py"
SETTINGS = {
    "threshold": {"suv": 2.5},
    "percent-of-max": {"percent": 41, "seed_suv": 4.0, "connectivity": 18},
    "liver-threshold": {"mean_factor": 1.0, "sd_factor": 2.0},
    "totalsegmentator": {"labels": "own"},
    "moose": {},
    "command": {"program": f"{sys.executable} {PROGRAM} {{pet}} {{mask}} 2.5"},
}
ORGANS = LabelScheme("organs", {"liver": 1})
CODES = "RAI"  # the grid of the case reads LAS
COHORT = cohort_of(dict(ORGANS.labels), roles=("pet", "organs", "ct"))


@pytest.fixture(autouse=True)
def _installed(monkeypatch, tmp_path):
    install(monkeypatch, tmp_path / "bin")
    model = write_model(tmp_path / "model", labels={"background": 0, "liver": 1})
    monkeypatch.setitem(SETTINGS, "nnunet", {"model": str(model)})
    yield from fake_nnunet(monkeypatch)


@pytest.fixture
def case():
    random = np.random.default_rng(2026)
    suv = random.gamma(1.0, 2.0, (14, 12, 16)).astype(np.float32)
    affine = np.array([[-4.0, 0, 0, 20], [0, 4.0, 0, -7], [0, 0, 3.0, 5], [0, 0, 0, 1.0]])
    pet = Volume.from_array(suv, Geometry(suv.shape, affine), Unit.SUVBW)
    ct = Volume.from_array(random.integers(-300, 300, suv.shape).astype(np.int16), pet.geometry, Unit.HU)
    liver = LabelMap.from_masks({"liver": np.ones(suv.shape, bool)}, pet.geometry, ORGANS)
    return Case("A", "A", {}, {"pet": lambda: pet, "organs": lambda: liver, "ct": lambda: ct})


def ready(name):
    return make_segmenter({"segmenter": name, **SETTINGS[name]}).prepared(COHORT)


def masks(segmenter, case):
    """The layers of its mask, one after the other."""
    return np.stack([layer.array for layer in segmenter.predict(case).mask.layers])


def test_every_segmenter_is_tried_here():
    assert set(SETTINGS) == set(SEGMENTERS)


@pytest.mark.parametrize("name", list(SEGMENTERS))
class TestContract:
    def test_it_describes_itself(self, name):
        segmenter = make_segmenter({"segmenter": name, **SETTINGS[name]})
        assert segmenter.name == name
        assert segmenter.description and "\n" not in segmenter.description
        assert segmenter.main is None or segmenter.main in {field.name for field in fields(segmenter)}
        namespace = {type(segmenter).__name__: type(segmenter)}
        assert eval(repr(segmenter), namespace) == segmenter

    def test_what_is_prepared_is_the_same_segmenter_and_travels(self, name):
        settings, prepared = make_segmenter({"segmenter": name, **SETTINGS[name]}), ready(name)
        assert (prepared.name, prepared.description, prepared.main) == (name, settings.description, settings.main)
        assert prepared.needs
        assert repr(pickle.loads(pickle.dumps(prepared))) == repr(prepared) == repr(ready(name))
        assert repr(prepared.prepared(COHORT)) == repr(prepared)

    def test_the_mask_lies_on_the_grid_of_the_first_need(self, name, case):
        segmenter = ready(name)
        found = segmenter.predict(case).mask
        assert found.geometry == case[segmenter.needs[0]].geometry
        found.require_known_labels(name)
        assert 0 < found.foreground().sum() < found.foreground().size

    def test_the_same_case_gives_the_same_mask_and_stays_as_it_was(self, name, case):
        segmenter = ready(name)
        role = segmenter.needs[0]
        before = case.image(role).array.copy()
        first = masks(segmenter, case)
        segmenter.close()
        assert np.array_equal(first, masks(segmenter, case))
        assert np.array_equal(before, case.image(role).array)
        segmenter.close()

    def test_flipped_images_give_flipped_masks(self, name, case):
        def turned(volume):
            found = reorient(volume, CODES)
            return Volume.from_array(found.array, found.geometry, volume.unit)

        liver = turned(case.label_map("organs").layers[0])
        pet, ct = turned(case.image("pet")), turned(case.image("ct"))
        organs = LabelMap(liver.geometry, (liver,), ORGANS)
        other = Case("B", "B", {}, {"pet": lambda: pet, "organs": lambda: organs, "ct": lambda: ct})
        segmenter = ready(name)
        assert np.array_equal(masks(segmenter, other)[:, ::-1, :, ::-1], masks(segmenter, case))

    def test_an_empty_case_is_an_error_that_names_the_need(self, name):
        segmenter = ready(name)
        with pytest.raises(MissingNeedError, match=segmenter.needs[0]):
            segmenter.predict(Case("A", "A", {}, {}))
