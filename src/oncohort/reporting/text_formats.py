"""Tables of text as Markdown and LaTeX; rows as CSV."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from oncohort.reporting.data import Row
from oncohort.reporting.leaderboard_tables import TextTable

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "–": "--",
    "\u202f": r"\,",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "→": r"$\rightarrow$",
    "×": r"$\times$",
    "τ": r"$\tau$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~])")


def escape_latex(text: str) -> str:
    r"""The text as LaTeX prints it; nothing in it is a command.

    Examples:
        >>> print(escape_latex("41_percent & 5%"))
        41\_percent \& 5\%
    """
    plain = " ".join(text.split())
    return "".join(_LATEX.get(letter, letter) for letter in plain)


def escape_markdown(text: str) -> str:
    r"""The text as Markdown shows it, also inside a table.

    Examples:
        >>> print(escape_markdown("a|b_c"))
        a\|b\_c
    """
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def as_markdown(title: str, tables: Iterable[TextTable]) -> str:
    """The tables as a page of Markdown with pipe tables.

    Examples:
        >>> print(as_markdown("Board", [TextTable("Dice", ("Model", "n"), (False, True), (("a", "3"),))]))
        # Board
        <BLANKLINE>
        ## Dice
        <BLANKLINE>
        | Model | n |
        |---|--:|
        | a | 3 |
        <BLANKLINE>
    """
    parts = [f"# {escape_markdown(title)}", ""]
    for table in tables:
        parts += [f"## {escape_markdown(table.title)}", "", _markdown_row(table.heads)]
        parts += ["|" + "|".join("--:" if numeric else "---" for numeric in table.numeric) + "|"]
        parts += [_markdown_row(row) for row in table.rows]
        parts += ["", escape_markdown(table.note), ""] if table.note else [""]
    return "\n".join(parts)


def as_latex(tables: Iterable[TextTable]) -> str:
    r"""The tables as LaTeX floats; the document needs the package booktabs.

    Examples:
        >>> print(as_latex([TextTable("Dice", ("Model", "n"), (False, True), (("a_1", "3"),))]))
        % \usepackage{booktabs}
        \begin{table}
        \centering
        \caption{Dice.}
        \begin{tabular}{lr}
        \toprule
        Model & n \\
        \midrule
        a\_1 & 3 \\
        \bottomrule
        \end{tabular}
        \end{table}
        <BLANKLINE>
    """
    parts = [r"% \usepackage{booktabs}"]
    for table in tables:
        caption = escape_latex(table.title) + "." + (f" {escape_latex(table.note)}" if table.note else "")
        parts += [r"\begin{table}", r"\centering", rf"\caption{{{caption}}}"]
        parts += [rf"\begin{{tabular}}{{{''.join('r' if numeric else 'l' for numeric in table.numeric)}}}", r"\toprule"]
        parts += [_latex_row(table.heads), r"\midrule", *(_latex_row(row) for row in table.rows)]
        parts += [r"\bottomrule", r"\end{tabular}", r"\end{table}", ""]
    return "\n".join(parts)


def as_csv(rows: Sequence[Row], columns: Sequence[str]) -> str:
    r"""One line per row, numbers with all their digits, nothing where there is no value; lists joined by spaces.

    Examples:
        >>> as_csv([{"model": "a", "low": None, "shares": [0.5, 0.5]}], ["model", "low", "shares"])
        'model,low,shares\na,,0.5 0.5\n'
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_csv_cell(row.get(name)) for name in columns] for row in rows)
    return stream.getvalue()


def _csv_cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | tuple):
        return " ".join(repr(one) for one in value)
    return repr(value) if isinstance(value, float) else value


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(escape_markdown(cell) for cell in cells) + " |"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(escape_latex(cell) for cell in cells) + r" \\"
