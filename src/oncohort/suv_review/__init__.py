"""How every PET of a folder, a table or a cohort becomes SUV, and which of them are odd."""

from oncohort.suv_review.oddities import find_odd
from oncohort.suv_review.page import suv_page
from oncohort.suv_review.reading import review_cohort_suv, review_suv, row_scale
from oncohort.suv_review.review import SeriesReview

__all__ = ["SeriesReview", "find_odd", "review_cohort_suv", "review_suv", "row_scale", "suv_page"]
