import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from report_rows import aggregate, png, score

from oncohort.errors import OutputError
from oncohort.reporting import CasePicture, CohortFacts, Column, ModelFacts, Provenance, ReportData, render_report
from oncohort.reporting import write_report as write

EVIL = "</script></style><img src=x onerror=alert(1)>\"'&$"
MakeReport = Callable[..., ReportData]


class Page(HTMLParser):
    """Tags, their attributes and the text of a page; unbalanced tags are an error."""

    EMPTY = frozenset({"meta", "img", "input", "br", "line", "circle"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def plain(text: str) -> str:
    """The words of the page without tags, style and script."""
    bare = re.sub(r"<(style|script)>.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).replace("&nbsp;", " ").split())


def test_the_page_is_complete_and_balanced(make_report: MakeReport) -> None:
    text = render_report(make_report())
    page = Page(text)
    ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    assert {"summary", "cohort", "leaderboard", "pictures", "cases", "provenance"} <= set(ids)
    for link in page.all("a"):
        assert str(link["href"])[1:] in ids
    assert all(image["alt"] for image in page.all("img"))
    assert all(cell.get("scope") for cell in page.all("th"))


def test_nothing_is_loaded_from_elsewhere(make_report: MakeReport) -> None:
    page = Page(render_report(make_report()))
    sources = [value for _, attrs in page.tags for name, value in attrs.items() if name in ("src", "href")]
    assert all(str(value).startswith(("#", "data:image/png;base64,")) for value in sources)
    assert not page.all("link")
    assert not any("style" in attrs or any(name.startswith("on") for name in attrs) for _, attrs in page.tags)


def test_the_policy_allows_this_style_and_this_script_only(make_report: MakeReport) -> None:
    text = render_report(make_report())
    policy = next(attrs["content"] for attrs in Page(text).all("meta") if "http-equiv" in attrs)
    assert str(policy).startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        (body,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in str(policy)


def test_every_string_is_escaped(make_report: MakeReport) -> None:
    evil_row = {name: EVIL for name in ("path", "reason", "detail", "rule", "severity", "case", "evidence", "remedy")}
    text = render_report(
        make_report(
            title=EVIL,
            subtitle=EVIL,
            cohort=CohortFacts(EVIL, EVIL, 1, 1, EVIL, {EVIL: 1}, (EVIL,), {EVIL: 1}),
            provenance=Provenance(
                EVIL, {EVIL: EVIL}, {EVIL: EVIL}, ({"name": EVIL, "sha256": EVIL},), EVIL, EVIL, EVIL
            ),
            models=(ModelFacts(EVIL, EVIL),),
            metrics=(Column("dice", EVIL, EVIL, "higher", EVIL),),
            leaderboard=(
                aggregate(EVIL, "dice", 1.0, 1.0, low=0.5, high=2.0, n_missing=1, subset=EVIL, method=EVIL),
                aggregate(EVIL, "dice", 1.0, 1.0, subset="b"),
                aggregate(EVIL, "rank", 1.0, 1.0),
            ),
            scores=(score(EVIL, EVIL, "dice", None, EVIL),),
            case_columns=(Column("x", EVIL, EVIL),),
            cases=({"case": EVIL, "patient": EVIL + "2", "x": 1.0}, {"case": "b", "x": None, "undefined": {"x": EVIL}}),
            pictures=(CasePicture(EVIL, png(), ((EVIL, EVIL, EVIL),)),),
            refused=(evil_row,),
            findings=(evil_row,),
            notes=(EVIL,),
            interval=EVIL,
            picture_order=EVIL,
            synthetic=True,
        )
    )
    page = Page(text)
    assert len(page.all("script")) == len(page.all("style")) == len(page.all("img")) == 1
    assert not any("onerror" in attrs for _, attrs in page.tags)
    assert plain(text).count("onerror=alert(1)") > 30


def test_every_field_reaches_the_page(make_report: MakeReport) -> None:
    """A field that no template shows is a fact that no reader sees."""
    folder = Path(__file__).parents[2] / "src" / "oncohort" / "reporting"
    shown = "".join(path.read_text() for path in [*folder.glob("templates/*.j2"), *folder.glob("*.py")])
    for kind, name in ((ReportData, "data"), (CohortFacts, "data.cohort"), (Provenance, "data.provenance")):
        for field in fields(kind):
            assert f"{name}.{field.name}" in shown, field.name


def test_synthetic_data_say_so_everywhere(make_report: MakeReport) -> None:
    text = render_report(make_report(synthetic=True))
    assert 'class="banner"' in text
    assert "(synthetic)</title>" in text
    assert 'alt="Synthetic image.' in text
    assert '<span class="badge synthetic">synthetic</span>' in text
    assert "ynthetic" not in re.sub(r"<style>.*?</style>", "", render_report(make_report()), flags=re.DOTALL)


def test_the_leaderboard_states_numbers_intervals_and_what_is_lacking(make_report: MakeReport) -> None:
    words = plain(render_report(make_report()))
    assert "1 high incomplete 1.25 1.00 to 1.50 0.800 –" in words
    assert "2 low SUV of 2.5 or more 1.75 0.500 12.0" in words
    assert "2 low 0.500 0.250 to 0.750 2 1 0" in words
    assert "False positive volume ml ↓" in words
    assert "Dice ↑" in words
    assert "Method: mean over cases." in words


def test_an_interval_is_drawn_where_it_lies(make_report: MakeReport) -> None:
    text = render_report(make_report())
    svg = next(part for part in text.split("<svg") if 'aria-label="low: 0.500, 95 % interval 0.250 to 0.750"' in part)
    assert 'x1="70.0" x2="190.0"' in svg
    assert 'class="estimate" cx="130.0"' in svg
    assert [place for place in re.findall(r'class="dot" cx="([\d.]+)"', svg)] == ["70.0", "190.0"]


def test_models_without_a_rank_keep_the_order_of_the_report(make_report: MakeReport) -> None:
    rows = (aggregate("high", "fpv_ml", 1.0, None), aggregate("low", "fpv_ml", 2.0, None))
    words = plain(render_report(make_report(leaderboard=rows)))
    assert words.index("– low 2.0") < words.index("– high 1.0")


def test_a_model_without_a_rank_comes_after_the_ranked(make_report: MakeReport) -> None:
    rows = (aggregate("low", "fpv_ml", None, None), aggregate("high", "fpv_ml", 2.0, 1.0))
    words = plain(render_report(make_report(leaderboard=rows)))
    assert words.index("1 high 2.0") < words.index("– low –")


def test_subsets_are_named_when_there_are_several(make_report: MakeReport) -> None:
    rows = tuple(aggregate("low", "dice", 0.5, 1.0, subset=subset) for subset in ("all", "FDG, centre 1"))
    assert '<th colspan="10" scope="rowgroup">FDG, centre 1</th>' in render_report(make_report(leaderboard=rows))
    assert "rowgroup" not in render_report(make_report())


def test_the_case_table_holds_every_case_and_reason(make_report: MakeReport) -> None:
    text = render_report(make_report())
    body = text[text.index("data-cases") :].split("</table>")[0]
    assert body.count('<tr><th scope="row">') == 3
    assert '<a href="#picture-1" title="picture of this case">b</a>' in body
    assert 'title="undefined: the reference is empty">–</td>' in body
    assert 'title="undefined: no lesion">–</td>' in body
    assert 'title="undefined: not scored">–</td>' in body
    assert 'data-value="12345.6">12\u202f345.6</td>' in body
    assert 'title="the prediction is missing and counts as the worst"><span>0.000</span>' in body
    assert "undefined: the reference is empty (1), the prediction is missing (1)" in plain(text)


def test_patients_are_shown_only_where_they_differ_from_the_cases(make_report: MakeReport) -> None:
    same = tuple({"case": name, "patient": name, "lesion_ml": 1.0} for name in "abc")
    assert ">Patient</th>" in render_report(make_report())
    assert ">Patient</th>" not in render_report(make_report(cases=same))


def test_the_first_two_hundred_refused_are_listed_and_all_are_counted(make_report: MakeReport) -> None:
    refused = tuple({"path": f"f{number}.dcm", "reason": f"r{number % 14}", "detail": None} for number in range(321))
    text = render_report(make_report(refused=refused))
    assert "The first 200 of 321" in text
    assert text.count(".dcm</td>") == 200
    assert "2 other reasons" in text
    assert "every file was used" in render_report(make_report())


def test_the_caption_says_which_line_is_which(make_report: MakeReport) -> None:
    words = plain(render_report(make_report()))
    assert "Case b. SUV 0 is white, 10 and above black. reference low Dice 0.750" in words
    for state, said in (("empty", "the reference is empty"), ("absent", "no reference")):
        picture = CasePicture("b", png(), reference=state)  # type: ignore[arg-type]
        assert f"black. {said}" in plain(render_report(make_report(pictures=(picture,))))


def test_sheets_of_the_ct_are_not_called_projections(make_report: MakeReport) -> None:
    sheet = CasePicture("b", png(), (("low", "#0072b2", "Dice 0.750"),), is_sheet=True)
    text = render_report(make_report(pictures=(sheet,)))
    words = plain(text)
    assert "Case b. low Dice 0.750" in words
    assert "Planes of the CT of case b" in text
    assert "projection" not in text.split('id="pictures"')[1].split("</section>")[0].lower()
    both = plain(render_report(make_report(pictures=(sheet, CasePicture("c", png())))))
    assert "projections of the PET" in both and "Cases without PET are planes of the CT" in both


def test_pictures_are_shown_at_a_quiet_size(make_report: MakeReport) -> None:
    assert Page(render_report(make_report())).all("img")[0]["width"] == "96"


def test_at_most_thirty_pictures(make_report: MakeReport) -> None:
    text = render_report(make_report(pictures=tuple(CasePicture(f"c{number}", png()) for number in range(33))))
    assert text.count("<figure") == 30
    assert "3 more pictures were left out" in text


def test_at_most_twenty_megabytes(make_report: MakeReport) -> None:
    large = tuple(CasePicture(f"c{number}", png(padding=4_000_000)) for number in range(5))
    text = render_report(make_report(pictures=large))
    assert len(text.encode()) < 20_000_000
    assert text.count("<figure") == 3
    assert "2 more pictures were left out" in text


def test_an_empty_report_is_still_a_page() -> None:
    text = render_report(ReportData("Nothing", CohortFacts("none", "dicom", 0, 0), Provenance("now")))
    Page(text)
    assert "not stated" in text
    assert 'id="leaderboard"' not in text
    assert 'id="cases"' not in text


def test_the_file_is_written_whole_or_refused(make_report: MakeReport, tmp_path: Path) -> None:
    path = write(tmp_path / "deep" / "report.html", make_report())
    assert path.read_text(encoding="utf-8") == render_report(make_report())
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OutputError):
        write(blocked / "report.html", make_report())


def test_columns_are_named_after_their_metric() -> None:
    column = Column("nsd", "Nsd")
    assert (column.digits, column.printed_unit) == (3, "")
    assert (Column("a", "A", "SUV").digits, Column("a", "A", "ml").printed_unit) == (2, "ml")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the program chromium")
def test_sorting_and_filtering_work_in_a_browser(make_report: MakeReport, tmp_path: Path) -> None:
    path = write(tmp_path / "report.html", make_report())
    assert "3 of 3 cases" in _dom(path)
    clicks = """<script>
    const heads = document.querySelectorAll("[data-cases] thead button");
    const head = Array.from(heads).find((one) => one.textContent.includes("Lesion volume"));
    head.click(); head.click();
    const box = document.querySelector("[data-filter]");
    box.value = "p"; box.dispatchEvent(new Event("input"));
    </script></body>"""
    text = re.sub(r'<meta http-equiv="Content[^>]*>', "", path.read_text()).replace("</body>", clicks)
    (tmp_path / "clicked.html").write_text(text)
    found = _dom(tmp_path / "clicked.html")
    assert 'aria-sort="descending"' in found
    body = found[found.index("<tbody", found.index("data-cases")) :]
    assert re.findall(r'<th scope="row">(?:<a[^>]*>)?(\w)', body)[:3] == ["b", "a", "c"]  # 8 ml, 4 ml, undefined
    assert 'data-show="m0"' in found


def _dom(path: Path) -> Any:
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={path.parent}/profile"]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_letters_and_counted_lesions_are_explained(make_report: MakeReport) -> None:
    rows = (
        aggregate("a", "dice", 0.5, 1.0),
        {**aggregate("a", "dice", 0.5, 1.0, subset="size_class x"), "n": 77, "method": "ratio (n counts lesions)"},
        aggregate("a", "rank", 1.0, 1.0),
    )
    text = plain(render_report(make_report(leaderboard=rows)))
    assert "the places follow means, the letters single cases" in text
    assert "77 lesions" in text
