"""Sixteen boxes or points compared with one point at once, in vector registers when compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

LANES = 16
"""How many boxes or points are compared at once."""
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_WHOLE = ir.IntType(32)
_FLOAT_BYTES = 4


def boxes_within(boxes: Any, point: Any, spacing: Any, square: Any) -> Any:
    """One bit for each of sixteen boxes that come nearer to a point than a square distance, in single precision.

    Args:
        boxes: (6, 16) float32 without gaps; least i, j, k and greatest i, j, k.
        point: Three float32.
        spacing: Edges of a voxel, three float32.
        square: float32 in mm2.

    Examples:
        >>> boxes = np.repeat(np.arange(16, dtype=np.float32)[None], 6, axis=0)
        >>> bin(boxes_within(boxes, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 3.5))
        '0b11'
    """
    gaps = [
        np.maximum(np.maximum(boxes[axis] - point[axis], point[axis] - boxes[axis + 3]), 0) * spacing[axis]
        for axis in range(3)
    ]
    return _packed(gaps, square)


def points_within(points: Any, point: Any, spacing: Any, square: Any) -> Any:
    """One bit for each of sixteen points nearer to a point than a square distance, in single precision.

    Args:
        points: (3, 16) float32 without gaps.
        point: Three float32.
        spacing: Edges of a voxel, three float32.
        square: float32 in mm2.

    Examples:
        >>> points = np.repeat(np.arange(16, dtype=np.float32)[None], 3, axis=0)
        >>> bin(points_within(points, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 3.5))
        '0b11'
    """
    return _packed([(points[axis] - point[axis]) * spacing[axis] for axis in range(3)], square)


def _packed(gaps: Any, square: Any) -> int:
    near = gaps[0] * gaps[0] + gaps[1] * gaps[1] + gaps[2] * gaps[2] < square
    return sum(1 << lane for lane in range(LANES) if near[lane])


def _rows(context: Any, builder: Any, kind: Any, array: Any, count: int) -> list[Any]:
    """The rows of an array (count, 16) as vectors."""
    start = builder.bitcast(context.make_array(kind)(context, builder, array).data, _VECTOR.as_pointer())
    return [builder.load(builder.gep(start, [_WHOLE(row)]), align=_FLOAT_BYTES) for row in range(count)]


def _splats(builder: Any, numbers: Any) -> list[Any]:
    """Each of three numbers in all lanes."""
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = [builder.insert_element(undefined, builder.extract_value(numbers, n), _WHOLE(0)) for n in range(3)]
    return [builder.shuffle_vector(each, undefined, ir.Constant(ir.VectorType(_WHOLE, LANES), None)) for each in first]


def _greater(builder: Any, one: Any, other: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", one, other), one, other)


def _mask(builder: Any, gaps: Any, spacing: Any, square: Any) -> Any:
    """A bit for each lane whose three gaps are shorter together."""
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    lanes = ir.Constant(ir.VectorType(_WHOLE, LANES), None)
    limit = builder.shuffle_vector(builder.insert_element(undefined, square, _WHOLE(0)), undefined, lanes)
    edges = [builder.fmul(gap, edge) for gap, edge in zip(gaps, _splats(builder, spacing), strict=True)]
    squares = [builder.fmul(edge, edge) for edge in edges]
    total = builder.fadd(builder.fadd(squares[0], squares[1]), squares[2])
    bits = builder.bitcast(builder.fcmp_ordered("<", total, limit), ir.IntType(LANES))
    return builder.zext(bits, ir.IntType(64))


@intrinsic
def _compare_boxes(_typing: Any, boxes: Any, point: Any, spacing: Any, square: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = _rows(context, builder, signature.args[0], arguments[0], 6)
        zero = ir.Constant(_VECTOR, None)
        gaps = [
            _greater(builder, _greater(builder, builder.fsub(low, at), builder.fsub(at, high)), zero)
            for low, high, at in zip(rows[:3], rows[3:], _splats(builder, arguments[1]), strict=True)
        ]
        return _mask(builder, gaps, arguments[2], arguments[3])

    return types.uint64(boxes, point, spacing, square), build


@intrinsic
def _compare_points(_typing: Any, points: Any, point: Any, spacing: Any, square: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = _rows(context, builder, signature.args[0], arguments[0], 3)
        gaps = [builder.fsub(row, at) for row, at in zip(rows, _splats(builder, arguments[1]), strict=True)]
        return _mask(builder, gaps, arguments[2], arguments[3])

    return types.uint64(points, point, spacing, square), build


@overload(boxes_within)
def _compile_boxes_within(boxes: Any, point: Any, spacing: Any, square: Any) -> Callable[..., Any]:
    def compiled(boxes: Any, point: Any, spacing: Any, square: Any) -> int:
        return _compare_boxes(boxes, point, spacing, square)  # type: ignore[no-any-return]

    return compiled


@overload(points_within)
def _compile_points_within(points: Any, point: Any, spacing: Any, square: Any) -> Callable[..., Any]:
    def compiled(points: Any, point: Any, spacing: Any, square: Any) -> int:
        return _compare_points(points, point, spacing, square)  # type: ignore[no-any-return]

    return compiled
