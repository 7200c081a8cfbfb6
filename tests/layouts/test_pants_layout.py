"""Facts of PanTS as the project's description, its sheet and its files have them."""

from oncohort.layouts import pants


def test_numbering_a_is_that_of_the_description():
    expected = (
        "adrenal_gland_left adrenal_gland_right aorta bladder celiac_artery colon common_bile_duct duodenum femur_left "
        "femur_right gall_bladder kidney_left kidney_right liver lung_left lung_right pancreas pancreas_body "
        "pancreas_head pancreas_tail pancreatic_duct postcava prostate spleen stomach superior_mesenteric_artery veins "
        "pancreatic_lesion"
    )
    assert [pants.NUMBERINGS["A"][name] for name in expected.split()] == list(range(1, 29))


def test_numbering_b_differs_from_22_on():
    a, b = pants.NUMBERINGS["A"], pants.NUMBERINGS["B"]
    assert {name for name in a if a[name] == b[name]} == {name for name in a if a[name] <= 21}
    assert {name: b[name] for name in b if b[name] >= 22} == {
        "pancreatic_lesion": 22,
        "postcava": 23,
        "prostate": 24,
        "spleen": 25,
        "stomach": 26,
        "superior_mesenteric_artery": 27,
        "veins": 28,
    }
    assert set(pants.AMBIGUOUS) == {name for name in b if b[name] >= 22}


def test_columns_split_and_counts():
    assert len(pants.COLUMNS) == 14
    assert set(pants.FACTS) == {*pants.COLUMNS, "structured report"} - {"PanTS ID"}
    assert sum(pants.PHASES.values()) + 1 == pants.CASES == 9901
    assert (sum(pants.TUMOURS.values()), sum(pants.SEXES.values())) == (1077, 9901 - 4619)
    splits = [pants.split_of(number) for number in range(1, pants.CASES + 1)]
    assert (splits.count("train"), splits.count("test")) == (9000, 901)
    assert pants.ODDITIES["missing_file"].cases == (3188,)


def test_the_sheet_has_the_published_columns():
    assert pants.COLUMNS == (
        "PanTS ID", "shape", "spacing", "ct phase", "sex", "age", "manufacturer", "manufacturer model", "study type",
        "site", "site detail", "site nationality", "study year", "tumor?",
    )  # fmt: skip


def test_folders_and_files_are_the_published_ones():
    assert pants.case_id(1) == "PanTS_00000001"
    assert (pants.IMAGE_FOLDERS, pants.LABEL_FOLDERS) == (
        {"train": "ImageTr", "test": "ImageTe"},
        {"train": "LabelTr", "test": "LabelTe"},
    )
    assert (pants.CT_FILE, pants.COMBINED_FILE, pants.REPORT_FILE) == (
        "ct.nii.gz",
        "combined_labels.nii.gz",
        "report.pdf",
    )
    assert (pants.SHEET_FILE, pants.STRUCTURES_FOLDER) == ("metadata.xlsx", "segmentations")
    # Non-contrast 4,487; Venous 2,895; Arterial 2,450; Delay 68; one unknown
    assert pants.PHASES == {"Non-contrast": 4487, "Venous": 2895, "Arterial": 2450, "Delay": 68}
