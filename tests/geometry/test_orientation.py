import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncohort.geometry import axis_codes, axis_permutation


@settings(max_examples=200)
@given(st.integers(0, 10**6))
def test_codes_are_those_of_nibabel(seed):
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = rotation * rng.uniform(0.5, 5, 3)
    strength = np.sort(np.abs(rotation), axis=None)
    if strength[-1] - strength[-2] > 1e-6:
        assert sorted("".join(axis_codes(affine)).translate(str.maketrans("LPI", "RAS"))) == ["A", "R", "S"]
    if (np.abs(rotation).max(axis=0) > 0.8).all():
        assert axis_codes(affine) == "".join(nibabel.aff2axcodes(affine))


@pytest.mark.parametrize(
    ("diagonal", "codes"), [((1, 1, 1), "RAS"), ((-1, -1, 1), "LPS"), ((-1, 1, 1), "LAS"), ((1, -1, -1), "RPI")]
)
def test_signs_are_directions(diagonal, codes):
    assert axis_codes(np.diag([*diagonal, 1.0])) == codes


def test_spacing_does_not_sway_the_letters():
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]]) * [50, 1, 1]
    assert axis_codes(affine) == "ALS"


def test_permutation_names_source_and_flip():
    assert axis_permutation("RAS", "RAS") == ((0, 1, 2), (False, False, False))
    assert axis_permutation("LPS", "SRA") == ((2, 0, 1), (False, True, True))
    assert axis_permutation("SRA", "LPS") == ((1, 2, 0), (True, True, False))
