"""Whether a NIfTI file is all there, as a rule without decompressing it."""

from __future__ import annotations

from pathlib import Path

from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header

from oncohort.errors import FormatError
from oncohort.formats.gzip_members import MEMBER_BYTES, read_bytes
from oncohort.formats.nifti import read_nifti

_HEADER_BYTES = 540
_VOX_OFFSET = 352


def require_complete(path: str | Path) -> None:
    """Raise if a NIfTI file ends before its voxels do.

    A gzip file ends with the size of what it holds; a cut one ends with
    something else. Where that size does not settle it (files of several gzip
    members), the file is decompressed.

    Args:
        path: A .nii or .nii.gz file.

    Raises:
        FormatError: The file is missing, damaged or truncated.
        GeometryError: Its grid is impossible.
    """
    file = Path(path)
    needed = _needed_bytes(file)
    with file.open("rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 4))
        ending = int.from_bytes(stream.read(4), "little")
    if not zipped:
        if size < needed:
            raise _truncated(file, needed, size)
    elif ending not in _whole_endings(needed):
        read_nifti(file).source()


def _needed_bytes(path: Path) -> int:
    read_nifti(path)
    data = read_bytes(path, _HEADER_BYTES)
    is_second = 540 in (int.from_bytes(data[:4], "little"), int.from_bytes(data[:4], "big"))
    header = Nifti2Header(data, check=False) if is_second else Nifti1Header(data[:348], check=False)
    count = 1
    for edge in header.get_data_shape():
        count *= int(edge)
    return int(header["vox_offset"]) + count * int(header.get_data_dtype().itemsize)


def _whole_endings(needed: int) -> set[int]:
    """Last four bytes of whole gzip files: one member, or header and pieces as this package writes them."""
    last = (needed - _VOX_OFFSET) % MEMBER_BYTES or MEMBER_BYTES
    return {needed % 2**32, last}


def _truncated(path: Path, needed: int, size: int) -> FormatError:
    return FormatError(
        expected=f"{needed} bytes of header and voxels",
        found=f"{size} bytes (truncated)",
        where=str(path),
        remedy="fetch or write the file again",
    )
