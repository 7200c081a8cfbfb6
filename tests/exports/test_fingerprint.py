"""The fingerprint of a data set, against nnU-Net's definition: equally many draws of every case's foreground."""

import json

import numpy as np
import pytest
import SimpleITK

from oncohort import ingest, write_phantom_cohort
from oncohort.errors import FormatError
from oncohort.exporting import export_cohort
from oncohort.exports import Channel, NnunetExport
from oncohort.exports.fingerprint import fingerprint_case, fingerprint_dataset, read_part, write_part
from oncohort.formats import write_nifti
from oncohort.geometry import Geometry
from oncohort.kernels import count_values
from oncohort.units import Unit
from oncohort.volume import Volume

GRID = Geometry((12, 10, 9), np.diag([2.0, 3.0, 4.0, 1.0]))


def case(seed, *, empty=False):
    random = np.random.default_rng(seed)
    ct = np.zeros(GRID.shape, np.int16)
    ct[2:10, 1:9, 3:8] = random.integers(-100, 200, (8, 8, 5))
    pet = np.zeros(GRID.shape, np.float32)
    pet[1:10, 2:9, 3:8] = random.gamma(2.0, 2.0 + seed, (9, 7, 5))
    labels = np.zeros(GRID.shape, np.uint8)
    if not empty:
        labels[3:9, 3:8, 4 : 5 + seed % 4] = 1
    return [ct, pet], labels


def found(*cases):
    return fingerprint_dataset([fingerprint_case(images, labels, GRID, where="here") for images, labels in cases])


def test_shape_and_spacing_are_those_of_the_box_of_all_channels():
    result = found(case(1))
    assert result["shapes_after_crop"] == [[5, 8, 9]]  # k, j, i of the hull of both channels
    assert result["spacings"] == [[4.0, 3.0, 2.0]]
    assert result["median_relative_size_after_cropping"] == pytest.approx(5 * 8 * 9 / (12 * 10 * 9))


def test_every_case_has_the_same_weight_as_in_draws_with_replacement():
    cases = [case(seed) for seed in range(4)]
    result = found(*cases, case(9, empty=True))["foreground_intensity_properties_per_channel"]
    random = np.random.default_rng(0)
    for channel in (0, 1):
        drawn = np.concatenate([random.choice(images[channel][labels > 0], 200_000) for images, labels in cases])
        properties = result[str(channel)]
        spread = float(drawn.std())
        assert properties["mean"] == pytest.approx(float(drawn.mean()), abs=0.02 * spread)
        assert properties["std"] == pytest.approx(spread, rel=0.02)
        assert (properties["min"], properties["max"]) == (drawn.min(), drawn.max())
        for name, percent in (("percentile_00_5", 0.5), ("median", 50), ("percentile_99_5", 99.5)):
            low, high = np.percentile(drawn, [max(0, percent - 0.4), min(100, percent + 0.4)])
            assert low * (0.999 if low > 0 else 1.001) <= properties[name] <= high * (1.001 if high > 0 else 0.999)


def test_steps_of_a_histogram_are_finer_than_a_thousandth():
    values = np.array([-3.7, -1e-8, 0.0, 1e-30, 2.5, 2.5000001, 7e20], np.float32)
    histogram = count_values(values.reshape(1, 1, -1), np.ones((1, 1, 7), np.uint8))
    assert histogram.voxels == 7
    restored = np.repeat(histogram.values, histogram.counts)
    np.testing.assert_allclose(restored, np.sort(values), rtol=5e-4, atol=1e-37)
    assert (histogram.low, histogram.high) == (np.float32(-3.7), np.float32(7e20))


def test_parts_survive_their_file_and_a_damaged_one_is_named(tmp_path):
    images, labels = case(2)
    part = fingerprint_case(images, labels, GRID, where="here")
    path = tmp_path / "part.npz"
    assert write_part(path, part) == path.stat().st_size
    assert fingerprint_dataset([read_part(path)]) == fingerprint_dataset([part])
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(FormatError, match=r"part\\.npz".replace("\\\\", "\\")):
        read_part(path)


def test_a_foreground_that_is_not_finite_is_an_error():
    images, labels = case(1)
    images[1][4, 4, 4] = np.nan
    with pytest.raises(FormatError, match="not finite"):
        fingerprint_case(images, labels, GRID, where="here")


def test_the_export_writes_it_beside_the_data_set(tmp_path):
    phantoms = write_phantom_cohort(tmp_path / "phantoms", cases=2, form="nnunet")
    cohort = ingest("nnunet", phantoms.data, out=tmp_path / "cohort")
    export = NnunetExport(7, "P", (Channel.usual("ct"), Channel.usual("pet")), fingerprint=True)
    folder = export_cohort(cohort, export, out=tmp_path / "raw").folder / "Dataset007_P"
    written = json.loads((folder / "dataset_fingerprint.json").read_text())
    images = [cohort[case] for case in cohort.case_ids]
    expected = fingerprint_dataset(
        fingerprint_case(
            [one.image("ct").array, one.image("pet").array],
            one.label_map("lesions").layers[0].array,
            one.image("ct").geometry,
            where=one.id,
        )
        for one in images
    )
    assert written == json.loads(json.dumps(expected))


@pytest.mark.parametrize("images", ["reference", "copy"])
def test_spacings_are_those_that_simpleitk_reads_from_the_files(tmp_path, images):
    """Rotated grids: their affine, in float32, gives the spacing back but for its last digits."""
    raw = tmp_path / "raw" / "Dataset003_Turned"
    for folder in ("imagesTr", "labelsTr"):
        (raw / folder).mkdir(parents=True)
    random = np.random.default_rng(4)
    for number in range(4):
        turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
        affine = np.eye(4)
        affine[:3, :3] = turn * random.uniform(0.4, 4.0, 3)
        voxels = random.integers(1, 100, (4, 5, 6)).astype(np.int16)
        for name, array in ((f"imagesTr/c{number}_0000", voxels), (f"labelsTr/c{number}", (voxels > 50).astype("u1"))):
            write_nifti(raw / f"{name}.nii.gz", Volume.from_array(array, Geometry(array.shape, affine), Unit.NONE))
    labels = {"background": 0, "lesion": 1}
    description = {"channel_names": {"0": "CT"}, "labels": labels, "numTraining": 4, "file_ending": ".nii.gz"}
    (raw / "dataset.json").write_text(json.dumps(description))
    cohort = ingest("nnunet", raw, out=tmp_path / "cohort")
    export = NnunetExport(7, "P", (Channel.usual("ct"),), fingerprint=True, images=images)
    folder = export_cohort(cohort, export, out=tmp_path / "exported").folder / "Dataset007_P"
    files = [folder / "imagesTr" / f"c{number}_0000.nii.gz" for number in range(4)]
    if images == "reference":
        files = [raw / "imagesTr" / file.name for file in files]
    read = [SimpleITK.ReadImage(str(file)).GetSpacing()[::-1] for file in files]
    written = json.loads((folder / "dataset_fingerprint.json").read_text())["spacings"]
    assert sorted(written) == sorted(map(list, read))
