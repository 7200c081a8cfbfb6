"""Headers alone: what nibabel reads, from the first bytes of the file."""

import gzip
import struct

import nibabel as nib
import numpy as np
import pytest

from oncohort.errors import FormatError, GeometryError
from oncohort.formats import gzip_members
from oncohort.formats.nifti_header import look_at_nifti, read_header


def image(seed, kind=nib.Nifti1Image):
    draw = np.random.default_rng(seed)
    shape = tuple(int(edge) for edge in draw.integers(1, 9, 3))
    affine = np.eye(4)
    affine[:3, :3] = draw.normal(size=(3, 3)) + 3 * np.eye(3)
    affine[:3, 3] = draw.normal(size=3) * 100
    array = draw.integers(0, 99, shape).astype(draw.choice(["uint8", "int16", "float32", "int32"]))
    made = kind(array, affine)
    made.header.set_slope_inter(*draw.choice([[1.0, 0.0], [0.5, -3.0], [1.0000000591, 0.0]]))
    made.header["descrip"] = f"number {seed}"
    return made


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_every_field_is_that_of_nibabel(tmp_path, kind, name):
    for seed in range(40):
        image(seed, kind).to_filename(tmp_path / name)
        read, found = nib.load(tmp_path / name), look_at_nifti(tmp_path / name)
        assert found.header.shape == read.shape
        assert np.array_equal(found.header.geometry.affine, read.affine)
        assert found.header.dtype == read.get_data_dtype()
        assert (found.header.slope, found.header.intercept) == (read.dataobj.slope, read.dataobj.inter)
        assert found.header.offset == read.dataobj.offset
        assert (found.bytes, found.is_whole) == ((tmp_path / name).stat().st_size, True)


def test_big_endian_files_are_read(tmp_path):
    made = image(3)
    nib.Nifti1Image(made.dataobj, made.affine, made.header.as_byteswapped(">")).to_filename(tmp_path / "a.nii.gz")
    assert np.array_equal(read_header(tmp_path / "a.nii.gz").geometry.affine, made.affine.astype(np.float32))


def test_no_more_than_the_header_is_decompressed(tmp_path, monkeypatch):
    """A megabyte of zeros behind the header stays where it is."""
    nib.Nifti1Image(np.zeros((100, 100, 100), np.uint8), np.eye(4)).to_filename(tmp_path / "a.nii.gz")
    monkeypatch.setattr(gzip_members, "read_bytes", lambda *_: pytest.fail("the file was decompressed"))
    assert look_at_nifti(tmp_path / "a.nii.gz").is_whole


def test_a_header_behind_a_long_gzip_field_is_found(tmp_path):
    """RFC 1952: flag 4 announces a field of up to 65535 bytes before the data."""
    data = gzip.compress(image(1).to_bytes())
    field = bytes(60_000)
    long = data[:3] + b"\x04" + data[4:10] + struct.pack("<H", len(field)) + field + data[10:]
    (tmp_path / "a.nii.gz").write_bytes(long)
    assert read_header(tmp_path / "a.nii.gz").shape == image(1).shape


def test_headers_that_differ_in_text_alone_are_one(tmp_path):
    for name, text in (("a", "first"), ("b", "second")):
        made = image(5)
        made.header["descrip"] = text
        made.header["cal_max"] = len(text)
        made.to_filename(tmp_path / f"{name}.nii.gz")
    assert read_header(tmp_path / "a.nii.gz") is read_header(tmp_path / "b.nii.gz")


@pytest.mark.parametrize("field", [("srow_x", 280), ("slope", 112), ("pixdim", 80), ("dim", 42), ("offset", 108)])
def test_a_header_that_differs_in_meaning_is_another(tmp_path, field):
    image(5).to_filename(tmp_path / "a.nii")
    before = read_header(tmp_path / "a.nii")
    data = bytearray((tmp_path / "a.nii").read_bytes())
    data[field[1] : field[1] + 2] = b"\x03\x00" if field[0] == "dim" else data[field[1] : field[1] + 2][::-1]
    data[field[1] + (3 if field[0] != "dim" else 0)] ^= 0x01
    (tmp_path / "b.nii").write_bytes(data)
    try:
        assert read_header(tmp_path / "b.nii") is not before
    except (FormatError, GeometryError) as error:
        assert "b.nii" in error.where


def test_errors_name_the_file_each_time(tmp_path):
    data = bytearray(image(2).to_bytes())
    data[280:284] = struct.pack("<f", float("nan"))
    for name in ("a.nii", "b.nii"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(GeometryError) as caught:
            read_header(tmp_path / name)
        assert caught.value.where == str(tmp_path / name)


@pytest.mark.parametrize("length", [0, 1, 3, 10, 100, 347, 351])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_too_short_files_are_refused_or_cut(tmp_path, name, length):
    image(2).to_filename(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: min(length, len(data) - 1)])
    try:
        assert look_at_nifti(tmp_path / name).is_whole is not True
    except FormatError as error:
        assert error.where == str(tmp_path / name)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.nii.gz", tmp_path):
        with pytest.raises(FormatError):
            look_at_nifti(path)
