"""DICOM series become NIfTI files with all that stands behind their numbers."""

from oncohort.conversion.converting import Conversion, convert
from oncohort.conversion.settings import ConversionSettings

__all__ = ["Conversion", "ConversionSettings", "convert"]
