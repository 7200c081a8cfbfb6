"""Readers of public layouts: each turns a folder into cases and accounts for every file."""

from oncohort.sources.protocol import CasePlan, FileStamp, Source, SourcePlan
from oncohort.sources.registry import AUTO, SOURCES, detect_source

__all__ = ["AUTO", "SOURCES", "CasePlan", "FileStamp", "Source", "SourcePlan", "detect_source"]
