import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from oncohort.errors import FormatError, GeometryError
from oncohort.formats import nifti_completeness, write_nifti
from oncohort.formats.nifti_completeness import require_complete
from oncohort.geometry import Geometry
from oncohort.units import Unit
from oncohort.volume import Volume


def noise(edge: int = 40) -> Volume:
    values = np.random.default_rng(0).integers(0, 9999, (edge, edge, edge)).astype(np.int16)
    return Volume.from_array(values, Geometry((edge, edge, edge), np.eye(4)), Unit.NONE)


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


@pytest.mark.parametrize("edge", [40, 150])
def test_our_own_files_are_whole_without_decompressing_them(tmp_path: Path, edge: int, monkeypatch):
    write_nifti(tmp_path / "a.nii.gz", noise(edge))
    monkeypatch.setattr(nifti_completeness, "read_bytes", _never)
    require_complete(tmp_path / "a.nii.gz")


def _never(*_):
    raise AssertionError("the file was decompressed")


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii"])
def test_files_of_others_are_whole_until_they_are_cut(tmp_path: Path, kind, name: str):
    kind(noise().array, np.eye(4)).to_filename(tmp_path / name)
    require_complete(tmp_path / name)
    cut(tmp_path / name, 0.9)
    with pytest.raises(FormatError, match=name):
        require_complete(tmp_path / name)


def test_one_missing_byte_is_noticed(tmp_path: Path):
    nib.Nifti1Image(noise().array, np.eye(4)).to_filename(tmp_path / "a.nii")
    path = tmp_path / "a.nii"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FormatError, match="truncated"):
        require_complete(path)


def test_files_of_several_members_are_read_to_decide(tmp_path: Path):
    nib.Nifti1Image(noise().array, np.eye(4)).to_filename(tmp_path / "plain.nii")
    data = (tmp_path / "plain.nii").read_bytes()
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(data[:5000]) + gzip.compress(data[5000:]))
    require_complete(path)
    path.write_bytes(gzip.compress(data[:5000]) + gzip.compress(data[5000:-100]))
    with pytest.raises(FormatError):
        require_complete(path)


def test_other_files_are_refused(tmp_path: Path):
    with pytest.raises(FormatError):
        require_complete(tmp_path / "missing.nii.gz")
    (tmp_path / "text.nii.gz").write_text("no image")
    with pytest.raises(FormatError):
        require_complete(tmp_path / "text.nii.gz")
    nib.Nifti1Image(noise().array, np.eye(4)).to_filename(tmp_path / "nan.nii")
    data = bytearray((tmp_path / "nan.nii").read_bytes())
    data[280:284] = struct.pack("<f", float("nan"))  # srow_x[0]
    (tmp_path / "nan.nii").write_bytes(data)
    with pytest.raises(GeometryError, match=r"nan\.nii"):
        require_complete(tmp_path / "nan.nii")
