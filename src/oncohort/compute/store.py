"""Results of finished items, one small file per key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oncohort.errors import FormatError
from oncohort.storage import read_json, write_json


class ResultStore:
    """JSON results by key in a folder; a file is there whole or not at all.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     store = ResultStore(folder)
        ...     store.put("ab12", {"rows": 3})
        ...     store.get("ab12"), store.get("cd34")
        ({'rows': 3}, None)
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def __repr__(self) -> str:
        return f"ResultStore({str(self._folder)!r})"

    def get(self, key: str) -> Any | None:
        """The result stored under `key`, or None; an unreadable one counts as absent."""
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            return read_json(path)
        except FormatError:
            return None

    def put(self, key: str, result: Any) -> None:
        """Store `result` (JSON-able, not None) under `key`."""
        write_json(self._path(key), result)

    def prune(self, keep: set[str]) -> None:
        """Forget the results whose key is not in `keep`."""
        for path in self._folder.glob("*/*.json"):
            if path.stem not in keep:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"
