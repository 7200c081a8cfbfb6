from __future__ import annotations

import pytest

from dicom_files import write_pet, write_series
from oncohort.errors import FormatError
from oncohort.formats.dicom.referenced import read_referenced_series
from oncohort.formats.dicom.series import read_series


def test_a_series_in_order_with_its_study(tmp_path):
    paths = write_series(tmp_path / "ct", tags={"PatientName": "Nobody^N", "StudyTime": "101500"})
    renamed = [path.rename(path.with_name(f"{9 - n}.dcm")) for n, path in enumerate(paths)]
    found = read_referenced_series(tmp_path / "ct")
    assert found.paths == tuple(str(path) for path in renamed)
    assert (found.images.uid, found.images.sop_uids) == ("1.2.3", ("1.2.3.0", "1.2.3.1", "1.2.3.2"))
    assert found.geometry == read_series(tmp_path / "ct").geometry
    facts = {name: found.study.facts[name] for name in ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID")}
    assert facts == {"PatientID": "P1", "StudyInstanceUID": "1.2.7", "FrameOfReferenceUID": "1.2.8"}
    assert (found.study.facts["PatientName"], found.study.facts["StudyTime"]) == ("Nobody^N", "101500")
    assert [data.SOPInstanceUID for data in found.datasets()] == list(found.images.sop_uids)


def test_numbers_are_not_looked_at(tmp_path):
    write_series(tmp_path / "ct", tags={"RescaleType": "US"})
    write_pet(tmp_path / "pet", tags={"PatientWeight": "0"})
    assert read_referenced_series(tmp_path / "ct").geometry.shape == (5, 4, 3)
    assert read_referenced_series(tmp_path / "pet").images.uid == "1.2.4"


def test_uids_follow_from_the_content(tmp_path):
    write_series(tmp_path / "ct")
    found = read_referenced_series(tmp_path / "ct")
    assert found.study_of(b"a").uid("x") == found.study_of(b"a").uid("x") != found.study_of(b"b").uid("x")


def test_folders_that_hold_no_one_series(tmp_path):
    with pytest.raises(FormatError, match="no folder"):
        read_referenced_series(tmp_path / "none")
    with pytest.raises(FormatError, match="no files"):
        (tmp_path / "empty").mkdir()
        read_referenced_series(tmp_path / "empty")
    write_series(tmp_path / "ct")
    write_series(tmp_path / "ct", uid="1.2.33")
    with pytest.raises(FormatError, match=r"1\.2\.3, 1\.2\.33"):
        read_referenced_series(tmp_path / "ct")
    write_series(tmp_path / "one", shape=(4, 4, 1))
    with pytest.raises(FormatError, match="single slice"):
        read_referenced_series(tmp_path / "one")
    write_series(tmp_path / "frameless", tags={"FrameOfReferenceUID": ""})
    with pytest.raises(FormatError, match="FrameOfReferenceUID"):
        read_referenced_series(tmp_path / "frameless")
    write_series(tmp_path / "twins", change=lambda data, k: setattr(data, "SOPInstanceUID", "1.2.3.0"))
    with pytest.raises(FormatError, match="SOPInstanceUID for every slice"):
        read_referenced_series(tmp_path / "twins")


def test_a_file_that_is_gone(tmp_path):
    paths = write_series(tmp_path / "ct")
    found = read_referenced_series(tmp_path / "ct")
    paths[1].unlink()
    with pytest.raises(FormatError, match="as they were"):
        found.datasets()


@pytest.mark.real_data
def test_series_without_identity_are_refused_by_name(real_data):
    with pytest.raises(FormatError, match="no identity"):
        read_referenced_series(real_data("rtstruct") / "oriented_data")
