"""Zero bits at either end of a 64-bit word; one processor instruction each when compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
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
