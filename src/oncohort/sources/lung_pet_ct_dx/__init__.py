"""Lung-PET-CT-Dx: DICOM and boxes in XML."""
