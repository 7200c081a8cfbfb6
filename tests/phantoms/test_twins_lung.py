"""Twin of Lung-PET-CT-Dx: tree, headers, annotations and sheet, typed from the collection."""

import csv
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pydicom
import pytest

from oncohort.formats.spreadsheet import read_sheet
from oncohort.storage import read_json

SERIES = re.compile(
    r"manifest-\d{13}/Lung-PET-CT-Dx/(?P<patient>Lung_Dx-[ABEG]\d{4})/"
    r"\d\d-\d\d-\d{4}-NA-SYNTHETICAThoraxRoutine Adult-\d{5}/"
    r"(?P<number>\d+)\.000000-(?P<description>[^/]+)-\d{5}/1-(?P<instance>\d+)\.dcm"
)


@pytest.fixture(scope="module")
def lung(twin):
    return twin("lung-pet-ct-dx", 3)


def headers(lung, description):
    """Headers of the first series of this description, by instance number."""
    found = sorted(path for path in lung.data.rglob("*.dcm") if f"-{description}" in path.parent.name)
    folder = found[0].parent
    read = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    return sorted(read, key=lambda header: header.InstanceNumber)


def test_the_tree_is_that_of_the_downloader(lung):
    found = [path.relative_to(lung.data).as_posix() for path in lung.data.rglob("*") if path.is_file()]
    slices = [SERIES.fullmatch(path) for path in found if path.endswith(".dcm")]
    assert all(slices)
    assert {match["patient"] for match in slices} == {"Lung_Dx-A0001", "Lung_Dx-B0001", "Lung_Dx-A0002"}
    described = {match["description"] for match in slices if match["patient"] == "Lung_Dx-A0001"}
    assert described == {
        "ThoraxRoutine  4.0  B70f", "ThoraxRoutine  4.0  B40f", "PET WB Corrected",
        "Fused Trans ALPHA Range 1 SYNTHETIC",
    }  # fmt: skip
    others = sorted(path for path in found if not path.endswith((".dcm", ".xml")))
    assert [path.split("/", 1)[-1] for path in others] == [
        "Lung-PET-CT-Dx/LICENSE", "metadata.csv", "statistics-clinical-20201221.xlsx",
    ]  # fmt: skip
    annotated = {path.split("/")[1] for path in found if path.endswith(".xml")}
    assert annotated == {"A0001", "A0002", "B0001"}


def test_ct_slices_number_downwards_and_two_reconstructions_share_a_frame(lung):
    sharp, soft = headers(lung, "ThoraxRoutine  4.0  B70f"), headers(lung, "ThoraxRoutine  4.0  B40f")
    heights = [float(header.ImagePositionPatient[2]) for header in sharp]
    assert heights == sorted(heights, reverse=True) and set(np.diff(heights)) == {-4.0}
    assert list(sharp[0].ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
    assert sharp[0].SeriesInstanceUID != soft[0].SeriesInstanceUID
    assert sharp[0].FrameOfReferenceUID == soft[0].FrameOfReferenceUID
    assert sharp[0].StudyDescription == "SYNTHETIC^AThorax_Routine (Adult)"
    assert (sharp[0].ConvolutionKernel, soft[0].ConvolutionKernel) == ("B70f", "B40f")
    assert sharp[0].Rows == sharp[0].Columns
    assert not np.array_equal(sharp[9].pixel_array, soft[9].pixel_array)


def test_pet_has_a_slope_per_slice_and_screenshots_have_no_place(lung):
    pet = headers(lung, "PET WB Corrected")
    assert {(header.Modality, header.Units) for header in pet} == {("PT", "BQML")}
    assert len({float(header.RescaleSlope) for header in pet}) > len(pet) // 2
    shots = headers(lung, "Fused Trans ALPHA Range 1 SYNTHETIC")
    for header in shots:
        assert header.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7" and header.Modality == "CT"
        assert header.SamplesPerPixel == 3 and "ImagePositionPatient" not in header
        assert header.pixel_array.shape == (header.Rows, header.Columns, 3)


def test_the_pet_of_the_third_patient_is_another_study_of_the_same_day(lung):
    series = read_json(lung.truth)["patients"][2]["series"]
    ct, pet = series[0], series[-1]
    assert pet["modality"] == "PT" and pet["study_uid"] != ct["study_uid"] and pet["study_date"] == ct["study_date"]
    folder = lung.data / pet["path"]
    of_ct = pydicom.dcmread(next((lung.data / ct["path"]).glob("*.dcm")), stop_before_pixels=True)
    assert pydicom.dcmread(next(folder.glob("*.dcm"))).FrameOfReferenceUID != of_ct.FrameOfReferenceUID


def test_annotations_are_named_after_images_and_hold_the_lesion(lung):
    """A box in every section of the lesion that is wider than a pixel; its attenuation is that of soft tissue."""
    by_uid = {}
    for path in lung.data.rglob("*.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        by_uid[header.SOPInstanceUID] = (header.PatientID, path)
    for path in sorted((lung.data / "Annotation").rglob("*.xml")):
        patient, image = by_uid[path.stem]
        assert patient == f"Lung_Dx-{path.parent.name}"
        root = ElementTree.fromstring(path.read_text())
        assert root.get("verified") == "no"
        assert [child.tag for child in root] == ["folder", "filename", "path", "source", "size", "segmented", "object"]
        assert {root.findtext(name) for name in ("folder", "filename", "path")} == {"Unknow"}
        assert root.findtext("source/database") == "Unknown" and root.find("source").text == "Unknow"
        thing = root.find("object")
        assert [child.tag for child in thing] == ["name", "pose", "truncated", "Difficult", "bndbox"]
        assert thing.findtext("name") == path.parent.name[0]
        xmin, ymin, xmax, ymax = (int(thing.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax"))
        pixels = pydicom.dcmread(image)
        assert root.findtext("size/width") == str(pixels.Columns) and root.findtext("size/depth") == "1"
        values = pixels.pixel_array[ymin : ymax + 1, xmin : xmax + 1] + float(pixels.RescaleIntercept)
        assert values.max() > -100
        assert xmax > xmin and ymax > ymin


def test_the_clinical_sheet_has_the_full_width_m(lung):
    table = read_sheet(lung.data / "statistics-clinical-20201221.xlsx")
    assert list(table[0]) == [
        "No.", "NewPatientID", "Sex", "Age", "weight (kg)", "T-Stage", "N-Stage", "\uff2d-Stage",
        "Histopathological grading", "Smoking History",
    ]  # fmt: skip
    assert [row["NewPatientID"] for row in table] == ["A0001", "B0001", "A0002"]


def test_the_list_of_the_downloader_names_every_series(lung):
    path = next(lung.data.rglob("metadata.csv"))
    with path.open(newline="", encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    assert list(table[0])[:5] == [
        "Series UID", "Collection", "3rd Party Analysis", "Data Description URI", "Subject ID",
    ]  # fmt: skip
    assert {row["Data Description URI"] for row in table} == {"https://doi.org/10.7937/TCIA.2020.NNC20461"}
    for row in table:
        folder = path.parent / row["File Location"]
        assert len(list(folder.glob("*.dcm"))) == int(row["Number of Images"])
        header = pydicom.dcmread(next(folder.glob("*.dcm")), stop_before_pixels=True)
        assert header.SeriesInstanceUID == row["Series UID"] and folder.name.endswith(row["Series UID"][-5:])
