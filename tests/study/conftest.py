"""The synthetic patients of the study tests."""

from study_files import phantoms

__all__ = ["phantoms"]
