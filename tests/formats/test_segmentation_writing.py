"""What can be said of a segmentation without highdicom; tests/peers/test_highdicom.py writes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dicom_files import write_series
from oncohort.errors import GeometryError, InputError, LabelError
from oncohort.formats.dicom import segmentation_writing
from oncohort.formats.dicom.referenced import read_referenced_series
from oncohort.formats.dicom.segmentation_writing import (
    NEOPLASM,
    describe_segments,
    tracking_uid,
    write_fractions,
    write_segmentation,
)
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

SCHEME = LabelScheme("x", {"liver": 7, "lesion": 3, "fat": 9}, codes={"liver": "10200004"})
SEGMENTS = describe_segments(SCHEME, algorithm="MANUAL", lesions=["lesion"])


@pytest.fixture
def series(tmp_path):
    write_series(tmp_path / "ct")
    return read_referenced_series(tmp_path / "ct")


def label_map(grid, *, overlap=False):
    first, second = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    first[:2], second[1 if overlap else 2 :] = True, True
    return LabelMap.from_masks({"lesion": first, "liver": second}, grid, SCHEME)


def test_segments_are_described_in_order_of_their_integers():
    told = {name: (one.number, one.category.meaning, one.type.value) for name, one in SEGMENTS.items()}
    assert told == {
        "lesion": (1, "Morphologically Abnormal Structure", "108369006"),
        "liver": (2, "Anatomical Structure", "10200004"),
        "fat": (3, "Tissue", "85756007"),
    }
    assert (SEGMENTS["lesion"].category, SEGMENTS["lesion"].type) == NEOPLASM


def test_the_identity_of_a_lesion_is_that_of_its_patient_and_name():
    assert tracking_uid("A", "1") == tracking_uid("A", "1")
    assert len({tracking_uid(patient, name) for patient in "AB" for name in "12"}) == 4
    assert tracking_uid("A", "1").startswith("2.25.") and len(tracking_uid("A", "1")) <= 64


def test_without_highdicom_the_error_names_the_extra(series, tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(segmentation_writing, "import_module", missing)
    with pytest.raises(InputError, match=r"No module named 'highdicom'.*pip install 'oncohort\[dicom\]'"):
        write_segmentation(tmp_path / "a.dcm", label_map(series.geometry), series, SEGMENTS)
    assert not (tmp_path / "a.dcm").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tracking_id": "L1"}, "both of tracking_id and tracking_uid"),
        ({"algorithm": "AUTOMATIC"}, "algorithm_name"),
        ({"label": "a\\b"}, "names of up to 64"),
    ],
)
def test_segments_that_dicom_cannot_hold(series, tmp_path, change, message):
    segments = {**SEGMENTS, "lesion": replace(SEGMENTS["lesion"], **change)}
    with pytest.raises(LabelError, match=message):
        write_segmentation(tmp_path / "a.dcm", label_map(series.geometry), series, segments)


def test_labels_that_do_not_fit(series, tmp_path):
    grid = series.geometry
    with pytest.raises(LabelError, match="one of liver"):
        write_segmentation(tmp_path / "a.dcm", label_map(grid), series, {"bone": SEGMENTS["fat"]})
    with pytest.raises(LabelError, match="one segment or more"):
        write_segmentation(tmp_path / "a.dcm", label_map(grid), series, {})
    with pytest.raises(InputError, match="do not overlap"):
        write_segmentation(tmp_path / "a.dcm", label_map(grid, overlap=True), series, SEGMENTS, kind="LABELMAP")
    elsewhere = Geometry(grid.shape, np.eye(4))
    with pytest.raises(GeometryError, match="grid"):
        write_segmentation(tmp_path / "a.dcm", label_map(elsewhere), series, SEGMENTS)


def test_fractions_that_are_none(series, tmp_path):
    grid, segments = series.geometry, {"lesion": SEGMENTS["lesion"]}
    volume = Volume.from_array(np.full(grid.shape, 1.5, np.float32), grid, Unit.PROBABILITY)
    with pytest.raises(InputError, match=r"found probability from 1\.5 to 1\.5"):
        write_fractions(tmp_path / "a.dcm", {"lesion": volume}, series, segments)
    with pytest.raises(LabelError, match="a volume for every segment, found liver"):
        write_fractions(tmp_path / "a.dcm", {"lesion": volume, "liver": volume}, series, segments)
    with pytest.raises(InputError, match="found SUVbw"):
        suv = Volume.from_array(np.zeros(grid.shape), grid, Unit.SUVBW)
        write_fractions(tmp_path / "a.dcm", {"lesion": suv}, series, segments)
