"""Which image of a case is which input of a model, and in which unit."""

from __future__ import annotations

from collections.abc import Mapping

from oncohort.cohort import Cohort
from oncohort.errors import FormatError, MissingNeedError, SettingsError, shown
from oncohort.formats.nnunet_raw import RawDataset
from oncohort.formats.training_run import TrainingRun
from oncohort.units import Unit
from oncohort.volume import Volume

KNOWN_CHANNELS = {"ct": "ct", "pet": "pet", "pt": "pet", "suv": "pet"}
"""Role by name of a channel in lower case; other names do not say what they are."""


def parse_roles(text: str) -> tuple[str, ...]:
    """Roles with commas between.

    Examples:
        >>> parse_roles("ct, pet")
        ('ct', 'pet')
    """
    return tuple(role.strip() for role in text.split(",") if role.strip())


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
    """The unit that the image of a role must have, where the model says it.

    Args:
        roles: Of the channels, in order.
        given: What `input_roles` was given.
        run: The record of the training, if there is one.

    Examples:
        >>> input_units(("ct", "pet"), "", None)
        {'pet': 'SUVbw'}
        >>> input_units(("ct", "pet"), "ct,pet", None)
        {}
    """
    if run is not None:
        return {role: run.units[channel] for role, channel in zip(roles, run.channels, strict=True)}
    return {"pet": str(Unit.SUVBW)} if "pet" in roles and not given else {}


def require_units(images: Mapping[str, Volume], units: Mapping[str, str], *, case: str) -> None:
    """Raise unless the images of a case have the units that the model needs.

    Raises:
        MissingNeedError: Naming the first that has another one.
    """
    for role, unit in units.items():
        found = images[role].unit
        if str(found) != unit:
            raise MissingNeedError(
                expected=f"{role} in {unit}, as the model was trained with",
                found=f"{role} in {found}",
                where=f"case {case}",
                remedy=f"ingest the images so that {role} is in {unit} (PET from its DICOM series for the SUV), "
                "or use a model that was trained with the unit at hand",
            )


def require_roles(cohort: Cohort, roles: tuple[str, ...]) -> None:
    """Raise unless at least one case of a cohort has these roles.

    Raises:
        MissingNeedError: Naming those that are missing.
    """
    held = [{row["role"] for row in cohort.volume_rows(case)} for case in cohort.case_ids]
    if any(found.issuperset(roles) for found in held):
        return
    everywhere = set().union(*held)
    missing = [role for role in roles if role not in everywhere]
    raise MissingNeedError(
        expected=f"at least one case with {shown(roles, 9)}, the inputs of the model",
        found=f"no {shown(missing)} (roles: {shown(sorted(everywhere), 9) or 'none'})" if missing else "none with all",
        where=f"cohort {cohort.name!r}",
        remedy="name other roles with channels=..., or use a model that was trained with the images at hand",
    )
