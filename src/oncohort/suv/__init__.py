"""Standardised uptake values from what a PET header says, or a refusal with its reason."""

from oncohort.suv.activity import activity_factor
from oncohort.suv.alternatives import Alternative, suv_alternatives, with_alternatives
from oncohort.suv.autopet import autopet_factor
from oncohort.suv.body import Normalisation, body_mass_kg, body_surface_m2
from oncohort.suv.factor import SuvScale, suv_factor
from oncohort.suv.header import SERIES_TAGS, SLICE_TAGS, PetFrame, PetHeader, pet_header

__all__ = [
    "SERIES_TAGS",
    "SLICE_TAGS",
    "Alternative",
    "Normalisation",
    "PetFrame",
    "PetHeader",
    "SuvScale",
    "activity_factor",
    "autopet_factor",
    "body_mass_kg",
    "body_surface_m2",
    "pet_header",
    "suv_alternatives",
    "suv_factor",
    "with_alternatives",
]
