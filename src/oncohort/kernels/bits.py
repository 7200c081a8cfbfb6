"""Bits of 64-bit words: zeros at either end (one processor instruction each when compiled), words without any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic, overload


def trailing_zeros(word: Any) -> int:
    """Zero bits below the lowest set bit of a word that is not zero.

    Examples:
        >>> trailing_zeros(0b101000)
        3
    """
    return (int(word) & -int(word)).bit_length() - 1


def leading_zeros(word: Any) -> int:
    """Zero bits above the highest set bit of a 64-bit word that is not zero.

    Examples:
        >>> leading_zeros(1 << 60)
        3
    """
    return 64 - int(word).bit_length()


@intrinsic
def _cttz(_typing: Any, word: Any) -> Any:
    def build(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.int64(types.uint64), build


@intrinsic
def _ctlz(_typing: Any, word: Any) -> Any:
    def build(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], context.get_constant(types.boolean, True))

    return types.int64(types.uint64), build


@overload(trailing_zeros)
def _compile_trailing_zeros(word: Any) -> Callable[[Any], Any]:
    def compiled(word: Any) -> int:
        return _cttz(word)  # type: ignore[no-any-return]

    return compiled


@overload(leading_zeros)
def _compile_leading_zeros(word: Any) -> Callable[[Any], Any]:
    def compiled(word: Any) -> int:
        return _ctlz(word)  # type: ignore[no-any-return]

    return compiled


_NEAR, _SOME, _MANY = 16, 8, 64


@njit(nogil=True, cache=True)
def first_word(first: Any, second: Any, start: int) -> int:
    """Position of the first word from `start` on that is not 0 in either array; their number if there is none.

    The nearest words are looked at one by one, those behind them in blocks.

    Args:
        first: (n,) uint64.
        second: (n,) uint64; the same array again where there is only one.
        start: From 0 to n.

    Examples:
        >>> first_word(np.array([7, 0, 0, 0, 0], np.uint64), np.array([0, 0, 0, 5, 0], np.uint64), 1)
        3
    """
    word = start
    near = min(start + _NEAR, first.size)
    while word < near and (first[word] | second[word]) == 0:
        word += 1
    if word < near:
        return word
    while word + _MANY <= first.size and _is_empty(first, second, word, _MANY):
        word += _MANY
    while word + _SOME <= first.size and _is_empty(first, second, word, _SOME):
        word += _SOME
    while word < first.size and (first[word] | second[word]) == 0:
        word += 1
    return word


@njit(nogil=True, cache=True)
def _is_empty(first: Any, second: Any, start: int, number: int) -> bool:
    found = np.uint64(0)
    for n in range(number):
        place = np.uint64(start + n)  # no sign, or every place is looked at for being counted from the end
        found |= first[place] | second[place]
    return bool(found == 0)
