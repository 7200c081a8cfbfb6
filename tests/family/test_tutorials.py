"""The blocks of every tutorial, and the Python of every page that says so, run in order in an empty folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from oncohort.cli import run_command
from oncohort.phantoms.twins import TWINS

DOCS = Path(__file__).parents[2] / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
PAGES = sorted(page for page in DOCS.rglob("*.md") if "run by the tests" in page.read_text(encoding="utf-8"))
BLOCK = re.compile(r"^```(python|sh|toml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[.+\]\((.+)\)")
VARIANTS = {"autopet-tcia": "autopet", "enhance-pet-v1": "enhance-pet"}


def test_there_are_tutorials() -> None:
    sets = {VARIANTS.get(twin, twin) for twin in TWINS}
    assert {page.stem for page in TUTORIALS} == {"phantoms", "dicom-petct"} | sets
    assert set(TUTORIALS) <= set(PAGES)


def test_the_readme_links_every_tutorial() -> None:
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in TUTORIALS if f"docs/tutorials/{page.name}" not in readme] == []


def test_pictures_of_tutorials_are_small() -> None:
    pictures = [page.parent / name for page in TUTORIALS for name in PICTURE.findall(page.read_text(encoding="utf-8"))]
    assert pictures
    assert [path.name for path in pictures if path.stat().st_size > 120_000] == []


def test_the_pages_of_functions_run() -> None:
    assert {DOCS / name for name in ("boxes.md", "metrics.md", "statistics.md")} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text(encoding="utf-8")
    languages = {"python", "sh", "toml"} if page in TUTORIALS else {"python"}
    blocks = [block for block in BLOCK.finditer(text) if block[1] in languages]
    assert blocks
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "tutorial"}
    for block in blocks:
        if block[1] == "python":
            line = text.count("\n", 0, block.start(2))
            exec(compile("\n" * line + block[2], str(page), "exec"), names)
        elif block[1] == "toml":
            Path("study.toml").write_text(block[2], encoding="utf-8")
        else:
            _run_commands(block[2])


def _run_commands(block: str) -> None:
    """Every line is a call of the program that ends well."""
    for line in block.replace("\\\n", "").splitlines():
        program, *arguments = shlex.split(line)
        assert program == "oncohort", line
        assert run_command(arguments) == 0, line
