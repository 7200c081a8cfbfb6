"""docs/show.md says what the code does."""

import inspect
import re
from pathlib import Path

from oncohort.cli.showing import Look
from oncohort.pictures import PLANES, show_case
from oncohort.reporting.drawing import WINDOWS

PAGE = (Path(__file__).parents[2] / "docs" / "show.md").read_text(encoding="utf-8")


def test_windows_are_those_of_the_table() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (-?\d+) \| (-?\d+) \|$", PAGE, re.M)
    assert [(name, float(width), float(level)) for name, width, level in rows] == [
        (name, window.width, window.level) for name, window in WINDOWS.items()
    ]


def test_flags_and_their_defaults_are_those_of_the_command() -> None:
    found = re.findall(r"^\| `--(\w+)[^`]*` \|([^|]*)\|", PAGE, re.M)
    rows = {name: default.strip() for name, default in found}
    look = Look()
    assert rows["window"] == f"`{look.window}`"
    assert rows["suv"] == f"`{look.suv}`"
    assert rows["planes"] == f"`{look.planes}`" == f"`{','.join(PLANES)}`"
    assert rows["timepoints"] == str(look.timepoints)
    assert set(rows) == {*vars(look), "out", "predictions", "json"}


def test_the_command_and_the_function_have_the_same_defaults() -> None:
    parameters = inspect.signature(show_case).parameters
    look = Look()
    assert parameters["window"].default == look.window
    assert parameters["timepoints"].default == look.timepoints
    assert ",".join(f"{part:g}" for part in parameters["suv"].default) == look.suv


def test_help_names_every_window() -> None:
    assert all(name in (Look.__doc__ or "") for name in WINDOWS)
