"""A recipe: steps in order, one TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from oncohort.cohort import Case
from oncohort.errors import SettingsError
from oncohort.harmonisation import STEPS, Resample
from oncohort.storage import parse_toml, read_settings_text


@dataclass(frozen=True)
class Recipe:
    """Steps in order.

    Examples:
        >>> step = {"role": "ct", "onto": "pet", "interpolation": "linear", "fill": -1024}
        >>> make_recipe([{"resample": step}]).changes
        ('ct',)
    """

    steps: tuple[Resample, ...]

    @property
    def changes(self) -> tuple[str, ...]:
        """Roles whose voxels a step replaces, in order of first change."""
        return tuple(dict.fromkeys(role for step in self.steps for role in step.changes))

    @property
    def needs(self) -> tuple[str, ...]:
        """Roles that the steps ask for, in order of first need."""
        return tuple(dict.fromkeys(role for step in self.steps for role in step.needs))

    def apply(self, case: Case) -> Case:
        """The case after all steps.

        Raises:
            MissingNeedError: The case lacks a role that a step needs.
        """
        for step in self.steps:
            case = step.apply(case)
        return case

    def settings(self) -> list[dict[str, Any]]:
        """The steps as `make_recipe` takes them (JSON values)."""
        return [{step.name: asdict(step)} for step in self.steps]


def make_recipe(settings: Sequence[Mapping[str, Any]], where: str = "recipe") -> Recipe:
    """The recipe that a list of one-key tables describes, such as `{"resample": {...}}`.

    Raises:
        SettingsError: A step is unknown, or its settings are wrong or incomplete.
    """
    return Recipe(tuple(_make_step(table, where) for table in settings))


def load_recipe(path: str | Path) -> Recipe:
    """The recipe in a TOML file with one `[[step]]` per step.

    Raises:
        SettingsError: The file is missing, no TOML, or a step is wrong.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> text = 'step = [{ resample = { role = "ct", onto = "pet", interpolation = "linear", fill = -1024 } }]'
        >>> with TemporaryDirectory() as there:
        ...     _ = Path(there, "recipe.toml").write_text(text)
        ...     load_recipe(f"{there}/recipe.toml").needs
        ('ct', 'pet')
    """
    try:
        values = parse_toml(read_settings_text(path))
    except (OSError, ValueError) as error:
        raise SettingsError(
            expected="a recipe in TOML",
            found=str(error),
            where=str(path),
            remedy="see docs/harmonise.md for an example",
        ) from error
    if set(values) != {"step"} or not isinstance(values["step"], list):
        raise SettingsError(
            expected="one [[step]] per step and nothing else",
            found=", ".join(values) or "an empty file",
            where=str(path),
            remedy="see docs/harmonise.md for an example",
        )
    return make_recipe(values["step"], str(path))


def _make_step(table: Mapping[str, Any], where: str) -> Resample:
    if not isinstance(table, Mapping) or len(table) != 1 or next(iter(table)) not in STEPS:
        raise SettingsError(
            expected=f"one step of {', '.join(STEPS)}",
            found=str(table),
            where=where,
            remedy="write one step per [[step]]",
        )
    name, settings = next(iter(table.items()))
    kind = STEPS[name]
    _refuse_unknown(kind, settings, f"{where}, step {name}")
    try:
        return TypeAdapter(kind).validate_python(settings)
    except ValidationError as error:
        problem = error.errors()[0]
        raise SettingsError(
            expected=f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}",
            found=repr(problem["input"]),
            where=f"{where}, step {name}",
            remedy="correct the setting",
        ) from error


def _refuse_unknown(kind: type[Resample], settings: object, where: str) -> None:
    known = [field.name for field in fields(kind)]
    unknown = [name for name in settings if name not in known] if isinstance(settings, Mapping) else [repr(settings)]
    if unknown:
        raise SettingsError(
            expected=f"settings {', '.join(known)}",
            found=", ".join(unknown),
            where=where,
            remedy="remove or rename the setting",
        )
