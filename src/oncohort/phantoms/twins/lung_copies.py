"""Images of the twin of Lung-PET-CT-Dx once more: the same image under another UID, a second acquisition.

The files are changed as bytes: the twin's CT is explicit little endian, and its pixels come last.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from oncohort.phantoms.twins.protocol import WrittenCase
from oncohort.storage import write_bytes

_INSTANCE = re.compile(rb"\x08\x00\x18\x00UI..(2\.25\.\d+)", re.DOTALL)  # SOPInstanceUID
_ACQUISITION = re.compile(rb"(\x20\x00\x12\x00IS\x02\x00)..", re.DOTALL)  # AcquisitionNumber of one or two digits
_PIXELS = re.compile(rb"\xe0\x7f\x10\x00OW\x00\x00....", re.DOTALL)  # PixelData


def copy_image(written: WrittenCase, folder: Path) -> Path:
    """The image in the middle of a series once more, with a UID of its own."""
    files = sorted(folder.glob("*.dcm"))
    path = folder / "1-998.dcm"
    write_bytes(path, _with_own_uid(files[len(files) // 2].read_bytes()))
    return written.add(path)


def copy_scan(written: WrittenCase, folder: Path) -> Path:
    """Every image of a series once more, as the second acquisition of the same series, with other pixels."""
    for number, source in enumerate(sorted(folder.glob("*.dcm"))):
        content = _ACQUISITION.sub(rb"\g<1>77", _with_own_uid(source.read_bytes()))
        path = folder / f"2-{number:03d}.dcm"
        write_bytes(path, _with_other_pixels(content))
        written.add(path)
    return folder


def _with_own_uid(content: bytes) -> bytes:
    found = _INSTANCE.search(content)
    if found is None:
        raise LookupError("no SOPInstanceUID of the form 2.25.<number>")
    uid = found[1]
    return content.replace(uid, uid[:-1] + str((int(uid[-1:]) + 1) % 10).encode())


def _with_other_pixels(content: bytes) -> bytes:
    found = next(iter(reversed(list(_PIXELS.finditer(content)))))
    stored = np.frombuffer(content[found.end() :], "<i2")
    pixels: bytes = np.clip(stored + 5, -1024, 3071).astype("<i2").tobytes()
    return content[: found.end()] + pixels
