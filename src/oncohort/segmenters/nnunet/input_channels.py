"""Which image of a case is which input of a model, and in which unit."""

from __future__ import annotations

from collections.abc import Mapping

from oncohort.cohort import Cohort
from oncohort.errors import FormatError, MissingNeedError, SettingsError, shown
from oncohort.formats.nnunet_raw import RawDataset
from oncohort.formats.training_run import TrainingRun
from oncohort.units import USUAL_UNITS, Unit
from oncohort.volume import Volume

KNOWN_CHANNELS = {"ct": "ct", "pet": "pet", "pt": "pet", "suv": "pet"}
"""Role by name of a channel in lower case; other names do not say what they are."""

_IMAGE_UNITS = tuple(str(unit) for unit in Unit if unit is not Unit.LABEL)


def parse_roles(text: str) -> tuple[str, ...]:
    """Roles with commas between; units that follow after `=` are left out.

    Examples:
        >>> parse_roles("ct, pet=Bq/ml")
        ('ct', 'pet')
    """
    return tuple(role for role, _ in _words(text))


def parse_units(text: str) -> dict[str, str]:
    """The units that follow after `=`, by role.

    Raises:
        SettingsError: There is no such unit of an image.

    Examples:
        >>> parse_units("ct, pet=Bq/ml")
        {'pet': 'Bq/ml'}
    """
    units = {role: unit for role, unit in _words(text) if unit is not None}
    strange = [unit for unit in units.values() if unit not in _IMAGE_UNITS]
    if strange:
        raise SettingsError(
            expected=f"units among {', '.join(_IMAGE_UNITS)}",
            found=shown(strange),
            where=f"segmenter nnunet, channels={text}",
            remedy="name the unit in which the model was trained, such as channels=ct,pet=Bq/ml",
        )
    return units


def input_roles(dataset: RawDataset, given: str, run: TrainingRun | None) -> tuple[str, ...]:
    """The role of every input channel, in order.

    Args:
        dataset: What `dataset.json` of the model says.
        given: Roles with commas between; empty for what the run or the names of the channels say.
        run: The record of the training, if there is one.

    Raises:
        SettingsError: Channels are given in another number, or their names do not say what they are.
        FormatError: The run has another number of channels than the model.

    Examples:
        >>> input_roles(RawDataset({0: "CT", 1: "SUV"}, {"lesion": (1,)}), "", None)
        ('ct', 'pet')
    """
    names = tuple(dataset.channels.values())
    roles = parse_roles(given)
    if run is not None and len(run.channels) != len(names):
        raise FormatError(
            expected=f"{len(names)} channels, as dataset.json of the model has",
            found=f"{len(run.channels)}: {shown(run.channels)}",
            where="run.json of the training",
            remedy="train again",
        )
    if not roles and run is not None:
        return run.channels
    if not roles:
        roles = tuple(KNOWN_CHANNELS.get(name.strip().lower(), "") for name in names)
    if len(roles) != len(names) or len(set(roles)) < len(roles) or "" in roles:
        raise SettingsError(
            expected=f"the role of each of the {len(names)} channels of the model ({shown(names, 9)})",
            found=f"channels={given}" if given else "names that do not say it",
            where="segmenter nnunet",
            remedy="name the roles in the order of the channels, such as channels=ct,pet",
        )
    return roles


def input_units(roles: tuple[str, ...], given: str, run: TrainingRun | None) -> dict[str, str]:
    """The unit that the image of a role must have: of a run, its own; else what is given, HU for CT and SUV for PET.

    Args:
        roles: Of the channels, in order.
        given: What `input_roles` was given.
        run: The record of the training, if there is one.

    Raises:
        SettingsError: A unit is unknown, or another one than the model was trained with.

    Examples:
        >>> input_units(("ct", "pet"), "", None)
        {'ct': 'HU', 'pet': 'SUVbw'}
        >>> input_units(("pet", "mr"), "pet=Bq/ml,mr", None)
        {'pet': 'Bq/ml'}
    """
    units = parse_units(given)
    if run is None:
        usual = {role: str(USUAL_UNITS[kind]) for role in roles if (kind := role.partition(".")[0]) in USUAL_UNITS}
        return {**usual, **units}
    known = {role: run.units[channel] for role, channel in zip(roles, run.channels, strict=True)}
    wrong = next((role for role, unit in units.items() if known[role] != unit), None)
    if wrong is not None:
        raise SettingsError(
            expected=f"{wrong} in {known[wrong]}, as the model was trained with",
            found=f"{wrong}={units[wrong]}",
            where=f"segmenter nnunet, channels={given}",
            remedy="leave the unit out: run.json of the training knows it",
        )
    return known


def require_units(images: Mapping[str, Volume], units: Mapping[str, str], *, recorded: bool, case: str) -> None:
    """Raise unless the images of a case have the units that the model needs.

    Args:
        images: By role.
        units: Needed, by role; a role without is not looked at.
        recorded: Whether the record of the training says so.
        case: The case's id.

    Raises:
        MissingNeedError: Naming the first that has another one.
    """
    for role, unit in units.items():
        found = str(images[role].unit)
        if found != unit:
            raise _wrong_unit(role, unit, found, recorded=recorded, where=f"case {case}")


def require_units_somewhere(cohort: Cohort, units: Mapping[str, str], *, recorded: bool) -> None:
    """Raise if all images of a role in a cohort have another unit than the model needs.

    Args:
        cohort: Whose table says it.
        units: Needed, by role.
        recorded: Whether the record of the training says so.

    Raises:
        MissingNeedError: Naming the first role.
    """
    rows = [row for case in cohort.case_ids for row in cohort.volume_rows(case) if row["unit"] is not None]
    for role, unit in units.items():
        found = sorted({row["unit"] for row in rows if row["role"] == role})
        if found and unit not in found:
            where = f"all cases of cohort {cohort.name!r}"
            raise _wrong_unit(role, unit, shown(found), recorded=recorded, where=where)


def _wrong_unit(role: str, unit: str, found: str, *, recorded: bool, where: str) -> MissingNeedError:
    other = "use a model that was trained with the unit at hand"
    if not recorded and found in _IMAGE_UNITS:
        other = f"if the model was trained with {found}, name it after the role in channels=..., as {role}={found}"
    why = "as the model was trained with" if recorded else "as a model is taken to need"
    return MissingNeedError(
        expected=f"{role} in {unit}, {why}",
        found=f"{role} in {found}",
        where=where,
        remedy=f"ingest the images so that {role} is in {unit}"
        f"{' (PET from its DICOM series for the SUV)' if unit == Unit.SUVBW else ''}, or {other}",
    )


def _words(text: str) -> list[tuple[str, str | None]]:
    """Role and unit of every channel; None where no unit is named."""
    words = (word.partition("=") for word in text.split(",") if word.strip())
    return [(role.strip(), unit.strip() if sign else None) for role, sign, unit in words]
