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
