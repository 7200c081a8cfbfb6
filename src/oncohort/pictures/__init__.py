"""Pictures of cases: images, masks, boxes and prompts of a cohort on one sheet."""

from oncohort.description import is_synthetic
from oncohort.pictures.points import parse_at
from oncohort.pictures.showing import PLANES, ShownCase, show_case

__all__ = ["PLANES", "ShownCase", "is_synthetic", "parse_at", "show_case"]
