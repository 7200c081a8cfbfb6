"""The Python blocks of every tutorial, and of every page that says so, run in order in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
PAGES = sorted(page for page in DOCS.rglob("*.md") if "run by the tests" in page.read_text(encoding="utf-8"))
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_there_are_tutorials() -> None:
    assert {page.stem for page in TUTORIALS} >= {"phantoms", "dicom-petct"}
    assert set(TUTORIALS) <= set(PAGES)


def test_the_pages_of_functions_run() -> None:
    assert {DOCS / name for name in ("boxes.md", "metrics.md", "statistics.md")} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert blocks
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "tutorial"}
    for block in blocks:
        line = text.count("\n", 0, block.start(1))
        exec(compile("\n" * line + block[1], str(page), "exec"), names)
