"""DICOM files: headers, series, pixels, structure sets, read and written."""
