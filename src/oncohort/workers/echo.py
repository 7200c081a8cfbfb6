"""The smallest worker: it gives back what it is sent. Tests use it, and it shows how one is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oncohort.workers.serving import serve


def _echo(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"event": "done", "text": request["text"]}


if __name__ == "__main__":
    serve(lambda: {"echo": _echo}, extra="dev")
