"""Standardised uptake values from what a PET header says, or a refusal with its reason."""

from oncohort.suv.factor import SuvScale, suv_factor
from oncohort.suv.header import SERIES_TAGS, SLICE_TAGS, PetFrame, PetHeader, pet_header

__all__ = ["SERIES_TAGS", "SLICE_TAGS", "PetFrame", "PetHeader", "SuvScale", "pet_header", "suv_factor"]
