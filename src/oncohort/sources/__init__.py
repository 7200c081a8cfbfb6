"""Readers of public layouts: each turns a folder into cases and accounts for every file.

The registry, which imports every source, is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from oncohort.sources.protocol import CasePlan, FileStamp, Source, SourcePlan

if TYPE_CHECKING:
    from oncohort.sources.registry import AUTO, SOURCES, detect_source

__all__ = ["AUTO", "SOURCES", "CasePlan", "FileStamp", "Source", "SourcePlan", "detect_source"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'oncohort.sources' has no attribute {name!r}")
    return getattr(import_module("oncohort.sources.registry"), name)
