"""Rows and pictures for small reports."""

from __future__ import annotations

import struct
import zlib
from typing import Any


def png(width: int = 160, height: int = 80, padding: int = 0) -> bytes:
    """A valid grey PNG, made longer by a text chunk of `padding` bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes(width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"tEXt", b"x\0" + b"y" * padding), chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def score(model: str, case: str, metric: str, value: float | None, undefined: str | None = None) -> dict[str, Any]:
    return {"model": model, "case": case, "metric": metric, "value": value, "undefined": undefined}


def aggregate(model: str, metric: str, estimate: float | None, place: float | None, **more: Any) -> dict[str, Any]:
    row = {"model": model, "subset": "all", "metric": metric, "estimate": estimate, "low": None, "high": None}
    counts = {"n": 3, "n_undefined": 0, "n_missing": 0, "rank": place, "method": "mean over cases"}
    return {**row, **counts, **more}
