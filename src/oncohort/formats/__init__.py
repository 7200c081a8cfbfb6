"""One thing on disk <-> one object."""

from oncohort.formats.cohort_folder import (
    fingerprint_case,
    fingerprint_volume,
    open_cohort,
    read_case_table,
    volume_files,
    volume_path,
    volumes_stand,
    write_cohort,
)
from oncohort.formats.nifti import read_label_map, read_nifti, write_label_map, write_nifti
from oncohort.formats.reading import read_volume, write_volume

__all__ = [
    "fingerprint_case",
    "fingerprint_volume",
    "open_cohort",
    "read_case_table",
    "read_label_map",
    "read_nifti",
    "read_volume",
    "volume_files",
    "volume_path",
    "volumes_stand",
    "write_cohort",
    "write_label_map",
    "write_nifti",
    "write_volume",
]
