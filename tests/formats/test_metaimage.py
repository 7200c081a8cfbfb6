import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from oncohort.errors import FormatError, GeometryError, OutputError
from oncohort.formats.metaimage import read_metaimage, write_metaimage
from oncohort.geometry import Geometry
from oncohort.units import Unit
from oncohort.volume import Volume

C, S = np.cos(0.3), np.sin(0.3)
AFFINE = np.array([[-1.5 * C, 2 * S, 0, -234.56789], [1.5 * S, 2 * C, 0, 101.25], [0, 0, 3.27, 7], [0, 0, 0, 1.0]])
GRID = Geometry((5, 6, 7), AFFINE)


def values(dtype=np.int16):
    return np.random.default_rng(0).integers(0, 100, GRID.shape).astype(dtype)


def written(tmp_path, dtype=np.int16):
    write_metaimage(tmp_path / "a.mha", Volume.from_array(values(dtype), GRID, Unit.HU))
    return tmp_path / "a.mha"


def test_simpleitk_finds_every_voxel_where_we_say(tmp_path):
    image = sitk.ReadImage(str(written(tmp_path)))
    for index in ((0, 0, 0), (4, 0, 2), (1, 5, 6)):
        x, y, z = image.TransformIndexToPhysicalPoint(index)
        assert np.allclose([-x, -y, z], GRID.to_mm([index])[0], atol=1e-6)
        assert image.GetPixel(index) == values()[index]


def test_files_of_simpleitk_are_read_where_they_lie(tmp_path):
    image = sitk.GetImageFromArray(values().transpose(2, 1, 0))
    image.SetSpacing((2.0, 3.0, 4.0))
    image.SetOrigin((10.0, 20.0, 30.0))
    image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
    for compressed in (True, False):
        sitk.WriteImage(image, str(tmp_path / "a.mha"), useCompression=compressed)
        volume = read_metaimage(tmp_path / "a.mha", Unit.HU)
        for index in ((0, 0, 0), (4, 5, 6)):
            x, y, z = image.TransformIndexToPhysicalPoint(index)
            assert np.allclose(volume.geometry.to_mm([index])[0], [-x, -y, z])
        assert np.array_equal(volume.array, values())
        assert volume.unit is Unit.HU


@pytest.mark.parametrize("dtype", [bool, "u1", "i2", "u2", "i4", "f4", "f8", "f2", ">i2"])
def test_types_are_kept_as_in_nifti(tmp_path, dtype):
    volume = read_metaimage(written(tmp_path, dtype))
    assert np.array_equal(volume.array, values(dtype))
    kept = {"b": "u1", "f": "f4"}.get(np.dtype(dtype).kind, np.dtype(dtype).newbyteorder("=").str)
    assert volume.array.dtype == np.dtype(kept)
    assert volume.geometry.largest_offset_mm(GRID) < 1e-6


def test_facts_are_returned(tmp_path):
    facts = write_metaimage(tmp_path / "a.mha", Volume.from_array(values(), GRID, Unit.HU))
    assert facts["bytes"] == (tmp_path / "a.mha").stat().st_size
    assert len(facts["sha256"]) == 64


@pytest.mark.parametrize("cut", [10, 200, -1, -100])
def test_a_truncated_file_is_refused(tmp_path, cut):
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError) as caught:
        _ = read_metaimage(path).array
    assert caught.value.where == str(path)


def test_a_damaged_voxel_is_refused(tmp_path):
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[-60] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(FormatError):
        _ = read_metaimage(path).array


def test_a_truncated_plain_file_is_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(values()), str(tmp_path / "a.mha"), useCompression=False)
    (tmp_path / "a.mha").write_bytes((tmp_path / "a.mha").read_bytes()[:-50])
    with pytest.raises(FormatError):
        _ = read_metaimage(tmp_path / "a.mha").array


def test_other_and_missing_files_are_refused(tmp_path):
    (tmp_path / "a.mha").write_text("hello")
    for name in ("a.mha", "missing.mha"):
        with pytest.raises(FormatError, match="MetaImage"):
            read_metaimage(tmp_path / name)


def plain(tmp_path, **lines):
    """An uncompressed file, with lines of its header changed; `data` replaces the voxels."""
    data = lines.pop("data", None)
    sitk.WriteImage(sitk.GetImageFromArray(values().transpose(2, 1, 0)), str(tmp_path / "p.mha"), useCompression=False)
    head, mark, voxels = (tmp_path / "p.mha").read_bytes().partition(b"ElementDataFile = LOCAL\n")
    kept = [line for line in head.splitlines() if line.split(b" = ")[0].decode() not in lines]
    said = [f"{name} = {value}".encode() for name, value in lines.items() if name != "ElementDataFile"]
    last = f"ElementDataFile = {lines['ElementDataFile']}\n".encode() if "ElementDataFile" in lines else mark
    path = tmp_path / "changed.mha"
    path.write_bytes(b"\n".join([*kept, *said, last]) + (voxels if data is None else data))
    return path


@pytest.mark.parametrize("is_compressed", [True, False])
@pytest.mark.parametrize(
    ("line", "other"),
    [
        (b"DimSize = 5 6 7", b"DimSize = 5 6 8"),
        (b"DimSize = 5 6 7", b"DimSize = 5 6 6"),
        (b"ElementType = MET_SHORT", b"ElementType = MET_FLOAT"),
        (b"ElementType = MET_SHORT", b"ElementType = MET_UCHAR"),
    ],
)
def test_voxels_of_another_size_than_the_header_says_are_refused(tmp_path, is_compressed, line, other):
    """The reading library fills what compressed voxels lack with zeros, and passes over what there is too much."""
    sitk.WriteImage(
        sitk.GetImageFromArray(values().transpose(2, 1, 0)), str(tmp_path / "a.mha"), useCompression=is_compressed
    )
    data = (tmp_path / "a.mha").read_bytes()
    assert line in data
    (tmp_path / "a.mha").write_bytes(data.replace(line, other))
    with pytest.raises(FormatError, match="bytes"):
        _ = read_metaimage(tmp_path / "a.mha").array


@pytest.mark.parametrize("word", ["BinaryDataByteOrderMSB", "ElementByteOrderMSB"])
def test_voxels_of_either_byte_order_are_read(tmp_path, word):
    path = plain(tmp_path, data=values().astype(">i2").tobytes(order="F"), BinaryDataByteOrderMSB="True")
    path.write_bytes(path.read_bytes().replace(b"BinaryDataByteOrderMSB", word.encode()))
    assert np.array_equal(read_metaimage(path).array, values())


@pytest.mark.parametrize("is_compressed", [True, False])
def test_voxels_beside_the_header_are_read(tmp_path, is_compressed):
    image = sitk.GetImageFromArray(values().transpose(2, 1, 0))
    image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
    sitk.WriteImage(image, str(tmp_path / "a.mhd"), useCompression=is_compressed)
    volume = read_metaimage(tmp_path / "a.mhd")
    assert np.array_equal(volume.array, values())
    for index in ((0, 0, 0), (4, 5, 6)):
        x, y, z = image.TransformIndexToPhysicalPoint(index)
        assert np.allclose(volume.geometry.to_mm([index])[0], [-x, -y, z])
    (beside,) = (path for path in tmp_path.iterdir() if path.suffix != ".mhd")
    beside.write_bytes(beside.read_bytes()[:-20])
    with pytest.raises(FormatError):
        _ = read_metaimage(tmp_path / "a.mhd").array
    beside.unlink()
    with pytest.raises(FormatError):
        _ = read_metaimage(tmp_path / "a.mhd").array


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x.raw", "sub/x.raw", "sub\\x.raw", "LIST", "slice%03d.raw 1 7 1", "a.raw b.raw", ".."]
)
def test_a_header_that_names_files_elsewhere_or_several_is_refused(tmp_path, name):
    (tmp_path / "sub").mkdir()
    for raw in (tmp_path / "x.raw", tmp_path / "sub/x.raw", tmp_path.parent / "x.raw"):
        raw.write_bytes(values().tobytes(order="F"))
    header = plain(tmp_path, data=b"", ElementDataFile=name).rename(tmp_path / "a.mhd")
    with pytest.raises(FormatError):
        _ = read_metaimage(header).array
    good = plain(tmp_path, data=b"", ElementDataFile="x.raw").rename(tmp_path / "b.mhd")
    assert np.array_equal(read_metaimage(good).array, values())


@pytest.mark.parametrize("lines", [{"HeaderSize": "12"}, {"BinaryData": "False"}, {"ElementDataFile": ""}])
def test_headers_that_place_voxels_otherwise_are_refused(tmp_path, lines):
    with pytest.raises(FormatError):
        _ = read_metaimage(plain(tmp_path, **lines)).array


def test_voxels_in_another_file_are_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(values()), str(tmp_path / "a.mhd"))
    (tmp_path / "a.mhd").rename(tmp_path / "a.mha")
    with pytest.raises(FormatError, match="another file"):
        read_metaimage(tmp_path / "a.mha")


def test_other_dimensions_and_colours_are_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(values()[0]), str(tmp_path / "flat.mha"))
    sitk.WriteImage(sitk.GetImageFromArray(values(), isVector=True), str(tmp_path / "colour.mha"))
    for name in ("flat.mha", "colour.mha"):
        with pytest.raises(FormatError, match=r"2 dimensions"):
            read_metaimage(tmp_path / name)


def test_an_impossible_grid_names_the_file(tmp_path):
    path = written(tmp_path)
    head, mark, rest = path.read_bytes().partition(b"ElementSpacing = ")
    path.write_bytes(head + mark + b"nan" + rest[rest.index(b" ") :])
    with pytest.raises((GeometryError, FormatError)) as caught:
        read_metaimage(path)
    assert caught.value.where == str(path)


def test_an_output_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        write_metaimage(tmp_path / "file" / "a.mha", Volume.from_array(values(), GRID, Unit.HU))
