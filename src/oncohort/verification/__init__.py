"""Whether a NIfTI file holds what the DICOM series says, voxel for voxel and field for field, and if not, why."""

from oncohort.verification.page import proof_page
from oncohort.verification.verdict import FieldCheck, Finding, SliceCheck, Status, Verdict
from oncohort.verification.verify import verify_conversion

__all__ = ["FieldCheck", "Finding", "SliceCheck", "Status", "Verdict", "proof_page", "verify_conversion"]
