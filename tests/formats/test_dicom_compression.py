"""Compressed slices: the same voxels as uncompressed ones, and hostile files that are never decoded."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from dicom_files import save, write_pet, write_series
from oncohort.errors import FormatError, InputError
from oncohort.formats.dicom import compression
from oncohort.formats.dicom.header import read_header
from oncohort.formats.dicom.series import read_pet, read_series
from oncohort.formats.dicom.values import RefusedFile
from oncohort.ingestion import ingest

SYNTAXES = [RLELossless, JPEG2000Lossless, JPEGLSLossless]
SHAPE = (67, 41, 4)


def compress(folder: Path, syntax: str) -> None:
    for path in folder.glob("*.dcm"):
        data = dcmread(path)
        data.compress(syntax, generate_instance_uid=False)
        data.save_as(path)


def noise(dtype, low: int, high: int) -> np.ndarray:
    return np.random.default_rng(5).integers(low, high, SHAPE).astype(dtype)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("stored", "tags"),
    [
        (noise(np.uint16, 0, 4096), {"BitsStored": 12, "HighBit": 11}),
        (noise(np.uint16, 0, 65536), {}),
        (noise(np.int16, -1000, 3000), {}),
        (noise(np.int16, -2048, 2048), {"BitsStored": 12, "HighBit": 11}),
        (noise(np.uint8, 0, 256), {}),
    ],
    ids=["12 bits", "16 bits", "signed", "signed 12 bits", "8 bits"],
)
def test_compressed_slices_give_the_same_voxels(tmp_path, syntax, stored, tags):
    for name in ("plain", "packed"):
        write_series(tmp_path / name, shape=SHAPE, stored=stored, tags=tags)
    compress(tmp_path / "packed", syntax)
    volume = read_series(tmp_path / "packed")
    assert np.array_equal(volume.array, read_series(tmp_path / "plain").array)
    assert volume.array[3, 2, 1] == int(stored[3, 2, 1]) - 1000


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_compressed_pet_keeps_its_slopes(tmp_path, syntax):
    def slope(data, k):
        data.RescaleSlope = 0.5 + k

    for name in ("plain", "packed"):
        write_pet(tmp_path / name, shape=SHAPE, stored=noise(np.int16, 0, 30000), change=slope)
    compress(tmp_path / "packed", syntax)
    assert np.array_equal(read_pet(tmp_path / "packed").array, read_pet(tmp_path / "plain").array)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_frame_in_several_fragments(tmp_path, syntax):
    if syntax == RLELossless:
        pytest.skip("RLE has one fragment for each frame")
    write_series(tmp_path, shape=SHAPE)
    expected = read_series(tmp_path).array
    for path in tmp_path.glob("*.dcm"):
        data = dcmread(path)
        data.compress(syntax, generate_instance_uid=False)
        frame = get_frame(data.PixelData, 0, number_of_frames=1)
        frame += b"\0" * (-len(frame) % 6)
        data.PixelData = encapsulate([frame], fragments_per_frame=3)
        data.save_as(path)
    assert np.array_equal(read_series(tmp_path).array, expected)


def one_frame(tmp_path: Path, syntax: str = JPEG2000Lossless) -> Path:
    (path,) = write_series(tmp_path, shape=(67, 41, 1))
    compress(tmp_path, syntax)
    assert not isinstance(read_header(path), RefusedFile)
    return path


def changed(path: Path, **tags: object) -> Path:
    data = dcmread(path)
    for name, value in tags.items():
        setattr(data, name, value)
    data.save_as(path)
    return path


def refusal(path: Path) -> tuple[str, str]:
    found = read_header(path)
    assert isinstance(found, RefusedFile)
    return found.reason, found.detail


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize("tags", [{"Rows": 40}, {"Columns": 68}, {"Rows": 67, "Columns": 41}])
def test_a_codestream_of_another_size_than_the_header(tmp_path, syntax, tags):
    reason, detail = refusal(changed(one_frame(tmp_path, syntax), **tags))
    assert reason == "broken DICOM"
    assert "41 x 67 pixels of 1 x 16 bits" in detail


def test_a_codestream_that_would_fill_the_memory_is_not_decoded(tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("decoded")

    path = one_frame(tmp_path)
    data = dcmread(path)
    huge = (60000).to_bytes(4, "big")
    at = data.PixelData.index(b"\xff\x4f\xff\x51") + 8
    data.PixelData = data.PixelData[:at] + huge + huge + data.PixelData[at + 8 :]
    data.save_as(path)
    monkeypatch.setattr(compression, "decode_frame", never)
    assert refusal(path) == (
        "broken DICOM",
        "compressed are 60000 x 60000 pixels of 1 x 16 bits, the header says 41 x 67 pixels of 16 bits",
    )


def test_rle_with_another_number_of_segments(tmp_path):
    path = one_frame(tmp_path, RLELossless)
    raw = path.read_bytes()
    head = (2).to_bytes(4, "little") + (64).to_bytes(4, "little")
    path.write_bytes(raw.replace(head, (9).to_bytes(4, "little") + head[4:]))
    assert refusal(path) == ("broken DICOM", "9 RLE segments for pixels of 2 bytes")


@pytest.mark.parametrize("cut", [1, 12, 200])
def test_a_file_that_ends_too_early(tmp_path, cut):
    path = one_frame(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    assert refusal(path)[0] == "truncated"


def test_pixels_that_are_no_items(tmp_path):
    path = one_frame(tmp_path)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"\xfe\xff\x00\xe0", b"\xfe\xff\x01\xe0"))
    assert refusal(path) == ("broken DICOM", "compressed pixels that are no sequence of items")


def test_no_frame_at_all(tmp_path):
    path = changed(one_frame(tmp_path), PixelData=b"\xfe\xff\x00\xe0\0\0\0\0")
    assert refusal(path) == ("broken DICOM", "compressed pixels that do not say their size")


def test_compressed_bytes_far_beyond_the_pixels(tmp_path):
    path = one_frame(tmp_path)
    frame = get_frame(dcmread(path).PixelData, 0, number_of_frames=1)
    reason, detail = refusal(changed(path, PixelData=encapsulate([frame + b"\0" * 100_000])))
    assert (reason, detail[-28:]) == ("broken DICOM", "bytes for 5494 bytes of pixels"[-28:])


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_damaged_codestream_is_an_error_with_its_file(tmp_path, syntax):
    write_series(tmp_path, shape=SHAPE, stored=noise(np.int16, 0, 3000))
    compress(tmp_path, syntax)
    path = sorted(tmp_path.glob("*.dcm"))[1]
    data = dcmread(path)
    half = len(data.PixelData) // 2
    spoilt = b"\xff\xd9" * ((len(data.PixelData) - half - 8) // 2)
    data.PixelData = data.PixelData[:half] + spoilt + data.PixelData[half + len(spoilt) :]
    data.save_as(path)
    try:
        voxels = read_series(tmp_path).array
    except FormatError as error:
        assert error.where in (str(path), str(tmp_path))
    else:
        assert voxels.shape == SHAPE


def damaged(content: bytes, start: int, random: Random) -> bytes:
    """Bytes from `start` on overwritten, taken out, or put in."""
    found = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 5, 40))):
        at = random.randrange(start, random.choice((min(start + 200, len(found)), len(found))))
        kind = random.randrange(4)
        if kind == 0:
            found[at : at + 4] = random.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
        elif kind == 1 and len(found) > start + 300:
            del found[at : at + random.randrange(1, 50)]
        elif kind == 2:
            found[at:at] = random.randbytes(random.randrange(1, 20))
        else:
            found[at] = random.randrange(256)
    return bytes(found)


def read_damaged(tmp_path: Path, syntax: str, rounds: int) -> None:
    paths = write_series(tmp_path, shape=(67, 41, 2), stored=noise(np.uint16, 0, 4096)[:, :, :2])
    compress(tmp_path, syntax)
    whole, random = paths[1].read_bytes(), Random(2026)
    start = whole.index(b"\xe0\x7f\x10\x00")
    failed = 0
    for _ in range(rounds):
        paths[1].write_bytes(damaged(whole, start, random))
        try:
            assert read_series(tmp_path).array.shape == (67, 41, 2)
        except FormatError:
            failed += 1
    assert failed > rounds // 4


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_are_an_error_or_an_image(tmp_path, syntax):
    read_damaged(tmp_path, syntax, 40)


@pytest.mark.slow
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.filterwarnings("ignore")
def test_ten_thousand_damaged_files(tmp_path, syntax):
    read_damaged(tmp_path, syntax, 3400)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGLosslessSV1])
def test_a_file_that_needs_the_extra_says_so(tmp_path, monkeypatch, syntax):
    class NoPlugins:
        available_plugins: tuple[str, ...] = ()

    monkeypatch.setattr(compression, "get_decoder", lambda _: NoPlugins())
    path = write_series(tmp_path, shape=(5, 4, 1))[0]
    data = dcmread(path)
    data.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    data["PixelData"].VR = "OB"
    save(data, path, syntax)
    reason, detail = refusal(path)
    assert reason == "compressed"
    assert detail.endswith("needs the extra codecs, pip install 'oncohort[codecs]'")


@pytest.mark.extras
def test_lossless_jpeg_with_the_extra(tmp_path):
    gdcm = pytest.importorskip("gdcm")
    write_series(tmp_path / "plain", shape=SHAPE)
    for path in (tmp_path / "plain").glob("*.dcm"):
        reader, writer, change = gdcm.ImageReader(), gdcm.ImageWriter(), gdcm.ImageChangeTransferSyntax()
        reader.SetFileName(str(path))
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        change.SetInput(reader.GetImage())
        assert change.Change()
        (tmp_path / "packed").mkdir(exist_ok=True)
        writer.SetFileName(str(tmp_path / "packed" / path.name))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        data = dcmread(tmp_path / "packed" / path.name)
        data.RescaleType = "HU"  # gdcm writes US
        data.save_as(tmp_path / "packed" / path.name)
    assert dcmread(next((tmp_path / "packed").glob("*"))).file_meta.TransferSyntaxUID == JPEGLosslessSV1
    assert np.array_equal(read_series(tmp_path / "packed").array, read_series(tmp_path / "plain").array)


@pytest.mark.parametrize(
    "head",
    [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00", b"\xff\xd8" + b"\xff" * 40, b"\xff\xd8\xff\xda\x00\x02" * 9],
)
def test_heads_of_jpeg_that_say_nothing(head):
    assert compression._jpeg(head) is None


def test_ht_j2k_is_known():
    compression.refuse_syntax(HTJ2KLossless)


def test_without_identifiers_a_folder_is_read_on_request_only(tmp_path):
    def nameless(data: Dataset, k: int) -> None:
        for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID"):
            setattr(data, name, "")
        data.SOPInstanceUID = "1.2.3.9"

    write_series(tmp_path, change=nameless)
    with pytest.raises(FormatError) as caught:
        read_series(tmp_path)
    assert caught.value.found == "no identity"
    assert read_series(tmp_path, identity="folder").array[4, 3].tolist() == [-966, -866, -766]


def test_two_series_in_a_folder_are_not_joined_on_request(tmp_path):
    write_series(tmp_path, uid="1.2.3")
    write_series(tmp_path, uid="1.2.4")
    with pytest.raises(FormatError) as caught:
        read_series(tmp_path, identity="folder")
    assert caught.value.found == "1.2.3, 1.2.4"


@pytest.mark.real_data
def test_the_jpeg_2000_slices_without_identifiers(real_data, tmp_path):
    """Liver 89, spleen 80, aorta 177 HU: what the notes on the data say of the mask, flipped from LAS."""
    root = real_data("ct_organs")
    volume = read_series(root / "example_ct_dicom", identity="folder")
    labels = np.asarray(nib.load(root / "example_seg_dicom.nii.gz").dataobj)[:, ::-1]
    means = [float(volume.array[labels == label].mean()) for label in (5, 1, 52)]
    assert means == pytest.approx([89, 80, 177], abs=2)
    shutil.copytree(root / "example_ct_dicom", tmp_path / "ct")
    with pytest.raises(FormatError) as caught:
        read_series(tmp_path / "ct")
    assert caught.value.found == "no identity"


@pytest.mark.real_data
def test_ingest_refuses_them_and_names_what_is_missing(real_data, tmp_path):
    with pytest.raises(InputError) as caught:
        ingest("dicom", real_data("ct_organs") / "example_ct_dicom", out=tmp_path / "cohort")
    assert "no identity: 20" in caught.value.found
    missing = "PatientID, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID missing or empty"
    assert missing in caught.value.found
