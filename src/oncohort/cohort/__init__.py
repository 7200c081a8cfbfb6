"""Cases and cohorts: whose voxels these are."""

from oncohort.cohort.case import Case
from oncohort.cohort.cohort import Cohort, CohortFacts
from oncohort.cohort.tables import TABLES, Tables, as_table

__all__ = ["TABLES", "Case", "Cohort", "CohortFacts", "Tables", "as_table"]
