"""Synthetic PET/CT patients whose lesions are known exactly."""

from oncohort.phantoms.cohort import PhantomCohort, write_phantom_cohort
from oncohort.phantoms.lesions import LesionTruth
from oncohort.phantoms.patient import PhantomPatient, phantom_patient

__all__ = ["LesionTruth", "PhantomCohort", "PhantomPatient", "phantom_patient", "write_phantom_cohort"]
