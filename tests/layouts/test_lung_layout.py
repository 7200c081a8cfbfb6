"""The layout against literals of the collection's reference."""

import unicodedata

from oncohort.layouts import lung_pet_ct_dx as layout


# patients, of 355: A 251, B 38, E 5, G 61; PET series 95, 9, 0, 29; TCIA and IDC, release 25
def test_classes_and_their_counts():
    assert {letter: one.patients for letter, one in layout.CLASSES.items()} == {"A": 251, "B": 38, "E": 5, "G": 61}
    assert sum(one.patients for one in layout.CLASSES.values()) == layout.PATIENTS == 355
    assert sum(one.pet_series for one in layout.CLASSES.values()) == 133
    assert layout.CLASSES["G"].sct == "1162767002"
    assert layout.CLASSES["E"].name == "large cell carcinoma"


def test_the_missing_numbers_explain_the_counts():
    for letter, one in layout.CLASSES.items():
        assert len(layout.patient_numbers(letter)) == one.patients


def test_patient_ids():
    assert layout.class_of("Lung_Dx-E0003").letter == "E"
    for other in ("Lung_Dx-C0001", "Lung_Dx-A001", "lung_dx-A0001", "A00011", ""):
        assert layout.class_of(other) is None


def test_the_m_of_the_sheet_is_full_width():
    plain = [unicodedata.normalize("NFKC", name) for name in layout.CLINICAL_COLUMNS]
    assert "M-Stage" in plain
    assert "M-Stage" not in layout.CLINICAL_COLUMNS
    assert len(plain) == 10


def test_annotation_counts_of_the_reference():
    assert (layout.XML_FILES, layout.XML_BOXES, layout.XML_NAMES, layout.XML_FOLDERS) == (31_562, 31_659, 31_400, 358)
    # 20,484 CT, 10,400 screenshots, 677 not in the collection, 1 unparsable
    assert layout.XML_ON_CT + layout.XML_ON_SCREENSHOTS + layout.XML_NOT_IN_COLLECTION + 1 == layout.XML_FILES


def test_the_sheet_has_the_published_columns():
    assert layout.CLINICAL_FILE == "statistics-clinical-20201221.xlsx"
    assert layout.CLINICAL_COLUMNS == (
        "No.", "NewPatientID", "Sex", "Age", "weight (kg)", "T-Stage", "N-Stage", "\uff2d-Stage",
        "Histopathological grading", "Smoking History",
    )  # fmt: skip
    # T 1 1a 1b 1c 2 2a 2b 3 4 is; M 0 1 1a 1b 1c, and 2 and 3, which mean nothing
    assert sorted(layout.T_STAGES) == ["1", "1a", "1b", "1c", "2", "2a", "2b", "3", "4", "is"]
    assert set(layout.M_STAGES) == {"0", "1", "1a", "1b", "1c"}
    assert layout.GRADE_SPELLINGS == {"G1-G2": "G1-2", "G2-G3": "G2-3"}


def test_annotations_have_the_published_form():
    assert layout.XML_FIELDS == {
        "annotation": ("folder", "filename", "path", "source", "size", "segmented", "object"),
        "source": ("database",),
        "size": ("width", "height", "depth"),
        "object": ("name", "pose", "truncated", "Difficult", "bndbox"),
        "bndbox": ("xmin", "ymin", "xmax", "ymax"),
    }
    assert (layout.XML_UNKNOWN, layout.XML_SIZE) == ("Unknow", (512, 512, 1))
    assert layout.XML_ARCHIVE == "Lung-PET-CT-Dx-Annotations-XML-Files-rev12222020.zip"
    assert (layout.COLLECTION_FOLDER, layout.ANNOTATION_FOLDER) == ("Lung-PET-CT-Dx", "Annotation")


def test_patients_that_are_not_there_and_one_that_was_merged():
    """A 60 67 76 79 122 151 158 172 186 207 209 215 219 245 (last 265); B 10 29 30 32 35 39 (44); G 61 (62)."""
    missing_a = (60, 67, 76, 79, 122, 151, 158, 172, 186, 207, 209, 215, 219, 245)
    assert {"A": missing_a, "B": (10, 29, 30, 32, 35, 39), "E": (), "G": (61,)} == layout.MISSING_NUMBERS
    assert layout.LAST_NUMBERS == {"A": 265, "B": 44, "E": 5, "G": 62}
    assert layout.MERGED_PATIENTS == {"A0266": "A0251"}


def test_kinds_of_series_and_findings_are_those_of_the_reference():
    assert list(layout.SERIES_KINDS) == [
        "secondary_capture", "scout_or_single", "bolus_tracking", "few_slices", "ct", "pet",
    ]  # fmt: skip
    assert (layout.MOST_SLICE_THICKNESS_MM, layout.FEWEST_SLICES, layout.LEAST_PET_COVER) == (20.0, 10, 0.8)
    assert set(layout.FINDINGS) == {
        "label_case", "label_unknown", "label_subject_conflict", "zero_area", "not_well_formed",
        "sop_not_in_collection", "name_in_two_folders", "folder_mixes_patients", "folder_without_subject",
        "subject_without_folder", "multi_box_slice", "box_on_screenshot", "main_series_is_screenshot", "no_ct_box",
        "slice_gap", "box_outside",
    }  # fmt: skip
    shown = {"A0170", "A0204", "A0206", "A0265", "G0041", "G0044", "G0048", "G0058"}
    assert set(layout.KNOWN_FILES["main_series_is_screenshot"]) == shown
