"""ENHANCE.PET's layout against the tables of its paper and data card, typed from them."""

import re

import pytest

from oncohort.layouts import enhance_pet as layout


def test_versions_and_folders():
    assert layout.CASES == {"1": 1597, "2": 1683}
    assert layout.IMAGE_FOLDERS == {"1": ("CT", "PT"), "2": ("CT_0001-1000", "CT_1001-1683", "PT_0001-1683")}
    assert layout.SHEETS == {"ct": "CT-details.xlsx", "pet": "PT-details.xlsx"}
    assert layout.LABELS_FILE == "labels.json"
    assert (layout.DATA_FOLDER, layout.IMAGES_FOLDER, layout.MASKS_FOLDER) == ("imaging-data", "images", "ground-truth")
    assert layout.DOIS["2"] == "10.57760/sciencedb.34150"


def test_groups_have_the_folders_and_models_of_the_card():
    assert [(group.folder, group.model) for group in layout.GROUPS.values()] == [
        ("Organs", "clin_ct_organs"),
        ("Cardiac", "clin_ct_cardiac"),
        ("Muscles", "clin_ct_muscles"),
        ("Ribs", "clin_ct_ribs"),
        ("Peripheral-Bones", "clin_ct_peripheral_bones"),
        ("Vertebrae", "clin_ct_vertebrae"),
        ("Body-Composition", "clin_ct_body_composition"),
    ]


def test_integers_of_a_cohort_do_not_meet():
    values = [group.offset + value for group in layout.GROUPS.values() for value in group.labels]
    assert sorted(values) == list(range(1, 132))  # 131 labels of the models


def test_what_is_not_held():
    assert sum(map(len, layout.held_labels("1").values())) == 130
    assert sum(map(len, layout.held_labels("2").values())) == 128
    assert 4 not in layout.held_labels("2")["organs"]
    assert 23 not in layout.held_labels("2")["peripheral_bones"]
    assert 19 not in layout.held_labels("1")["organs"]
    assert layout.held_labels("1")["organs"][4] == "brain"
    assert layout.held_labels("1")["peripheral_bones"][23] == "skull"


SITES = """
AutoPET Challenge | 1014 | CC BY-NC 4.0
University Hospital Leipzig | 384 | CC BY 4.0
Azienda Ospedaliero Universitaria Careggi | 199 | CC BY 4.0
University of California Davis | 86 | CC BY 4.0
"""


def test_sites_and_licences_are_those_of_the_card():
    rows = [line.split(" | ") for line in SITES.strip().splitlines()]
    pairs = list(zip(rows, layout.ORIGINS, strict=True))
    assert all(name.lower().startswith(place.begins) for (name, _, _), place in pairs)
    assert [place.cases for place in layout.ORIGINS] == [int(count) for _, count, _ in rows]
    assert [place.licence for place in layout.ORIGINS] == [said.replace(" ", "-") for _, _, said in rows]
    assert sum(place.cases for place in layout.ORIGINS) == layout.CASES["2"]
    assert sum(place.cases for place in layout.ORIGINS if "1" in place.head_removed or place.name == "AutoPET") == 1597
    assert layout.ORIGINS[0].patients == 900


@pytest.mark.parametrize("name", ["CT", "PT", "CT_0001-1000", "CT_1001-1683", "PT_0001-1683"])
def test_image_folders_are_matched(name):
    assert re.fullmatch(layout.IMAGE_FOLDER_PATTERN, name)["kind"] == name[:2]


def test_names_of_columns_are_unambiguous():
    for facts in layout.COLUMNS.values():
        plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for names in facts.values() for name in set(names)]
        spellings = {fact: {re.sub(r"[^a-z0-9]", "", name.lower()) for name in names} for fact, names in facts.items()}
        shared = [(a, b) for a in spellings for b in spellings if a < b and spellings[a] & spellings[b]]
        assert shared == []
        assert len(plain) >= len(facts)
