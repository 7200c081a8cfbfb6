"""DICOM SEG objects: segments as bits, fractions or labels on the slices of a series."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError, GeometryError
from oncohort.formats.dicom.frames import FramePixels, Plane, Slab, own_grid, place_plane
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

Kind = Literal["BINARY", "FRACTIONAL", "LABELMAP"]
Mask = NDArray[np.bool_]
Layer = NDArray[Any]

SCHEME_NAME = "segments"
"""Name of the label scheme of a segmentation: one label per segment label, numbered like its first segment."""

_MOST_LAYER_VOXELS = 1 << 33
_BACKGROUND = ("DCM", "125040")  # CID 7150 of PS3.16


@dataclass(frozen=True)
class Code:
    """A term of a coding scheme, such as 49755003 of SNOMED CT (`SCT`)."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class Segment:
    """What a segmentation says of one segment.

    Attributes:
        number: SegmentNumber, to which frames or pixels refer.
        label: SegmentLabel; "segment <number>" if it has none.
        category: such as Morphologically Abnormal Structure.
        type: such as Neoplasm, Liver.
        algorithm: "MANUAL", "SEMIAUTOMATIC" or "AUTOMATIC".
        algorithm_name: who or what drew it; "" if it is not said.
        tracking_id: TrackingID, the lesion's name over time points; "" if it has none.
        tracking_uid: TrackingUID, the lesion's identity; "" if it has none.
        anatomy: regions in which it lies.
    """

    number: int
    label: str
    category: Code
    type: Code
    algorithm: str = "MANUAL"
    algorithm_name: str = ""
    tracking_id: str = ""
    tracking_uid: str = ""
    anatomy: tuple[Code, ...] = ()

    @property
    def is_background(self) -> bool:
        """Whether it stands for all that is in no segment, as label maps may say."""
        return (self.type.scheme, self.type.value) == _BACKGROUND


@dataclass(frozen=True)
class Frame:
    """One frame: the segment that it shows (None in a label map), its plane, and the slices it was drawn on."""

    segment: int | None
    plane: Plane
    instances: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A DICOM SEG object; pixels are read when they are asked for.

    Attributes:
        path: the file.
        kind: "BINARY", "FRACTIONAL" or "LABELMAP".
        patient: PatientID.
        study: StudyInstanceUID.
        frame_of_reference: UID of the space that it lies in, "" if missing.
        series: SeriesInstanceUIDs that it refers to.
        segments: in the order of the file, without background.
        frames: in the order of the file; a slice without frame is empty.
        slice_gap_mm: SpacingBetweenSlices, of a single frame else SliceThickness; 0 if the file does not say.
        padding: pixel values of a label map that are in no segment.
        pixels: where the pixels lie.
    """

    path: str
    kind: Kind
    patient: str
    study: str
    frame_of_reference: str
    series: tuple[str, ...]
    segments: tuple[Segment, ...]
    frames: tuple[Frame, ...] = field(repr=False)
    slice_gap_mm: float
    padding: frozenset[int]
    pixels: FramePixels = field(repr=False)

    @property
    def instances(self) -> frozenset[str]:
        """SOPInstanceUIDs of the slices that its frames were drawn on."""
        return frozenset(uid for frame in self.frames for uid in frame.instances)

    @property
    def names(self) -> tuple[str, ...]:
        """Labels of the segments, each once, in the order of the file."""
        return tuple(dict.fromkeys(segment.label for segment in self.segments))

    def scheme(self) -> LabelScheme:
        """One label per segment label, numbered like the first of its segments, with SNOMED CT codes."""
        first = {segment.label: segment for segment in reversed(self.segments)}
        free = max((segment.number for segment in self.segments), default=0) + 1
        labels = {name: first[name].number or free for name in self.names}
        codes = {name: first[name].type.value for name in self.names if first[name].type.scheme == "SCT"}
        return LabelScheme(SCHEME_NAME, labels, codes=codes)

    def record(self) -> dict[str, Any]:
        """What the object says of its segments, as JSON values: codes, algorithm, identity of lesions."""
        return {"rule": "segmentation", "kind": self.kind, "segments": [asdict(one) for one in self.segments]}

    def grid(self) -> Geometry:
        """The grid of its own frames, gaps between them filled.

        Raises:
            GeometryError: frames that form no stack, or no frame.
        """
        shape = (self.pixels.rows, self.pixels.columns)
        return own_grid([frame.plane for frame in self.frames], shape, self.slice_gap_mm, self.path)

    def label_map(
        self,
        grid: Geometry | None = None,
        *,
        scheme: LabelScheme | None = None,
        only: Collection[str] | None = None,
        threshold: float | None = None,
    ) -> LabelMap:
        """The segments as labels; segments that overlap lie in several layers, those of one label are joined.

        Args:
            grid: of the series that it was drawn on; None takes the grid of its frames.
            scheme: names and integers; None takes `scheme()`.
            only: labels of the segments to draw; None draws all.
            threshold: of a FRACTIONAL object: voxels with this fraction or more belong to the segment.

        Raises:
            GeometryError: a frame that is not empty lies in no slice of the grid.
            FormatError: the pixels cannot be read, or a FRACTIONAL object without threshold.
            LabelError: the scheme lacks a label.
        """
        scheme, onto, record = scheme or self.scheme(), grid or self.grid(), self.record()
        values = {one.number: scheme.value(one.label) for one in self.segments if only is None or one.label in only}
        layers = self._layers(onto, values, self._cut(threshold))
        volumes = tuple(Volume.from_array(layer, onto, Unit.LABEL, record) for layer in layers)
        return LabelMap(onto, volumes, scheme)

    def mask(self, number: int, grid: Geometry | None = None, *, threshold: float | None = None) -> Mask:
        """Voxels (i, j, k) of the segment with this number.

        Raises:
            GeometryError: a frame that is not empty lies in no slice of the grid.
            FormatError: no such segment, pixels that cannot be read, or a FRACTIONAL object without threshold.
        """
        self._require_segment(number)
        (layer,) = self._layers(grid or self.grid(), {number: 1}, self._cut(threshold))
        return layer > 0

    def probability(self, number: int, grid: Geometry | None = None) -> Volume:
        """The fractions of a segment of a FRACTIONAL object, 0 to 1 (float32).

        Raises:
            GeometryError: a frame that is not empty lies in no slice of the grid.
            FormatError: no such segment, not FRACTIONAL, or pixels that cannot be read.
        """
        self._require_segment(number)
        if self.kind != "FRACTIONAL":
            raise self._wrong("a FRACTIONAL segmentation", self.kind, "read it with label_map")
        onto = grid or self.grid()
        voxels = np.zeros(onto.shape, np.float32, order="F")
        with self.pixels.reading() as frame_of:
            for index, frame in enumerate(self.frames):
                if frame.segment == number:
                    self._slab(frame, onto, frame_of(index)).put_greatest(voxels, 1.0 / self.pixels.greatest)
        return Volume.from_array(voxels, onto, Unit.PROBABILITY, self.record())

    def _cut(self, threshold: float | None) -> int:
        if self.kind != "FRACTIONAL":
            return 1
        if threshold is None or not 0.0 < threshold <= 1.0:
            found = "none" if threshold is None else f"{threshold:g}"
            raise self._wrong("a threshold above 0, up to 1, for fractions", found, "name one, or read probability")
        return max(1, int(np.ceil(threshold * self.pixels.greatest - 1e-9)))

    def _layers(self, grid: Geometry, values: Mapping[int, int], cut: int) -> list[Layer]:
        dtype = np.uint8 if max(values.values(), default=1) < 256 else np.uint16
        layers: list[Layer] = [np.zeros(grid.shape, dtype, order="F")]
        with self.pixels.reading() as frame_of:
            if self.kind == "LABELMAP":
                table = self._table(values, dtype)
                for index, frame in enumerate(self.frames):
                    self._slab(frame, grid, table[self._known(frame_of(index))]).put_over(layers[0])
                return layers
            for number, value in values.items():
                shown = [(index, one) for index, one in enumerate(self.frames) if one.segment == number]
                slabs = [self._slab(frame, grid, frame_of(index) >= cut) for index, frame in shown]
                self._free_layer(layers, slabs, value)
        return layers

    def _free_layer(self, layers: list[Layer], slabs: Sequence[Slab], value: int) -> None:
        """Put a segment into the first layer in which it covers no other one, or into a new one."""
        layer = next((one for one in layers if not any(slab.covers_other(one, value) for slab in slabs)), None)
        if layer is None:
            if (len(layers) + 1) * layers[0].size > _MOST_LAYER_VOXELS:
                found = f"{len(layers) + 1} layers of {layers[0].size} voxels"
                raise self._wrong("fewer segments that overlap", found, "read the segments one by one with mask")
            layer = np.zeros_like(layers[0])
            layers.append(layer)
        for slab in slabs:
            slab.put_value(layer, value)

    def _table(self, values: Mapping[int, int], dtype: type[np.unsignedinteger[Any]]) -> Layer:
        """Label by pixel value of a label map."""
        table = np.zeros(self.pixels.greatest + 1, dtype)
        for number, value in values.items():
            if number not in self.padding:
                table[number] = value
        return table

    def _known(self, frame: Layer) -> Layer:
        known = {segment.number for segment in self.segments} | self.padding
        strange = sorted(set(np.unique(frame).tolist()) - known)
        if strange:
            raise self._wrong("pixels with numbers of segments", str(strange[:10]), "write the segmentation again")
        return frame

    def _slab(self, frame: Frame, grid: Geometry, pixels: Layer) -> Slab:
        try:
            return place_plane(frame.plane, pixels, grid, self.path)
        except GeometryError:
            if pixels.any():
                raise
            return Slab.nothing()

    def _require_segment(self, number: int) -> None:
        numbers = [segment.number for segment in self.segments]
        if number not in numbers:
            raise self._wrong(f"one of the segments {numbers}", str(number), "look at segments")

    def _wrong(self, expected: str, found: str, remedy: str) -> FormatError:
        return FormatError(expected=expected, found=found, where=self.path, remedy=remedy)
