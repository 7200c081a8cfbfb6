"""Benchmarks: profile, with what one can ask of a written protocol."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from cyclopts import App

from oncohort import __version__
from oncohort.cli.output import ExitCode, Json, print_json, print_text, say, show_table
from oncohort.outputs import methods_paragraph, profile_page
from oncohort.profiles import compare_profiles, list_profiles, load_profile

profile = App(name="profile", help="Show the written protocols of benchmarks.")


@profile.command(name="list")
def list_(*, json: Json = False) -> int:
    """List the profiles that come with Oncohort.

    Args:
        json: Print one machine-readable document on stdout.
    """
    rows = [[one.name, one.version, one.title] for one in map(load_profile, list_profiles())]
    if json:
        print_json({"profiles": [{"name": name, "version": version, "title": title} for name, version, title in rows]})
    show_table("profiles", ["name", "version", "title"], rows)
    return ExitCode.DONE


@profile.command
def show(name: str, *, json: Json = False) -> int:
    """Print a profile, word for word.

    Args:
        name: Name or file of the profile.
        json: Print one machine-readable document on stdout.
    """
    shown = load_profile(name)
    if json:
        print_json(shown.model_dump(mode="json"))
    else:
        print_text(shown.text)
    return ExitCode.DONE


@profile.command
def methods(name: str, *, json: Json = False) -> int:
    """Print a profile in words, as a paragraph for a methods section.

    Args:
        name: Name or file of the profile.
        json: Print one machine-readable document on stdout.
    """
    text = methods_paragraph(load_profile(name), software=f"Oncohort {__version__}")
    if json:
        print_json({"methods": text})
    else:
        print_text(text)
    return ExitCode.DONE


@profile.command
def page(name: str, *, json: Json = False) -> int:
    """Print a profile as a page in Markdown, with formulas and tables.

    Args:
        name: Name or file of the profile.
        json: Print one machine-readable document on stdout.
    """
    text = profile_page(load_profile(name))
    if json:
        print_json({"page": text})
    else:
        print_text(text.rstrip("\n"))
    return ExitCode.DONE


@profile.command
def validate(file: Path, *, json: Json = False) -> int:
    """Check a profile of your own; every broken key is named.

    Args:
        file: The profile.
        json: Print one machine-readable document on stdout.
    """
    found = load_profile(file.absolute())
    if json:
        print_json({"valid": True, "name": found.name, "version": found.version, "metrics": list(found.metrics)})
    say(f"{file}: profile {found.name}, version {found.version}, is valid")
    return ExitCode.DONE


@profile.command
def diff(first: str, second: str, *, json: Json = False) -> int:
    """List every key that two profiles answer differently.

    Args:
        first: Name or file of a profile.
        second: Name or file of another.
        json: Print one machine-readable document on stdout.
    """
    one, other = load_profile(first), load_profile(second)
    differences = compare_profiles(one, other)
    if json:
        print_json({"first": one.name, "second": other.name, "differences": [asdict(each) for each in differences]})
    else:
        rows = [[each.key, _words(each.first), _words(each.second)] for each in differences]
        show_table("differences", ["key", one.name, other.name], rows)
    return ExitCode.DONE


def _words(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(found)}" for key, found in value.items() if found is not None)
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
