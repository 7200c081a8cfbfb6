"""Any tree of DICOM files."""
