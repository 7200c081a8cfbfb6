"""Damage that any file can come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from oncohort.phantoms.twins.nifti_files import affine_in, cut, set_affine
from oncohort.phantoms.twins.protocol import WrittenCase
from oncohort.storage import write_bytes

Plant = Callable[[WrittenCase], Path]

_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
_SHIFT_MM = 3.0


def find_file(written: WrittenCase, ending: str) -> Path:
    """The first file of the case whose path ends so.

    Raises:
        LookupError: There is none.
    """
    for name in sorted(written.files):
        if name.endswith(ending):
            return written.root / name
    raise LookupError(f"{written.name} has no file that ends in {ending}")


def truncated(ending: str) -> Plant:
    """Cut the file in half, as a full disk does."""
    return lambda written: cut(find_file(written, ending))


def lost(ending: str, about: str = "") -> Plant:
    """Delete the file; the answer is about it, or about another file of the case that ends in `about`."""

    def plant(written: WrittenCase) -> Path:
        path = written.remove(find_file(written, ending))
        return find_file(written, about) if about else path

    return plant


def pointer(ending: str) -> Plant:
    """Put a Git LFS pointer in the place of the file."""

    def plant(written: WrittenCase) -> Path:
        path = find_file(written, ending)
        write_bytes(path, _LFS_POINTER)
        return path

    return plant


def displaced(ending: str) -> Plant:
    """Move the file 3 mm along x by its header alone."""

    def plant(written: WrittenCase) -> Path:
        path = find_file(written, ending)
        affine = affine_in(path)
        affine[0, 3] += _SHIFT_MM
        return set_affine(path, affine)

    return plant


def skewed(ending: str) -> Plant:
    """Tilt the second axis of every such file by 1e-4, so that the axes are not perpendicular."""

    def plant(written: WrittenCase) -> Path:
        for name in sorted(written.files):
            if name.endswith(ending):
                affine = affine_in(written.root / name)
                affine[:3, 1] += 1e-4 * np.linalg.norm(affine[:3, 1]) * affine[:3, 0] / np.linalg.norm(affine[:3, 0])
                set_affine(written.root / name, affine)
        return find_file(written, ending)

    return plant


def stray(name: str, content: bytes = b"left here by somebody") -> Plant:
    """Add a file that no case has a use for; `name` is relative to the data and may hold the {case}."""

    def plant(written: WrittenCase) -> Path:
        path = written.root / name.format(case=written.name)
        write_bytes(path, content)
        return written.add(path)

    return plant


def copied(ending: str, name: str) -> Plant:
    """Put a copy of the file under another `name`, relative to the data; {case} is the name of the case."""

    def plant(written: WrittenCase) -> Path:
        path = written.root / name.format(case=written.name)
        write_bytes(path, find_file(written, ending).read_bytes())
        return written.add(path)

    return plant


def cell(sheet: str, column: str, value: object) -> Plant:
    """Change a cell of the case's row in the file `sheet`."""

    def plant(written: WrittenCase) -> Path:
        written.sheet[column] = value
        return written.root / sheet

    return plant


def no_row(sheet: str) -> Plant:
    """Leave the case out of the file `sheet`."""

    def plant(written: WrittenCase) -> Path:
        written.sheet.clear()
        return written.root / sheet

    return plant
