"""The rooms stay what docs/architecture.md says they are."""

import ast
import os
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "oncohort"
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}

ALLOWED = {
    "pydicom": {"formats"},
    "nibabel": {"formats"},
    "SimpleITK": {"formats", "harmonisation", "segmenters"},
    "matplotlib": {"reporting"},
    "jinja2": {"reporting"},
    "numba": {"kernels"},
    "rich": {"cli"},
    "cyclopts": {"cli", "__main__"},
    "torch": {"workers"},
    "nnunetv2": {"workers"},
    "fastapi": set(),
    "dask": set(),
}


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or ""


def functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    contract = next(contract for contract in contracts if contract["type"] == "layers")
    assert contract["exhaustive"]
    return {name.strip(" ()") for layer in contract["layers"] for name in layer.split("|")}


def test_imports_point_down(capsys):
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        status = lint_imports(no_cache=True)
    finally:
        os.chdir(before)
    assert status == 0, capsys.readouterr().out


def test_every_file_has_a_room_and_every_room_has_files():
    assert {room(path) for path in FILES} - {"__init__"} == layers()


@pytest.mark.parametrize("library", ALLOWED)
def test_heavy_libraries_stay_in_their_rooms(library):
    found = {room(path) for path, tree in TREES.items() for _, name in imports(tree) if name.split(".")[0] == library}
    assert found <= ALLOWED[library]


def test_only_the_command_line_speaks_and_ends_programs():
    loud = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"print", "sys.exit", "exit", "input"}
        and room(path) not in {"cli", "__main__"}
    ]
    assert loud == []


def test_the_environment_is_not_an_interface():
    readers = {
        room(path)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    }
    assert readers <= {"compute", "cli", "workers"}  # these hand it to the processes that they start


def test_own_modules_are_imported_at_the_top():
    hidden = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {name}"
        for path, tree in TREES.items()
        for function in functions(tree)
        for node, name in imports(function)
        if name.split(".")[0] == "oncohort"
    ]
    assert hidden == []


def test_files_are_short():
    assert {path.name: n for path in FILES if (n := len(path.read_text().splitlines())) > 500} == {}


def test_functions_are_short():
    spans = {
        f"{path.relative_to(PACKAGE)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1 - docstring_lines(node)
        for path, tree in TREES.items()
        for node in functions(tree)
    }
    assert {name: lines for name, lines in spans.items() if lines > 60} == {}
    assert sorted(spans.values())[int(len(spans) * 0.9)] <= 25


def docstring_lines(node):
    first = node.body[0]
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return (first.end_lineno or 0) - first.lineno + 1 if is_text else 0


def test_nothing_happens_without_a_reason_and_no_error_is_swallowed():
    broad = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    ]
    assert broad == []


def test_there_are_two_words_for_masks():
    words = {"gt", "y_true", "y_pred", "ground_truth", "true_mask", "pred_mask"}
    found = [
        f"{path.relative_to(PACKAGE)}:{argument.arg}"
        for path, tree in TREES.items()
        for node in functions(tree)
        for argument in (*node.args.args, *node.args.kwonlyargs)
        if argument.arg in words
    ]
    assert found == []
