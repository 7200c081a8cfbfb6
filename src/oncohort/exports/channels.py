"""Input channels of nnU-Net: which role, or which prompts, and how it is normalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from oncohort.errors import SettingsError
from oncohort.prompts import POLARITIES

Normalisation = Literal["ct", "none", "z-score", "rescale"]
"""How nnU-Net is told to normalise a channel: as CT (clipped and scaled by the training set), not at all, by mean and
deviation of each image, or to 0 to 1 in each image."""

CHANNEL_NAMES: dict[str, str] = {"ct": "CT", "none": "noNorm", "z-score": "zscore", "rescale": "rescale_to_0_1"}
"""The channel name by which nnU-Net (2.8) picks a normalisation; any other name means z-score by image."""

PROMPT_ROLES = {f"prompts.{polarity}": polarity for polarity in POLARITIES}
"""Words for channels that are drawn from the cohort's prompts, and the polarity of these."""

USUAL: dict[str, Normalisation] = {
    "ct": "ct",
    "pet": "none",
    "prompts": "none",
    "foreground_prompts": "none",
    "background_prompts": "none",
}
"""CT as CT; PET not at all, so that SUV keep their meaning; heat maps of prompts not at all, because z-score turns a
point of a sparse channel into some hundred. Other roles need a word."""


@dataclass(frozen=True)
class Channel:
    """One input channel.

    Args:
        role: Role of the image in the cohort, or `prompts.foreground`, `prompts.background`: drawn from its prompts.
        normalisation: What nnU-Net does with it.

    Raises:
        SettingsError: Prompts of a polarity that does not exist.
    """

    role: str
    normalisation: Normalisation

    def __post_init__(self) -> None:
        if self.role.partition(".")[0] == "prompts" and self.role not in PROMPT_ROLES:
            raise _wrong(f"prompts as {' or '.join(PROMPT_ROLES)}", repr(self.role), "name one of them")

    @staticmethod
    def usual(role: str) -> Channel:
        """The channel of a role with its usual normalisation.

        Raises:
            SettingsError: The role has none.

        Examples:
            >>> Channel.usual("pet").normalisation
            'none'
        """
        kind = USUAL.get(role.partition(".")[0])
        if kind is None:
            raise _wrong(f"a normalisation ({', '.join(CHANNEL_NAMES)}) for role {role!r}", "none", "name one")
        return Channel(role, kind)

    @property
    def polarity(self) -> str | None:
        """Of the prompts that are drawn; None for an image of the cohort."""
        return PROMPT_ROLES.get(self.role)


def parse_channels(text: str) -> tuple[Channel, ...]:
    """Channels from roles with commas between, each with `=NORMALISATION` where the usual one is not meant.

    Raises:
        SettingsError: No role, or no such normalisation.

    Examples:
        >>> [(one.role, one.normalisation) for one in parse_channels("ct, pet=z-score")]
        [('ct', 'ct'), ('pet', 'z-score')]
    """
    return tuple(_channel(part.strip()) for part in text.split(",") if part.strip())


def _channel(text: str) -> Channel:
    role, mark, kind = text.partition("=")
    if not mark:
        return Channel.usual(role)
    for known in get_args(Normalisation):
        if role and kind == known:
            return Channel(role, known)
    remedy = "name one of them after the role, such as pet=z-score"
    raise _wrong(f"ROLE=NORMALISATION of {', '.join(CHANNEL_NAMES)}", repr(text), remedy)


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="channels", remedy=remedy)
