"""Positions (i, j, k) as one number whose order keeps neighbours together (Morton order)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

AXIS_BITS = 18
"""Most bits of a position along one axis."""
CODE_BITS = 8
"""Bits below the position; they take no part in the order."""
_DIGIT = 11
_STEPS = tuple(
    (np.uint64(shift), np.uint64(mask))
    for shift, mask in (
        (32, 0x001F00000000FFFF),
        (16, 0x001F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    )
)


def spread_bits(length: int) -> NDArray[np.uint64]:
    """The numbers 0 to `length` - 1 with two zero bits before each of their bits; (length,).

    Raises:
        ValueError: A number needs more than `AXIS_BITS` bits.

    Examples:
        >>> [bin(n) for n in spread_bits(4).tolist()]
        ['0b0', '0b1', '0b1000', '0b1001']
    """
    if length > 1 << AXIS_BITS:
        raise ValueError(f"expected axes of at most {1 << AXIS_BITS} positions, got {length}")
    numbers = np.arange(length, dtype=np.uint64)
    for shift, mask in _STEPS:
        numbers = (numbers | (numbers << shift)) & mask
    return numbers


def axis_keys(shape: tuple[int, int, int]) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """What each position along i, j, k adds (by `|`) to a record; a code fits below.

    Examples:
        >>> i, j, k = axis_keys((2, 2, 2))
        >>> positions = unpack_positions(i[[1]] | j[[0]] | k[[1]])
        >>> positions.tolist()
        [[1], [0], [1]]
    """
    i, j, k = (spread_bits(length) << np.uint64(CODE_BITS + 2 - axis) for axis, length in enumerate(shape))
    return i, j, k


def unpack_positions(records: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Positions (3, n) along i, j, k of records (n,)."""
    positions = np.empty((3, records.size), np.int32)
    for axis in range(3):
        _gather_bits(records, np.uint64(CODE_BITS + 2 - axis), positions[axis])
    return positions


def sort_records(records: NDArray[np.uint64], starts: NDArray[np.int64], shape: tuple[int, ...]) -> None:
    """Put each part `records[starts[n]:starts[n + 1]]` into Morton order, in place.

    Args:
        records: (n,) from `axis_keys`.
        starts: (parts + 1,) ascending.
        shape: Of the grid that the positions lie in.
    """
    bits = 3 * max(1, (max(shape) - 1).bit_length())
    passes = -(-bits // _DIGIT)
    _sort_parts(records, np.empty_like(records), starts, passes)


@njit(nogil=True, cache=True)
def _gather_bits(records: Any, shift: Any, positions: Any) -> None:
    for n in range(records.size):
        bits = (records[n] >> shift) & np.uint64(0x1249249249249249)
        bits = (bits | (bits >> np.uint64(2))) & np.uint64(0x10C30C30C30C30C3)
        bits = (bits | (bits >> np.uint64(4))) & np.uint64(0x100F00F00F00F00F)
        bits = (bits | (bits >> np.uint64(8))) & np.uint64(0x001F0000FF0000FF)
        bits = (bits | (bits >> np.uint64(16))) & np.uint64(0x001F00000000FFFF)
        bits = (bits | (bits >> np.uint64(32))) & np.uint64(0x00000000001FFFFF)
        positions[n] = np.int32(bits)


@njit(nogil=True, cache=True)
def _sort_parts(records: Any, spare: Any, starts: Any, passes: int) -> None:
    places = np.empty((1 << _DIGIT) + 1, np.int64)
    digit = np.uint64((1 << _DIGIT) - 1)
    for part in range(starts.size - 1):
        start = starts[part]
        stop = starts[part + 1]
        if stop - start < 2:
            continue
        source, sink = records, spare
        for step in range(passes):
            shift = np.uint64(CODE_BITS + step * _DIGIT)
            places[:] = 0
            for n in range(start, stop):
                places[np.int64((source[n] >> shift) & digit) + 1] += 1
            for n in range(1, places.size):
                places[n] += places[n - 1]
            for n in range(start, stop):
                key = np.int64((source[n] >> shift) & digit)
                sink[start + places[key]] = source[n]
                places[key] += 1
            source, sink = sink, source
        if passes % 2 == 1:
            records[start:stop] = spare[start:stop]
