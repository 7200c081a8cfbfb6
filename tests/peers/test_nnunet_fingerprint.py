"""The fingerprint beside the one that nnU-Net's extractor makes of the same files (make test-extras)."""

import json

import numpy as np
import pytest
from benchmarks.fingerprint import PERCENTILES, Foreground, nnunet_folders

import oncohort
from oncohort.exporting import export_cohort
from oncohort.exports import Channel, NnunetExport

pytestmark = pytest.mark.extras

DRAWS = 10**6  # of every case
CASES = 4
STEP = 2.0**-11  # of the histogram of a channel of floats, relative to the value


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The cohort, our fingerprint and nnU-Net's."""
    folder = tmp_path_factory.mktemp("fingerprint")
    phantoms = oncohort.write_phantom_cohort(folder / "phantoms", cases=CASES, form="nnunet")
    cohort = oncohort.ingest("nnunet", phantoms.data, out=folder / "cohort")
    export = NnunetExport(5, "Both", (Channel.usual("ct"), Channel.usual("pet")), fingerprint=True)
    written = export_cohort(cohort, export, out=folder / "raw").folder / export.dataset_folder
    own = json.loads((written / "dataset_fingerprint.json").read_text())
    with nnunet_folders(folder / "raw", folder / "preprocessed", draws=DRAWS * CASES) as extractor:
        extractor(export.dataset_folder, 1).run()
    path = folder / "preprocessed" / export.dataset_folder / "dataset_fingerprint.json"
    return cohort, own, json.loads(path.read_text())


def test_shapes_spacings_and_cropping_are_equal(both):
    _, own, theirs = both
    for name in ("shapes_after_crop", "spacings", "median_relative_size_after_cropping"):
        assert own[name] == theirs[name], name
    assert own.keys() == theirs.keys()


@pytest.mark.parametrize(("channel", "role"), [("0", "ct"), ("1", "pet")])
def test_intensities_are_equal_within_the_sampling_error_of_the_draws(both, channel, role):
    cohort, own, theirs = both
    cases = [case for case in cohort if case.label_map("lesions").foreground().any()]
    voxels = [case.image(role).array[case.label_map("lesions").foreground()] for case in cases]
    foreground = Foreground.of(voxels, DRAWS)
    own, theirs = (found["foreground_intensity_properties_per_channel"][channel] for found in (own, theirs))
    assert own.keys() == theirs.keys()
    assert foreground.outside(theirs) == []
    assert foreground.outside(own, step=0.0 if role == "ct" else STEP) == []
    assert abs(own["mean"] - theirs["mean"]) <= 5 * own["std"] / DRAWS**0.5 + 1e-6 * abs(own["mean"])
    assert own["std"] == pytest.approx(theirs["std"], rel=0.01)
    assert own["min"] <= theirs["min"]
    assert own["max"] >= theirs["max"]


def test_the_bounds_are_narrow_and_a_shifted_percentile_is_outside():
    voxels = np.random.default_rng(3).normal(0, 100, 400_000)
    foreground = Foreground.of([voxels, voxels + 5], DRAWS)
    exact = {name: float(np.quantile(np.r_[voxels, voxels + 5], share)) for name, share in PERCENTILES.items()}
    assert foreground.outside(exact) == []
    for name in PERCENTILES:
        low, high = foreground.bounds(PERCENTILES[name])
        assert 0 < high - low < 8
        for wrong in (low - 0.01, high + 0.01):
            assert [name] == [told.split()[0] for told in foreground.outside({**exact, name: wrong})]
