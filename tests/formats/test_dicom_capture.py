"""Screenshots are written as secondary capture in colour."""

from datetime import datetime

import numpy as np
import pydicom

from oncohort.formats.dicom.capture import write_captures
from oncohort.formats.dicom.study import DicomStudy

STUDY = DicomStudy("A", datetime(2026, 1, 5), {"ImageComments": "SYNTHETIC"}, "seed 1")


def test_pictures_come_back_in_colour_without_a_place_in_the_patient(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 3), dtype=np.uint8)
    uids = write_captures(tmp_path, pictures, STUDY, {"SeriesInstanceUID": "2.25.1", "Modality": "CT"})
    paths = sorted(tmp_path.iterdir())
    assert [path.name for path in paths] == ["0001.dcm", "0002.dcm"]
    for path, uid, picture in zip(paths, uids, pictures, strict=True):
        header = pydicom.dcmread(path)
        assert header.SOPInstanceUID == uid
        assert header.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
        assert header.Modality == "CT"
        assert header.ImageComments == "SYNTHETIC"
        assert "ImagePositionPatient" not in header
        assert np.array_equal(header.pixel_array, picture)


def test_the_same_pictures_give_the_same_bytes(tmp_path):
    picture = np.zeros((1, 2, 2, 3), dtype=np.uint8)
    for name in ("a", "b"):
        write_captures(tmp_path / name, picture, STUDY, {"SeriesInstanceUID": "2.25.1"})
    assert (tmp_path / "a" / "0001.dcm").read_bytes() == (tmp_path / "b" / "0001.dcm").read_bytes()
