"""Whether a NIfTI file is all there, as a rule without decompressing it."""

from __future__ import annotations

from pathlib import Path

from oncohort.errors import FormatError
from oncohort.formats.gzip_members import read_bytes
from oncohort.formats.nifti_header import NiftiHeader, look_at_nifti


def require_complete(path: str | Path) -> NiftiHeader:
    """The header of a NIfTI file, unless the file ends before its voxels do.

    Where the end of a gzip file does not settle it (files of several gzip
    members), the file is decompressed.

    Args:
        path: A .nii or .nii.gz file.

    Raises:
        FormatError: The file is missing, damaged or truncated.
        GeometryError: Its grid is impossible.
    """
    file = look_at_nifti(path)
    needed = file.header.bytes_needed
    if file.is_whole is False:
        raise _truncated(path, needed, file.bytes)
    if file.is_whole is None:
        held = len(read_bytes(Path(path), needed))
        if held < needed:
            raise _truncated(path, needed, held)
    return file.header


def _truncated(path: str | Path, needed: int, size: int) -> FormatError:
    return FormatError(
        expected=f"{needed} bytes of header and voxels",
        found=f"{size} bytes (truncated)",
        where=str(path),
        remedy="fetch or write the file again",
    )
