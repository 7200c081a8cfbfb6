import nibabel
import nibabel.processing
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from oncohort.errors import GeometryError, SettingsError
from oncohort.geometry import Box, Geometry
from oncohort.units import Unit
from oncohort.volume import Volume, crop, reorient, resample


def rotated(angle, spacing, origin, *, flip=(1, 1, 1)):
    c, s = np.cos(angle), np.sin(angle)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ np.diag(np.multiply(spacing, flip))
    affine[:3, 3] = origin
    return affine


OLD = Geometry((14, 12, 10), rotated(0.2, (1.5, 2.0, 2.5), (-14, 9, -12), flip=(1, -1, 1)))
TARGETS = {
    "oblique": Geometry((9, 11, 13), rotated(-0.3, (2.0, 1.7, 1.2), (-9, -10, -9))),
    "flipped": Geometry((12, 9, 8), rotated(0.2, (1.9, 1.8, 2.1), (10, -8, 4), flip=(-1, 1, -1))),
    "swapped": Geometry(
        (8, 9, 10),
        OLD.affine[:, [2, 0, 1, 3]] @ [[0.913, 0, 0, -2.217], [0, 1.307, 0, 0.711], [0, 0, 1.109, 3.313], [0, 0, 0, 1]],
    ),
}


def noise(grid=OLD, dtype=np.float32, seed=0):
    smooth = np.random.default_rng(seed).normal(size=grid.shape) * 300
    return Volume.from_array(smooth.astype(dtype), grid, Unit.HU, {"from": "noise"})


def to_sitk(volume):
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.array.transpose(2, 1, 0)))
    lps = np.diag([-1.0, -1.0, 1.0])
    image.SetSpacing(volume.geometry.spacing_mm)
    image.SetOrigin((lps @ volume.geometry.affine[:3, 3]).tolist())
    image.SetDirection((lps @ volume.geometry.affine[:3, :3] / volume.geometry.spacing_mm).ravel().tolist())
    return image


def inside(grid):
    index = OLD.to_index(grid.to_mm(np.indices(grid.shape).reshape(3, -1).T)).reshape(*grid.shape, 3)
    return ((index > 1e-3) & (index < np.array(OLD.shape) - 1 - 1e-3)).all(axis=-1)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("interpolation", "code"), [("linear", sitk.sitkLinear), ("nearest", sitk.sitkNearestNeighbor)]
)
def test_values_are_those_of_simpleitk_in_world_coordinates(target, interpolation, code):
    grid = TARGETS[target]
    reference = sitk.Resample(to_sitk(noise()), to_sitk(noise(grid)), sitk.Transform(), code, -1024.0)
    expected = sitk.GetArrayFromImage(reference).transpose(2, 1, 0)
    found = resample(noise(), grid, interpolation=interpolation, fill=-1024).array
    known = inside(grid)
    assert 0.1 < known.mean() < 0.95
    assert np.mean(np.abs(found - expected)[known] < 2e-2) > (0.9999 if interpolation == "linear" else 0.99)
    assert (found[~known] == -1024).all()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("interpolation", "order"), [("nearest", 0), ("linear", 1), ("cubic", 3)])
def test_values_are_those_of_nibabel_everywhere(target, interpolation, order):
    grid = TARGETS[target]
    image = nibabel.Nifti1Image(noise().array, OLD.affine)
    expected = nibabel.processing.resample_from_to(image, (grid.shape, grid.affine), order=order, cval=-7.0)
    found = resample(noise(), grid, interpolation=interpolation, fill=-7).array
    known = inside(grid) | (found == -7)
    assert np.abs(found - np.asarray(expected.dataobj))[known].max() < 2e-2


def test_resampling_onto_itself_changes_nothing():
    for interpolation in ("nearest", "linear"):
        moved = resample(noise(), OLD, interpolation=interpolation, fill=-1024)
        assert np.array_equal(moved.array, noise().array)
    assert moved.record == {"from": "noise"}
    assert moved.unit is Unit.HU
    assert moved.geometry == OLD


@pytest.mark.parametrize("seed", range(60))
def test_grids_whose_edges_coincide_are_filled_nowhere(seed):
    rng = np.random.default_rng(seed)
    edge, parts, flip = int(rng.integers(3, 12)), int(rng.integers(2, 8)), rng.choice([-1, 1])
    spacing, origin = float(np.round(rng.uniform(0.5, 5), 4)), float(np.round(rng.uniform(-300, 300), 3))
    old = Geometry((edge, 1, 1), [[spacing, 0, 0, origin], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    start = origin if flip > 0 else origin + spacing * (edge - 1)
    finer = Geometry(
        ((edge - 1) * parts + 1, 1, 1),
        [[flip * spacing / parts, 0, 0, start], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    )
    ones = Volume.from_array(np.ones(old.shape, np.float32), old, Unit.NONE)
    for interpolation in ("nearest", "linear", "cubic"):
        assert np.allclose(resample(ones, finer, interpolation=interpolation, fill=-7).array, 1)


@pytest.mark.parametrize(("shift", "filled"), [(9e-5, 0), (1.1e-4, 1), (0.4, 1), (1.0, 1), (1.1, 2)])
def test_fill_begins_beyond_the_last_centre_on_both_sides(shift, filled):
    old = Geometry((5, 1, 1), np.eye(4))
    ones = Volume.from_array(np.ones(old.shape, np.float32), old, Unit.NONE)
    for sign in (1, -1):
        affine = np.eye(4)
        affine[0, 3] = sign * shift
        found = resample(ones, Geometry((5, 1, 1), affine), interpolation="linear", fill=-7).array.ravel()
        assert (found == -7).sum() == filled
        assert found[-1 if sign > 0 else 0] == (-7 if filled else 1)


def test_integers_stay_integers_only_with_nearest():
    volume = noise(dtype=np.int16)
    assert resample(volume, TARGETS["oblique"], interpolation="nearest", fill=-1024).array.dtype == np.int16
    assert resample(volume, TARGETS["oblique"], interpolation="linear", fill=-1024).array.dtype == np.float32
    mask = Volume.from_array(noise().array > 0, OLD, Unit.LABEL)
    assert resample(mask, TARGETS["oblique"], interpolation="nearest", fill=0).array.dtype == np.bool_


@pytest.mark.parametrize("fill", [-1, 256, 0.5, float("nan")])
def test_a_fill_that_the_integers_cannot_hold_is_refused(fill):
    labels = Volume.from_array(np.ones(OLD.shape, np.uint8), OLD, Unit.LABEL)
    moved = resample(labels, TARGETS["oblique"], interpolation="nearest", fill=fill)
    with pytest.raises(SettingsError, match="uint8 can hold"):
        _ = moved.array
    assert resample(labels, TARGETS["oblique"], interpolation="nearest", fill=255).array.max() == 255


def test_fill_may_be_nan_for_floats():
    assert np.isnan(resample(noise(), TARGETS["oblique"], interpolation="linear", fill=np.nan).array).any()


def test_unknown_interpolation_is_refused_at_once():
    with pytest.raises(ValueError, match="nearest, linear, cubic"):
        resample(noise(), OLD, interpolation="sinc", fill=0)


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SRA", "IPL", "ALS"])
def test_reorient_moves_voxels_with_their_grid(codes):
    expected = nibabel.Nifti1Image(noise().array, OLD.affine)
    turn = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(OLD.affine), nibabel.orientations.axcodes2ornt(codes)
    )
    found = reorient(noise(), codes)
    assert np.array_equal(found.array, np.asarray(expected.as_reoriented(turn).dataobj))
    assert np.allclose(found.geometry.affine, expected.as_reoriented(turn).affine)
    assert found.record == {"from": "noise"}


def test_crop_takes_the_voxels_of_the_box():
    part = crop(noise(), Box((1, 2, 3), (4, 6, 9)))
    assert np.array_equal(part.array, noise().array[1:4, 2:6, 3:9])
    assert np.allclose(part.geometry.affine[:3, 3], OLD.to_mm([[1, 2, 3]])[0])
    assert (part.unit, part.record) == (Unit.HU, {"from": "noise"})
    with pytest.raises(GeometryError):
        crop(noise(), Box((1, 2, 3), (4, 6, 11)))


def test_nothing_is_read_before_it_is_needed():
    def unread():
        raise AssertionError("read too early")

    lazy = Volume(OLD, Unit.HU, unread)
    crop(lazy, Box((0, 0, 0), (1, 1, 1)))
    reorient(lazy, "RAS")
    resample(lazy, OLD, interpolation="linear", fill=0)
