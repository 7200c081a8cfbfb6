"""Results of finished items in one growing file: for many small ones."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from oncohort.errors import OutputError
from oncohort.storage import write_bytes


class ResultJournal:
    """JSON results by key, one line each, in a file that only grows; what is stored survives a killed process.

    The last line of a key counts. A line that is cut short or damaged counts
    as absent and harms no other. Nothing is written before the first result.

    Args:
        path: The file; made with the first result, with its folders.

    Raises:
        OutputError: By `put` and `prune`: the file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with ResultJournal(f"{folder}/results.jsonl") as journal:
        ...         journal.put("ab12", {"rows": 3})
        ...     with ResultJournal(f"{folder}/results.jsonl") as journal:
        ...         journal.get("ab12"), journal.get("cd34")
        ({'rows': 3}, None)
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._stream: IO[bytes] | None = None
        self._sound = 0
        self._texts = self._load()

    def __enter__(self) -> ResultJournal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ResultJournal({str(self._path)!r})"

    def get(self, key: str) -> Any | None:
        """The result stored under `key`, or None; an unreadable one counts as absent."""
        text = self._texts.get(key)
        if text is None:
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None

    def put(self, key: str, result: Any) -> None:
        """Store `result` (JSON-able, not None) under `key`, which holds neither tab nor line break.

        Raises:
            OutputError: The file cannot be written.
            ValueError: `result` holds a NaN or an infinity, which JSON cannot say.
        """
        text = json.dumps(result, allow_nan=False).encode()
        try:
            stream = self._stream = self._stream or self._opened()
            stream.write(b"%b\t%b\n" % (key.encode(), text))
            stream.flush()
        except OSError as error:
            raise self._unwritable(error) from error
        self._texts[key] = text

    def prune(self, keep: Collection[str]) -> None:
        """Forget the results whose key is not in `keep`; the file is written anew if there are any.

        Raises:
            OutputError: The file cannot be written.
        """
        wanted = set(keep)
        kept = {key: text for key, text in self._texts.items() if key in wanted}
        if len(kept) == len(self._texts):
            return
        self.close()
        self._texts = kept
        content = b"".join(b"%b\t%b\n" % (key.encode(), text) for key, text in kept.items())
        write_bytes(self._path, content)
        self._sound = len(content)

    def close(self) -> None:
        """Close the file; the next result opens it again."""
        if self._stream is None:
            return
        self._sound = self._stream.tell()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._stream = None

    def _opened(self) -> IO[bytes]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        stream = self._path.open("ab")
        if stream.tell() > self._sound:
            stream.truncate(self._sound)
        return stream

    def _load(self) -> dict[str, bytes]:
        if not self._path.is_file():
            return {}
        try:
            content = self._path.read_bytes()
        except OSError:
            return {}
        self._sound = content.rfind(b"\n") + 1
        texts = {}
        for line in content[: self._sound].split(b"\n"):
            key, tab, text = line.partition(b"\t")
            if tab:
                texts[key.decode("utf-8", "replace")] = text
        return texts

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            expected="a place that can be written",
            found=error.strerror or str(error),
            where=str(self._path),
            remedy="free space or choose another --out; what was finished is kept and the same command continues",
        )
