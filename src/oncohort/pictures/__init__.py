"""Pictures of cases: images, masks, boxes and prompts of a cohort on one sheet."""

from oncohort.pictures.points import parse_at
from oncohort.pictures.showing import PLANES, ShownCase, show_case
from oncohort.pictures.synthetic import is_synthetic

__all__ = ["PLANES", "ShownCase", "is_synthetic", "parse_at", "show_case"]
