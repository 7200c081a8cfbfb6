"""Boxes on one image in the XML form of PASCAL VOC, from strangers: small files, no document types, no guesses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from oncohort.errors import FormatError

LARGEST_BYTES = 1 << 20
"""A file with more says more than boxes on one image; the usual one has some 540."""

MOST_BOXES = 1_000
_DEEPEST = 8
_MOST_ELEMENTS = 50_000
_LONGEST_NUMBER = 9
_OBJECT = ("annotation", "object")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True, slots=True)
class VocBox:
    """One box as it is written: inclusive corners, x along a row; `name` is what it is said to show."""

    name: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int


@dataclass(frozen=True, slots=True)
class VocAnnotation:
    """The boxes of one image.

    Attributes:
        width: of the image in pixels, as the file says.
        height: of the image.
        depth: its channels.
        boxes: in the order of the file.
        verified: the attribute of that name, "" if there is none.
        folder: what the file says of its image, with `filename` and `path`; often not true.
        filename: of the image.
        path: of the image.
    """

    width: int
    height: int
    depth: int
    boxes: tuple[VocBox, ...]
    verified: str = ""
    folder: str = ""
    filename: str = ""
    path: str = ""


def read_voc(path: str | Path) -> VocAnnotation:
    """The boxes of one image.

    Corners are whole numbers with xmin <= xmax and ymin <= ymax; further elements (pose, truncated, difficult, source)
    are passed over, whatever their case. A file without boxes is one of an image without boxes.

    Args:
        path: the file.

    Raises:
        FormatError: it cannot be read, is too large, no XML or another document, declares a document type, or holds
            a box without name or with corners that are none.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> box = "<bndbox><xmin>3</xmin><ymin>4</ymin><xmax>9</xmax><ymax>5</ymax></bndbox>"
        >>> size = "<size><width>512</width><height>512</height><depth>1</depth></size>"
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "1.2.3.xml")
        ...     _ = file.write_text(f"<annotation>{size}<object><name>A</name>{box}</object></annotation>")
        ...     read_voc(file).boxes
        (VocBox(name='A', xmin=3, ymin=4, xmax=9, ymax=5),)
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise _wrong(file, "a readable file", error.strerror or str(error)) from error
    if len(data) > LARGEST_BYTES:
        raise _wrong(file, f"at most {LARGEST_BYTES} bytes", "more")
    try:
        return parse_voc(data)
    except ValueError as error:
        raise _wrong(file, "boxes in the XML form of PASCAL VOC", str(error)) from error


def parse_voc(data: bytes) -> VocAnnotation:
    """The boxes in the bytes of a file.

    Raises:
        ValueError: as `read_voc`.
    """
    collector = _Collector()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError(f"not well-formed: {error}") from error
    return collector.annotation()


def _refuse_document_type(*_: object) -> None:
    raise ValueError("a document type declaration (entities)")


@dataclass(slots=True)
class _Collector:
    """Texts by path of the elements, once per object."""

    path: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    texts: dict[tuple[str, ...], str] = field(default_factory=dict)
    object_texts: dict[tuple[str, ...], str] = field(default_factory=dict)
    boxes: list[VocBox] = field(default_factory=list)
    verified: str = ""
    elements: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if len(self.path) >= _DEEPEST or self.elements > _MOST_ELEMENTS:
            raise ValueError(f"more than {_DEEPEST} elements deep, or more than {_MOST_ELEMENTS} elements")
        if not self.path:
            if name != "annotation":
                raise ValueError(f"a document {name!r}")
            self.verified = attributes.get("verified", "")
        self.path.append(name)
        self.written.clear()

    def text(self, data: str) -> None:
        self.written.append(data)

    def end(self, name: str) -> None:
        path = tuple(self.path)
        self.path.pop()
        if path == _OBJECT:
            self._add_box()
        elif path[:2] == _OBJECT:
            self._note(self.object_texts, path[2:])
        else:
            self._note(self.texts, path[1:])
        self.written.clear()

    def _note(self, texts: dict[tuple[str, ...], str], path: tuple[str, ...]) -> None:
        if path in texts and path[-1] in (*_CORNERS, "name", "width", "height", "depth"):
            raise ValueError(f"{path[-1]} stands there twice")
        texts[path] = "".join(self.written).strip()

    def _add_box(self) -> None:
        texts, self.object_texts = self.object_texts, {}
        name = texts.get(("name",), "")
        xmin, ymin, xmax, ymax = (_whole(texts.get(("bndbox", corner)), corner) for corner in _CORNERS)
        if not name or xmax < xmin or ymax < ymin:
            raise ValueError(f"box {name or 'without name'} from ({xmin}, {ymin}) to ({xmax}, {ymax})")
        if len(self.boxes) >= MOST_BOXES:
            raise ValueError(f"more than {MOST_BOXES} boxes")
        self.boxes.append(VocBox(name, xmin, ymin, xmax, ymax))

    def annotation(self) -> VocAnnotation:
        width, height, depth = (_whole(self.texts.get(("size", side)), side) for side in ("width", "height", "depth"))
        folder, filename, path = (self.texts.get((word,), "") for word in ("folder", "filename", "path"))
        return VocAnnotation(width, height, depth, tuple(self.boxes), self.verified, folder, filename, path)


def _whole(written: str | None, name: str) -> int:
    if written is None:
        raise ValueError(f"no {name}")
    if not written.isascii() or not written.isdigit() or len(written) > _LONGEST_NUMBER:
        raise ValueError(f"{name} is {written[:40]!r}")
    return int(written)


def _wrong(path: Path, expected: str, found: str) -> FormatError:
    return FormatError(expected=expected, found=found, where=str(path), remedy="fetch the file again, or leave it out")
