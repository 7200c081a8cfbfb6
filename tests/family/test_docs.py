"""The lists in docs/ are what the code says."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import oncohort
import oncohort.metrics
import oncohort.statistics
from oncohort.cli.app import app
from oncohort.harmonisation import STEPS
from oncohort.metrics import METRICS
from oncohort.outputs import profile_page
from oncohort.outputs.formulas import COHORT_FORMULAS, FORMULAS
from oncohort.outputs.methods import lesion_sentences, ranking_sentences, target_sentences
from oncohort.profiles import COHORT_METRICS, list_profiles, load_profile
from oncohort.refusals import NO_IMAGE_REASONS
from oncohort.segmenters import SEGMENTERS
from oncohort.sources import SOURCES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "oncohort"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])
COMMANDS = [name for name in app if not name.startswith("-")]

FUNCTION_PAGES = {
    "metrics.md": oncohort.metrics,
    "boxes.md": oncohort.metrics,
    "statistics.md": oncohort.statistics,
}
"""Pages of functions, and the room that they tell of."""


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def tables(text):
    """The rows of every table of a page, by the first word of its head."""
    found, rows = {}, None
    for line in text.splitlines():
        cells = (
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] if line.startswith("|") else []
        )
        if not cells:
            rows = None
        elif rows is None:
            rows = found.setdefault(cells[0], [])
        elif not set(cells[0]) <= set("-: "):
            rows.append(cells)
    return found


def code_words(cell):
    return re.findall(r"`([^`]+)`", cell)


def first_words(text, head):
    return [word for row in tables(text)[head] for word in code_words(row[0])]


def strings(*folders):
    trees = [ast.parse(path.read_text()) for folder in folders for path in sorted((SOURCE / folder).rglob("*.py"))]
    return {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}


def first_arguments(function, *folders):
    trees = [ast.parse(path.read_text()) for folder in folders for path in sorted((SOURCE / folder).rglob("*.py"))]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    called = [node for node in calls if ast.unparse(node.func).split(".")[-1] == function]
    return {node.args[0].value for node in called if isinstance(node.args[0], ast.Constant)}


def test_every_command_stands_in_the_table_and_nothing_else():
    listed = {words.split()[1] for words in first_words(page("cli.md"), "command")}
    assert listed == set(COMMANDS)


def options(command):
    nested = [command[name] for name in command if not name.startswith("-")]
    if nested:
        return set().union(*(options(one) for one in nested))
    names = {name for argument in command.assemble_argument_collection() for name in argument.names}
    positional = {
        name
        for argument in command.assemble_argument_collection()
        if argument.index is not None
        for name in argument.names
    }
    return {name for name in names - positional if name.startswith("--")}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_of_a_command_is_documented(name):
    text = page("cli.md")
    own = " ".join(row[0] for row in tables(text)["command"] if row[0].startswith(f"`oncohort {name}"))
    shared = {flag.split()[0] for flag in first_words(text, "flag")}
    assert {flag for flag in options(app[name]) if flag not in own} <= shared


def test_every_flag_in_the_table_exists():
    known = {flag for name in COMMANDS for flag in options(app[name])} | {"--version", "--help"}
    assert set(re.findall(r"--[a-z][a-z-]+", page("cli.md"))) <= known


def test_metrics_and_their_units_are_those_of_the_registry():
    rows = [(code_words(row[0])[0], row[1]) for row in tables(page("evaluate.md"))["metric"] if len(row) == 4]
    assert sorted(rows) == sorted((name, metric.unit) for name, metric in METRICS.items())


def test_profiles_are_those_that_come_with_the_package():
    listed = {code_words(row[0])[0]: row[1] for row in tables(page("profiles.md"))["name"]}
    assert listed == {name: str(load_profile(name).version) for name in list_profiles()}


@pytest.mark.parametrize("name", list_profiles())
def test_the_page_of_a_profile_is_written_from_its_file(name):
    """If this fails: oncohort profile page NAME > docs/profiles/NAME.md."""
    assert page(f"profiles/{name}.md") == profile_page(load_profile(name))
    assert f"(profiles/{name}.md)" in page("profiles.md")


def test_every_page_of_a_profile_belongs_to_one():
    assert {path.stem for path in (DOCS / "profiles").glob("*.md")} == set(list_profiles())


@pytest.mark.parametrize("name", list_profiles())
def test_the_page_of_a_profile_is_complete(name):
    text, profile = page(f"profiles/{name}.md"), load_profile(name)
    for rule in profile.metric:
        rows = [line for line in text.splitlines() if line.startswith(f"| `{rule.column}` |")]
        assert len(rows) == 2, rule.column
        assert FORMULAS[rule.name].replace("|", "\\|") in rows[0]
        assert rows[0].split(" | ")[3] == f"{rule.weight:g}"
    for entry in profile.cohort_metric:
        assert COHORT_FORMULAS[entry.name].replace("|", "\\|") in text
    for part in ("target", "components", "steps", "boxes", "subsets", "ranking"):
        given = profile.model_dump(mode="json")[part] or {}
        assert all(f"| `{part}.{key}` |" in text for key, value in given.items() if not isinstance(value, dict | None))
    assert profile.source in text
    comments = [line.lstrip("# ") for line in profile.text.splitlines() if line.startswith("#")]
    assert comments
    assert all(comment in text for comment in comments)
    for sentence in (*target_sentences(profile), *lesion_sentences(profile), *ranking_sentences(profile)):
        assert sentence[1:] in text


def test_formulas_of_the_pages_are_those_of_the_page_of_metrics():
    rows = {
        code_words(row[0])[0]: row[3].replace("\\|", "|")
        for row in tables(page("evaluate.md"))["metric"]
        if len(row) == 4
    }
    assert rows == FORMULAS
    assert set(COHORT_FORMULAS) == set(COHORT_METRICS)


def test_segmenters_and_their_parameters_are_listed():
    rows = {code_words(row[0])[0]: row[1] for row in tables(page("segment.md"))["segmenter"]}
    assert list(rows) == list(SEGMENTERS)
    for name, kind in SEGMENTERS.items():
        assert set(kind.__dataclass_fields__) - {"name", "description", "needs", "main", "usage"} <= set(
            code_words(rows[name])
        )
        assert kind.description


def test_sources_have_a_section_each():
    assert re.findall(r"^## Source `(.+)`", page("ingest.md"), re.M) == list(SOURCES)
    assert all(source.description for source in SOURCES.values())


def test_steps_have_a_section_each():
    assert re.findall(r"^## Step `(.+)`", page("harmonise.md"), re.M) == list(STEPS)


def test_reasons_of_refusal_are_listed():
    text = page("ingest.md")
    assert set(first_words(text, "reason")) == NO_IMAGE_REASONS
    heads = [head for head in tables(text) if head.startswith("reason of ")]
    others = {word for head in heads for word in first_words(text, head)}
    assert others <= strings("sources", "formats")
    assert first_arguments("Unusable", "sources", "formats") <= others | NO_IMAGE_REASONS
    assert first_arguments("_Unusable", "sources", "formats") <= others | NO_IMAGE_REASONS


def test_codes_of_refused_suvs_are_listed():
    listed = set(first_words(page("suv.md"), "code"))
    assert listed <= strings("suv")
    assert first_arguments("refusal", "suv") <= listed


def test_the_python_page_lists_the_facade():
    text = page("python.md")
    verbs = {word.split("(")[0] for word in first_words(text, "function")}
    values = set(first_words(text, "name"))
    assert verbs | values == set(oncohort._NAMES)


@pytest.mark.parametrize("name", sorted(oncohort._NAMES))
def test_signatures_on_the_python_page_are_the_real_ones(name):
    found = getattr(oncohort, name)
    if not inspect.isfunction(found):
        return
    shown = next(word for word in first_words(page("python.md"), "function") if word.startswith(f"{name}("))
    parameters = list(inspect.signature(found).parameters.values())
    assert [part.split("=")[0].strip() for part in re.findall(r"[^,()*]+", shown.split("(", 1)[1]) if part.strip()] == [
        parameter.name
        for parameter in parameters
        if f"{parameter.name}" in shown or parameter.default is parameter.empty
    ]


@pytest.mark.parametrize("name", sorted(oncohort._NAMES))
def test_every_public_name_has_a_docstring_with_an_example(name):
    found = getattr(oncohort, name)
    text = inspect.getdoc(found) or ""
    assert text
    if not (inspect.isclass(found) and issubclass(found, Exception) and name != "SuvRefusal"):
        assert ">>>" in text, f"{name} has no example"


def spans(name):
    """What stands between single backticks, outside of blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", page(name), flags=re.S | re.M))


@pytest.mark.parametrize("room", [oncohort.metrics, oncohort.statistics], ids=lambda room: room.__name__)
def test_every_public_name_of_a_room_of_functions_is_documented(room):
    pages = [name for name, told in FUNCTION_PAGES.items() if told is room]
    named = {span.split("(")[0] for name in pages for span in spans(name)}
    assert sorted(set(room.__all__) - named) == []


@pytest.mark.parametrize("name", FUNCTION_PAGES)
def test_the_functions_in_the_tables_are_public(name):
    rows = [
        word.split("(")[0]
        for head in ("function", "interval")
        for row in tables(page(name)).get(head, [])
        for word in code_words(row[0])
    ]
    assert set(rows) <= set(FUNCTION_PAGES[name].__all__)


@pytest.mark.parametrize("name", FUNCTION_PAGES)
def test_signatures_on_the_pages_of_functions_are_the_real_ones(name):
    """Arguments with a default may be left out; so may those that an ellipsis stands for."""
    for span in spans(name):
        shown = re.fullmatch(r"(\w+)\((.*)\)", span)
        found = getattr(FUNCTION_PAGES[name], shown[1], None) if shown else None
        if not inspect.isfunction(found) or "..." in span:
            continue
        words = [part.split("=")[0].strip() for part in shown[2].split(",") if part.strip(" *")]
        if not all(word.isidentifier() for word in words):  # a call
            continue
        parameters = inspect.signature(found).parameters.values()
        assert words == [word.name for word in parameters if word.name in words or word.default is word.empty], span


def test_the_readme_names_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text
    for target in ("demo", "test"):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def anchors(path):
    heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_page_is_linked_from_another():
    texts = {path: path.read_text(encoding="utf-8") for path in PAGES}
    lonely = [
        path.name
        for path in PAGES
        if path.name != "README.md"
        and not any(f"{path.name}" in text for other, text in texts.items() if other != path)
    ]
    assert lonely == []


def test_pages_that_errors_name_exist():
    named = {
        match
        for path in SOURCE.rglob("*.py")
        for match in re.findall(r"docs/[\w./-]+\.md", path.read_text(encoding="utf-8"))
    }
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
