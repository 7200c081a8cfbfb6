"""Ordered steps, written down, applied to a cohort."""

from oncohort.recipes.harmonising import harmonise
from oncohort.recipes.recipe import Recipe, load_recipe, make_recipe

__all__ = ["Recipe", "harmonise", "load_recipe", "make_recipe"]
