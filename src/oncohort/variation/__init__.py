"""The same predictions under other choices of the protocol."""

from oncohort.variation.choices import PARAMETERS, Choices, Parameter, Removal, Variant
from oncohort.variation.folder import read_choices, write_sensitivity
from oncohort.variation.page import render_sensitivity
from oncohort.variation.tables import CHOICE_SCHEMA, ENVELOPE, RANGE_SCHEMA
from oncohort.variation.variants import Variation, vary_profile
from oncohort.variation.varying import Sensitivity, measure_sensitivity

__all__ = [
    "CHOICE_SCHEMA",
    "ENVELOPE",
    "PARAMETERS",
    "RANGE_SCHEMA",
    "Choices",
    "Parameter",
    "Removal",
    "Sensitivity",
    "Variant",
    "Variation",
    "measure_sensitivity",
    "read_choices",
    "render_sensitivity",
    "vary_profile",
    "write_sensitivity",
]
