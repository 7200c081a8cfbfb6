"""Headers that are laid out like one that was walked before: their values are cut out without walking.

All that a walk decides, it decides by the heads of elements (tag, VR, length). A file that holds the same heads at the
same places, and the same meta information, is therefore walked in the same way, and its values lie where they lay in
the first one. Slices of one series mostly do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from struct import Struct

from oncohort.formats.dicom.elements import Found, Window

_MOST_SIZES = 512
_MOST_ALIKE = 4


@dataclass(frozen=True, slots=True)
class HeaderLayout:
    """Where the elements of a header lie.

    Attributes:
        syntax: TransferSyntaxUID.
        media_class: MediaStorageSOPClassUID.
        start: of the first element after the meta information.
        end: of the header: where the element of the pixels begins.
        found: the elements that were asked for; only their values differ from file to file.
        tags: those of them that lie in the first piece of the file, by place.
        values: cuts out their values.
        heads: cuts out all that must be equal.
        equal: what these are.
    """

    syntax: str
    media_class: str
    start: int
    end: int
    found: Found
    tags: tuple[int, ...]
    values: Struct
    heads: Struct
    equal: tuple[bytes, ...]

    def cut(self, window: Window) -> dict[int, bytes] | None:
        """The values of a file by tag; None if it is laid out in another way."""
        buffer = window.first()
        if len(buffer) < self.heads.size or self.heads.unpack_from(buffer) != self.equal:
            return None
        return dict(zip(self.tags, self.values.unpack_from(buffer), strict=True))


def make_layout(window: Window, uids: tuple[str, str], span: tuple[int, int], found: Found) -> HeaderLayout | None:
    """The layout of a header that was just walked; None if it is longer than the first piece of the file.

    Args:
        window: of the file; `window.heads` holds all that the walk looked at.
        uids: TransferSyntaxUID and MediaStorageSOPClassUID.
        span: where the header begins and ends.
        found: what the walk found.
    """
    buffer = window.first()
    if window.heads[-1][1] > len(buffer):
        return None
    whole = sorted((start, tag) for tag, (_, start, length, value) in found.items() if len(value) == length)
    places = [(start, start + found[tag][2]) for start, tag in whole]
    heads = _cutter(window.heads)
    return HeaderLayout(
        *uids,
        *span,
        found,
        tuple(tag for _, tag in whole),
        _cutter(places),
        heads,
        heads.unpack_from(buffer),
    )


def _cutter(places: Iterable[tuple[int, int]]) -> Struct:
    """Cuts the bytes from start to stop out of the first piece of a file, for places in order that do not overlap."""
    ordered = [(0, 0), *places]
    return Struct("<" + "".join(f"{now[0] - before[1]}x{now[1] - now[0]}s" for before, now in pairwise(ordered)))


class Layouts:
    """The layouts of headers met lately, by the size of their files: those of a series differ in few of them.

    Examples:
        >>> Layouts().of_size(1000)
        []
    """

    def __init__(self) -> None:
        self._by_size: dict[int, list[HeaderLayout]] = {}

    def of_size(self, size: int) -> list[HeaderLayout]:
        """Layouts of files of this size, the latest first."""
        return self._by_size.get(size, [])

    def is_expected(self, size: int) -> bool:
        """Whether a file of this size came before; a layout is not worth making for one that comes alone."""
        if size in self._by_size:
            return True
        if len(self._by_size) >= _MOST_SIZES:
            self._by_size.clear()
        self._by_size[size] = []
        return False

    def remember(self, size: int, layout: HeaderLayout) -> None:
        """Keep a layout; the oldest of its size goes if there are many."""
        self._by_size[size] = [layout, *self.of_size(size)[: _MOST_ALIKE - 1]]
