"""The synthetic patients of the command line tests."""

from study_files import phantoms

__all__ = ["phantoms"]
