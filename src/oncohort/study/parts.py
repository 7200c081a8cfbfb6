"""What the sections of a study file have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PathText = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]+$")]
"""A path as a study file gives it: absolute, or relative to the file."""


class Part(BaseModel):
    """A section whose settings are all known; types are taken as they are written."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
