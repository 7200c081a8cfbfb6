"""Readers of public layouts: each turns a folder into cases and accounts for every file."""

from __future__ import annotations

from oncohort.sources.dicom import DicomSource
from oncohort.sources.nnunet import NnunetSource
from oncohort.sources.protocol import NO_IMAGE_REASONS, CasePlan, FileStamp, Source, SourcePlan

SOURCES: dict[str, Source] = {source.name: source for source in (DicomSource(), NnunetSource())}
"""Every source by its name, in the order of the help."""

__all__ = ["NO_IMAGE_REASONS", "SOURCES", "CasePlan", "FileStamp", "Source", "SourcePlan"]
