import gzip
import logging

import nibabel
import numpy as np
import pytest

from oncohort.errors import FormatError, GeometryError, OncohortError, OutputError
from oncohort.formats.nifti import (
    header_facts,
    integer_labels,
    read_label_map,
    read_nifti,
    write_label_map,
    write_nifti,
)
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

AFFINE = np.array([[-1.5, 0.3, 0, 12.5], [0.2, -2, 0, -33], [0, 0, 3.25, 7], [0, 0, 0, 1.0]])
GRID = Geometry((5, 6, 7), AFFINE)
SCHEME = LabelScheme("x", {"a": 1, "b": 2, "c": 300})


def values(dtype, shape=GRID.shape):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


def save(path, array, affine=AFFINE, kind=nibabel.Nifti1Image, **header):
    image = kind(array, affine, dtype=array.dtype)
    image.set_sform(affine, header.pop("sform_code", 1))
    image.set_qform(affine, header.pop("qform_code", 1), strip_shears=True)
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


def edit(path, **fields):
    """Change header fields of an uncompressed NIfTI-1 file behind its library's back."""
    data = bytearray(path.read_bytes())
    header = np.frombuffer(data, dtype=nibabel.nifti1.header_dtype, count=1)
    for name, value in fields.items():
        header[name][0] = value
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f4", "f8", ">i2", ">f4"])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_files_of_nibabel_are_read_in_their_own_type(tmp_path, dtype, name):
    array = values(dtype)
    path = save(tmp_path / name, array)
    volume = read_nifti(path, Unit.HU)
    assert volume.unit is Unit.HU
    assert np.array_equal(volume.array, array)
    assert volume.array.dtype == np.dtype(dtype).newbyteorder("=")
    assert volume.array.dtype.isnative
    assert volume.geometry.is_same_grid(GRID)


@pytest.mark.parametrize("dtype", [bool, "u1", "i2", "u2", "i4", "f4", "f8", "f2", ">i2", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "b.NII.GZ"])
def test_nibabel_reads_what_is_written(tmp_path, dtype, order, name):
    array = np.asarray(values(dtype), order=order)
    path = tmp_path / name
    facts = write_nifti(path, Volume.from_array(array, GRID, Unit.HU))
    assert facts["bytes"] == path.stat().st_size
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.lower().endswith(".gz")
    image = nibabel.Nifti1Image.from_bytes(
        gzip.decompress(path.read_bytes()) if "gz" in name.lower() else path.read_bytes()
    )
    assert np.array_equal(np.asarray(image.dataobj), array)
    kept = {"b": "u1", "f": "f4"}.get(np.dtype(dtype).kind, np.dtype(dtype).newbyteorder("=").str)
    assert image.get_data_dtype() == np.dtype(kept)
    assert np.abs(image.affine - AFFINE).max() < 1e-5
    assert np.array_equal(image.header.get_zooms(), np.float32(GRID.spacing_mm))
    assert image.header.get_xyzt_units()[0] == "mm"
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)
    assert read_nifti(path).array.dtype == np.dtype(kept)


def test_equal_volumes_give_equal_bytes_whatever_their_memory_order(tmp_path):
    for name, order in (("a", "C"), ("b", "F")):
        write_nifti(
            tmp_path / f"{name}.nii.gz", Volume.from_array(np.asarray(values("i2"), order=order), GRID, Unit.HU)
        )
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_the_header_is_a_gzip_member_of_its_own_and_large_files_have_several(tmp_path):
    grid = Geometry((200, 200, 120), np.eye(4))
    array = np.random.default_rng(0).integers(0, 5, grid.shape, np.uint8)
    write_nifti(tmp_path / "a.nii.gz", Volume.from_array(array, grid, Unit.LABEL))
    assert np.array_equal(np.asarray(nibabel.load(tmp_path / "a.nii.gz").dataobj), array)
    assert np.array_equal(read_nifti(tmp_path / "a.nii.gz").array, array)


def test_scaled_integers_become_float32(tmp_path):
    path = save(tmp_path / "a.nii", values("i2"))
    edit(path, scl_slope=0.5, scl_inter=-10.25)
    volume = read_nifti(path)
    assert volume.array.dtype == np.float32
    assert np.array_equal(volume.array, values("f4") * 0.5 - 10.25)
    assert np.array_equal(volume.array, nibabel.load(path).get_fdata())


def test_four_byte_integers_are_scaled_as_float32(tmp_path):
    path = edit(save(tmp_path / "a.nii", values("i4")), scl_slope=0.25, scl_inter=1.0)
    assert read_nifti(path).array.dtype == np.float32
    assert np.array_equal(read_nifti(path).array, values("f4") * 0.25 + 1)


def test_wide_integers_are_scaled_as_float64(tmp_path):
    path = edit(save(tmp_path / "a.nii", values("i8") + 2**40), scl_slope=2.0, scl_inter=1.0)
    assert np.array_equal(read_nifti(path).array, (values("f8") + 2**40) * 2 + 1)


@pytest.mark.parametrize("slope", [0.0, np.nan])
def test_a_slope_of_nothing_means_one(tmp_path, slope):
    path = edit(save(tmp_path / "a.nii", values("i2")), scl_slope=slope, scl_inter=5.0)
    assert np.array_equal(read_nifti(path).array, values("i2"))


def test_an_infinite_intercept_is_refused(tmp_path):
    path = edit(save(tmp_path / "a.nii", values("i2")), scl_slope=1.0, scl_inter=np.inf)
    with pytest.raises(FormatError, match="slope and intercept"):
        read_nifti(path)


def test_the_sform_goes_before_the_qform(tmp_path):
    path = edit(save(tmp_path / "a.nii", values("u1")), qoffset_x=99.0)
    assert read_nifti(path).geometry.is_same_grid(GRID)


def test_a_qform_alone_is_enough(tmp_path):
    rigid = np.diag([-2.0, 1.5, 3.0, 1.0])
    rigid[:3, 3] = [5, 6, -7]
    path = save(tmp_path / "a.nii", values("u1"), rigid, sform_code=0)
    edit(path, srow_x=[9, 9, 9, 9])
    assert read_nifti(path).geometry.is_same_grid(Geometry(GRID.shape, rigid))
    assert read_nifti(path).geometry.orientation == "LAS"


def test_a_file_without_any_affine_is_refused(tmp_path):
    path = save(tmp_path / "a.nii", values("u1"), sform_code=0, qform_code=0)
    with pytest.raises(GeometryError, match=r"a\.nii: expected an sform or a qform, found neither"):
        read_nifti(path)


def test_an_impossible_quaternion_is_refused(tmp_path):
    path = edit(save(tmp_path / "a.nii", values("u1"), sform_code=0), quatern_b=5.0)
    with pytest.raises(GeometryError, match="a valid qform"):
        read_nifti(path)


@pytest.mark.parametrize("row", [[np.nan, 0, 0, 0], [np.inf, 0, 0, 0], [0, 0, 0, 0]])
def test_an_impossible_affine_is_refused_with_the_file(tmp_path, row):
    path = edit(save(tmp_path / "a.nii", values("u1")), srow_x=row)
    with pytest.raises(GeometryError) as caught:
        read_nifti(path)
    assert caught.value.where == str(path)
    assert "repair the header" in caught.value.remedy


def test_nifti_2_and_big_endian_files_are_read(tmp_path):
    path = save(tmp_path / "a.nii.gz", values("f4"), kind=nibabel.Nifti2Image)
    assert np.array_equal(read_nifti(path).array, values("f4"))
    assert read_nifti(path).geometry.is_same_grid(GRID)
    for kind in (nibabel.Nifti1Image, nibabel.Nifti2Image):
        header = kind.header_class(endianness=">")
        image = kind(values(">i2"), AFFINE, header)
        nibabel.save(image, tmp_path / "b.nii")
        assert (tmp_path / "b.nii").read_bytes()[0] == 0
        assert np.array_equal(read_nifti(tmp_path / "b.nii").array, values("i2"))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_truncated_file_is_refused_when_its_voxels_are_read(tmp_path, name):
    path = save(tmp_path / name, np.random.default_rng(0).integers(-999, 999, GRID.shape).astype("i2"))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FormatError) as caught:
        _ = read_nifti(path).array
    assert caught.value.where == str(path)


def test_a_header_that_promises_terabytes_is_refused_without_memory(tmp_path):
    path = edit(save(tmp_path / "a.nii", values("f8")), dim=[3, 32767, 32767, 32767, 1, 1, 1, 1])
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
    for file in (path, tmp_path / "b.nii.gz"):
        with pytest.raises(FormatError, match="truncated"):
            _ = read_nifti(file).array


def test_a_git_lfs_pointer_is_recognised(tmp_path):
    (tmp_path / "a.nii.gz").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n")
    with pytest.raises(FormatError, match="git lfs pull"):
        read_nifti(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("content", [b"", b"text", bytes(348), b"\x5c\x01\x00\x00", bytes(1000)])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(FormatError, match="a NIfTI"):
        read_nifti(tmp_path / "a.nii")
    with pytest.raises(FormatError):
        read_nifti(tmp_path / "missing.nii")


def test_a_header_whose_voxels_lie_elsewhere_is_refused(tmp_path):
    path = edit(save(tmp_path / "a.nii", values("u1")), magic=b"ni1")
    with pytest.raises(FormatError, match="a single file"):
        read_nifti(path)


@pytest.mark.parametrize("offset", [np.nan, -1.0, 10.0, np.inf, 1e30])
def test_an_impossible_offset_is_refused(tmp_path, offset):
    path = edit(save(tmp_path / "a.nii", values("u1")), vox_offset=offset)
    with pytest.raises(FormatError):
        read_nifti(path)


def test_the_voxels_may_begin_later(tmp_path):
    path = save(tmp_path / "a.nii", values("u1"))
    data = path.read_bytes()
    path.write_bytes(data[:352] + bytes(16) + data[352:])
    edit(path, vox_offset=368)
    assert np.array_equal(read_nifti(path).array, values("u1"))


@pytest.mark.parametrize(("code", "bits"), [(32, 64), (128, 24), (1, 1), (99, 8)])
def test_colours_and_complex_numbers_are_refused(tmp_path, code, bits):
    path = edit(save(tmp_path / "a.nii", values("u1")), datatype=code, bitpix=bits)
    with pytest.raises(FormatError):
        read_nifti(path)


def test_two_and_four_dimensions_are_no_volume(tmp_path):
    with pytest.raises(FormatError, match="three dimensions"):
        read_nifti(save(tmp_path / "a.nii", values("u1", (4, 5))))
    with pytest.raises(FormatError, match="three dimensions"):
        read_nifti(save(tmp_path / "b.nii", values("u1", (4, 5, 6, 2))))
    with pytest.raises(FormatError, match="three dimensions"):
        read_label_map(save(tmp_path / "c.nii", values("u1", (4, 5, 6, 2, 2))), SCHEME)
    assert read_nifti(save(tmp_path / "d.nii", values("u1", (4, 5, 6, 1, 1)))).array.shape == (4, 5, 6)


def test_any_header_byte_may_be_wrong_and_the_error_is_ours(tmp_path, caplog, capfd):
    whole = save(tmp_path / "a.nii", values("i2", (2, 2, 2))).read_bytes()
    path = tmp_path / "b.nii"
    with caplog.at_level(logging.CRITICAL):
        for position in range(352):
            for byte in (0, 0x7F, 0x80, 0xFF):
                path.write_bytes(whole[:position] + bytes([byte]) + whole[position + 1 :])
                try:
                    _ = read_nifti(path).array
                except OncohortError as error:
                    assert error.where == str(path)
    assert capfd.readouterr() == ("", "")


def label_map():
    masks = {name: np.zeros(GRID.shape, bool) for name in "abc"}
    masks["a"][1:4, 2, 3] = masks["b"][3:, 2, 3] = masks["c"][0, 0, :] = True
    return LabelMap.from_masks(masks, GRID, SCHEME), masks


def test_label_layers_lie_along_the_fourth_axis(tmp_path):
    written, masks = label_map()
    assert len(written.layers) == 2
    facts = write_label_map(tmp_path / "a.nii.gz", written)
    assert facts["bytes"] == (tmp_path / "a.nii.gz").stat().st_size
    assert nibabel.load(tmp_path / "a.nii.gz").shape == (5, 6, 7, 2)
    found = read_label_map(tmp_path / "a.nii.gz", SCHEME)
    assert len(found.layers) == 2
    for name, mask in masks.items():
        assert np.array_equal(found.mask(name), mask)
    assert found.layers[0].unit is Unit.LABEL


def test_one_layer_has_three_dimensions(tmp_path):
    written = LabelMap.from_masks({"a": np.ones(GRID.shape, bool)}, GRID, SCHEME)
    write_label_map(tmp_path / "a.nii.gz", written)
    assert nibabel.load(tmp_path / "a.nii.gz").shape == GRID.shape
    assert read_label_map(tmp_path / "a.nii.gz", SCHEME).mask("a").all()


@pytest.mark.parametrize(("dtype", "kept"), [("u1", "u1"), ("u2", "u2"), ("i2", "u1"), ("f4", "u1"), ("f8", "u1")])
def test_masks_of_any_type_become_small_integers(tmp_path, dtype, kept):
    found = read_label_map(save(tmp_path / "a.nii", values(dtype)), SCHEME).layers[0].array
    assert found.dtype == np.dtype(kept)
    assert np.array_equal(found, values("u1"))


def test_scaled_masks_are_rounded(tmp_path):
    path = edit(save(tmp_path / "a.nii", values("u1")), scl_slope=np.float32(1 / 3), scl_inter=0)
    whole = values("u1") // 3 * 3
    save(tmp_path / "b.nii", whole)
    edit(tmp_path / "b.nii", scl_slope=np.float32(1 / 3))
    assert np.array_equal(read_label_map(tmp_path / "b.nii", SCHEME).layers[0].array, whole // 3)
    with pytest.raises(FormatError, match="whole numbers"):
        _ = read_label_map(path, SCHEME).layers[0].array


@pytest.mark.parametrize("value", [0.5, 0.0011, 40000.2, np.nan, np.inf, -1.0, 65536.0])
def test_what_is_no_label_is_refused(value):
    array = np.zeros((2, 1, 1), np.float64)
    array[1] = value
    volume = Volume.from_array(array, Geometry((2, 1, 1), np.eye(4)), Unit.NONE)
    with pytest.raises(FormatError) as caught:
        _ = integer_labels(volume, "a.nii").array
    assert caught.value.where == "a.nii"


@pytest.mark.parametrize(("value", "kept"), [(255, "u1"), (256, "u2"), (65535, "u2"), (0.9991, "u1")])
def test_labels_up_to_65535_are_kept(value, kept):
    array = np.array([0, value], np.float64).reshape(2, 1, 1)
    found = integer_labels(Volume.from_array(array, Geometry((2, 1, 1), np.eye(4)), Unit.NONE), "a").array
    assert found.dtype == np.dtype(kept)
    assert found.ravel().tolist() == [0, round(value)]


def test_facts_of_a_header_are_the_columns_of_the_table():
    facts = header_facts(Volume.from_array(values("u1"), GRID, Unit.NONE))
    assert facts["shape"] == [5, 6, 7]
    assert facts["spacing_mm"] == list(GRID.spacing_mm)
    assert facts["orientation"] == "LPS"
    assert facts["affine"] == AFFINE.ravel().tolist()


def test_an_output_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        write_nifti(tmp_path / "file" / "a.nii.gz", Volume.from_array(values("u1"), GRID, Unit.NONE))
