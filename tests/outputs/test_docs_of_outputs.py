"""What docs/outputs.md shows is what the code gives."""

import re
from pathlib import Path
from typing import get_args

from oncohort.metrics import Proportion
from oncohort.outputs import FolderForm, Level, PantsRow, methods_paragraph, pants_markdown
from oncohort.profiles import load_profile

PAGE = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text(encoding="utf-8")


def test_the_methods_paragraph_is_that_of_the_profile():
    shown = re.search(r"```text\n(.*?)```", PAGE, re.S)[1]
    assert " ".join(shown.split()) == methods_paragraph(load_profile("autopet-iii"))


def test_the_tables_of_pants_are_those_that_are_printed():
    shares = Proportion(122, 151), Proportion(121, 161), Proportion(675, 750)
    assert pants_markdown([PantsRow("MedFormer", *shares, Level(0.924), Level(0.529))]) in PAGE


def test_every_form_stands_in_the_table():
    listed = re.search(r"\| form \|.*?\n\n", PAGE, re.S)[0]
    assert re.findall(r"^\| `([\w-]+)`", listed, re.M) == [*get_args(FolderForm), "pants-row"]
