"""Tables of text and the formats made of them."""

import csv
import io

import pytest
from report_rows import aggregate

from oncohort.reporting import Column
from oncohort.reporting.leaderboard_tables import MOST_PAIRS, TextTable, comparison_tables, leaderboard_tables
from oncohort.reporting.numbers import format_p
from oncohort.reporting.text_formats import as_csv, as_latex, as_markdown, escape_latex, escape_markdown

DICE = Column("dice", "Dice", "1", "higher", "Overlap.")
EVIL = "\\write18{rm} _^~#$%&{}|<b>`[x](y)`\n*"


def row(model, metric, estimate, place, **more):
    stable = {
        "rank_low": 1.0,
        "rank_high": 2.0,
        "first_share": 0.25,
        "tau": 0.5,
        "letters": "ab",
        "structure": "lesion",
    }
    return aggregate(model, metric, estimate, place, **{**stable, **more})


def pair(first, second, metric="dice", structure="lesion"):
    names = {"subset": "all", "structure": structure, "metric": metric, "first": first, "second": second, "n": 4}
    numbers = dict.fromkeys(("mean_difference", "median_difference", "hodges_lehmann", "rank_biserial"), 0.125)
    return {**names, **numbers, "low": None, "high": None, "log10_p": -400.0, "log10_p_holm": -2.0, "test": "t"}


def test_a_row_holds_estimate_interval_counts_place_and_letters():
    (table,) = leaderboard_tables([row("a", "dice", 0.5, 1.0, low=0.25, high=0.75, n_undefined=2, n_missing=1)], [DICE])
    found = dict(zip(table.heads, table.rows[0], strict=True))
    assert found == {
        "Rank": "1",
        "Model": "a",
        "Estimate": "0.500",
        "95 % interval": "0.250 to 0.750",
        "Groups": "ab",
        "Places": "1–2",
        "n": "3",
        "Undef.": "2",
        "Missing": "1",
    }


def test_subsets_and_structures_are_named_only_where_there_are_several():
    rows = [row("a", "dice", 0.5, 1.0, subset=subset, structure=name) for subset in ("all", "x") for name in ("l", "s")]
    (table,) = leaderboard_tables(rows, [DICE])
    assert table.heads[:2] == ("Subset", "Structure")
    assert [cells[:2] for cells in table.rows] == [("all", "l"), ("all", "s"), ("x", "l"), ("x", "s")]
    (plain,) = leaderboard_tables(rows[:1], [DICE])
    assert plain.heads[0] == "Rank"


def test_facts_have_no_table_and_models_without_a_place_come_last():
    rows = [row("a", "dice", None, None, rank_low=None), row("b", "dice", 0.5, 1.0), row("a", "ml", 3.0, None)]
    (table,) = leaderboard_tables(rows, [DICE, Column("ml", "Volume", "ml")])
    assert [cells[1] for cells in table.rows] == ["b", "a"]
    assert table.rows[1][:3] == ("–", "a", "–")
    assert table.rows[1][5] == "–"


def test_too_many_pairs_are_left_to_the_letters():
    columns = [DICE]
    assert len(list(comparison_tables([pair("a", str(number)) for number in range(MOST_PAIRS)], columns))) == 1
    assert list(comparison_tables([pair("a", str(number)) for number in range(MOST_PAIRS + 1)], columns)) == []
    several = [pair("a", "b", structure="liver"), pair("a", "b", structure="macro mean")]
    (table,) = comparison_tables(several, columns)
    assert len(table.rows) == 1
    assert table.rows[0][-2:] == ("1.0e-400", "0.010")


@pytest.mark.parametrize(
    ("log10_p", "text"),
    [(0.0, "1.000"), (-2.999, "0.001"), (-3.0001, "1.0e-3"), (-1535.3711, "4.3e-1536"), (-9.99999, "1.0e-10")],
)
def test_p_values_keep_their_size(log10_p, text):
    found = format_p(log10_p)
    assert found == text or abs(float(found.split("e")[0]) - float(text.split("e")[0])) < 0.11


def test_nothing_in_a_name_is_a_command():
    table = TextTable(EVIL, (EVIL, "n"), (False, True), ((EVIL, "3"),), EVIL)
    latex = as_latex([table])
    assert "\\write18" not in latex
    assert r"\textbackslash{}write18\{rm\} \_\textasciicircum{}" in latex
    assert latex.count("\n") == as_latex([TextTable("a", ("b", "n"), (False, True), (("c", "3"),), "d")]).count("\n")
    markdown = as_markdown(EVIL, [table])
    assert "<b>" not in markdown
    assert r"\[x\](y)" in markdown
    assert len({line.replace("\\|", "").count("|") for line in markdown.splitlines() if line.startswith("|")}) == 1


def test_signs_that_latex_lacks_are_written_as_commands():
    assert escape_latex("−1–3 ≥ 2 τ ↑") == r"$-$1--3 $\geq$ 2 $\tau$ $\uparrow$"
    assert escape_markdown("a_b") == r"a\_b"


def test_csv_keeps_every_digit_and_quotes():
    rows = [{"model": 'a, "b"', "estimate": 1 / 3, "low": float("nan"), "n": 4, "shares": [0.1, 0.9]}]
    (found,) = csv.DictReader(io.StringIO(as_csv(rows, ["model", "estimate", "low", "n", "shares"])))
    assert found == {"model": 'a, "b"', "estimate": repr(1 / 3), "low": "", "n": "4", "shares": "0.1 0.9"}


def test_lesions_that_are_counted_instead_of_cases_are_called_lesions():
    sized = row("a", "dice", 0.5, 1.0, subset="size_class up to 1 ml", method="ratio (n counts lesions)")
    (table,) = leaderboard_tables([row("a", "dice", 0.5, 1.0), sized], [DICE])
    assert [cells[table.heads.index("n")] for cells in table.rows] == ["3", "3 lesions"]
    assert [heading for heading, _ in table.blocks] == ["all", "size_class up to 1 ml"]
    assert all(len(cells) == len(table.heads) - 1 for _, cells in table.blocks for cells in cells)


def test_the_overall_ranking_says_why_letters_may_differ_from_places():
    overall = leaderboard_tables([row("a", "rank", 1.0, 1.0)], [DICE])[0]
    assert "places follow means" in overall.note
