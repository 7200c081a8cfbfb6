"""The label registry against what the data sets' documents print, typed from them."""

import csv
import re
from collections import Counter

import pytest
from pydicom.sr import _concepts_dict

from oncohort.errors import LabelError
from oncohort.layouts import enhance_pet, pants, totalsegmentator
from oncohort.layouts.labels import (
    COMMON,
    common_name,
    numberings,
    published_labels,
    registry,
    scheme,
    translate,
)

PANTS_A = """adrenal_gland_left, adrenal_gland_right, aorta, bladder, celiac_artery, colon, common_bile_duct, duodenum,
femur_left, femur_right, gall_bladder, kidney_left, kidney_right, liver, lung_left, lung_right, pancreas,
pancreas_body, pancreas_head, pancreas_tail, pancreatic_duct, postcava, prostate, spleen, stomach,
superior_mesenteric_artery, veins, pancreatic_lesion"""  # the order of the project's README

ENHANCE_PET = {  # as the data card and the models print them; sums of version 2 beside them
    "organs": (
        17,
        "1 adrenal_gland_left, 2 adrenal_gland_right, 3 bladder, 4 brain, 5 gallbladder, 6 kidney_left, "
        "7 kidney_right, 8 liver, 9 lung_lower_lobe_left, 10 lung_lower_lobe_right, 11 lung_middle_lobe_right, "
        "12 lung_upper_lobe_left, 13 lung_upper_lobe_right, 14 pancreas, 15 spleen, 16 stomach, 17 thyroid_left, "
        "18 thyroid_right, 19 trachea",
    ),
    "cardiac": (
        13,
        "1 heart_myocardium, 2 heart_atrium_left, 3 heart_atrium_right, 4 heart_ventricle_left, "
        "5 heart_ventricle_right, 6 aorta, 7 iliac_artery_left, 8 iliac_artery_right, 9 iliac_vena_left, "
        "10 iliac_vena_right, 11 inferior_vena_cava, 12 portal_splenic_vein, 13 pulmonary_artery",
    ),
    "muscles": (
        10,
        "1 autochthon_left, 2 autochthon_right, 3 gluteus_maximus_left, 4 gluteus_maximus_right, "
        "5 gluteus_medius_left, 6 gluteus_medius_right, 7 gluteus_minimus_left, 8 gluteus_minimus_right, "
        "9 iliopsoas_left, 10 iliopsoas_right",
    ),
    "ribs": (27, "1 rib_left_1, 2 rib_left_2, 13 rib_left_13, 14 rib_right_1, 26 rib_right_13, 27 sternum"),
    "peripheral_bones": (
        30,
        "1 carpal_left, 2 carpal_right, 3 clavicle_left, 4 clavicle_right, 5 femur_left, 6 femur_right, 7 fibula_left, "
        "8 fibula_right, 9 fingers_left, 10 fingers_right, 11 humerus_left, 12 humerus_right, 13 metacarpal_left, "
        "14 metacarpal_right, 15 metatarsal_left, 16 metatarsal_right, 17 patella_left, 18 patella_right, "
        "19 radius_left, 20 radius_right, 21 scapula_left, 22 scapula_right, 23 skull, 24 tarsal_left, "
        "25 tarsal_right, 26 tibia_left, 27 tibia_right, 28 toes_left, 29 toes_right, 30 ulna_left, 31 ulna_right",
    ),
    "vertebrae": (
        28,
        "1 vertebra_C1, 7 vertebra_C7, 8 vertebra_T1, 19 vertebra_T12, 20 vertebra_L1, 25 vertebra_L6, 26 hip_left, "
        "27 hip_right, 28 sacrum",
    ),
    "body_composition": (3, "1 skeletal_muscle, 2 subcutaneous_fat, 3 visceral_fat"),
}

TOTAL = """1 spleen, 2 kidney_right, 3 kidney_left, 4 gallbladder, 5 liver, 6 stomach, 7 pancreas, 15 esophagus,
17 thyroid_gland, 21 urinary_bladder, 22 prostate, 24 kidney_cyst_right, 25 sacrum, 26 vertebrae_S1, 27 vertebrae_L5,
31 vertebrae_L1, 32 vertebrae_T12, 43 vertebrae_T1, 44 vertebrae_C7, 50 vertebrae_C1, 51 heart, 52 aorta,
63 inferior_vena_cava, 64 portal_vein_and_splenic_vein, 73 clavicula_left, 79 spinal_cord, 90 brain, 91 skull,
92 rib_left_1, 103 rib_left_12, 104 rib_right_1, 115 rib_right_12, 116 sternum, 117 costal_cartilages"""
# of class_map["total"] in totalsegmentator/map_to_binary.py, version 2


def listed(text):
    return {int(value): name for value, name in re.findall(r"(\d+) (\w+)", text)}


def values(data_set, variant):
    return {label.value: label.name for label in published_labels(data_set, variant)}


def test_the_numbering_a_of_pants_is_the_order_of_the_readme():
    names = re.split(r",\s+", PANTS_A)
    assert values("pants", "combined A") == dict(enumerate(names, start=1)) == values("pants", "files")


def test_the_numbering_b_of_pants_moves_the_lesion_to_22():
    a, b = values("pants", "combined A"), values("pants", "combined B")
    assert {value: b[value] for value in range(1, 22)} == {value: a[value] for value in range(1, 22)}
    assert [b[value] for value in range(22, 29)] == [
        "pancreatic_lesion", "postcava", "prostate", "spleen", "stomach", "superior_mesenteric_artery", "veins",
    ]  # fmt: skip


@pytest.mark.parametrize("group", ENHANCE_PET)
def test_the_groups_of_enhance_pet_have_the_integers_of_the_card(group):
    count, text = ENHANCE_PET[group]
    found = values("enhance-pet", group)
    assert {value: found[value] for value in listed(text)} == listed(text)
    assert len(enhance_pet.held_labels("2")[group]) == count
    assert max(found) == max(listed(text))
    assert sorted(found) == list(range(1, max(found) + 1))


def test_the_sums_are_those_of_the_paper_and_of_the_second_version():
    assert len(scheme("enhance-pet", "version 1").labels) == 130
    assert len(scheme("enhance-pet", "version 2").labels) == 128
    assert set(scheme("enhance-pet", "version 1").labels) - set(scheme("enhance-pet").labels) == {"brain", "skull"}


def test_a_cohort_of_enhance_pet_keeps_the_gaps_and_fits_a_byte():
    labels = scheme("enhance-pet").labels
    assert (labels["liver"], labels["aorta"], labels["rib_left_1"], labels["toes_left"]) == (8, 25, 43, 97)
    assert {4, 19, 69 + 23}.isdisjoint(labels.values())
    assert max(labels.values()) == 131


def test_totalsegmentator_has_its_117_names():
    assert {value: values("totalsegmentator", "total")[value] for value in listed(TOTAL)} == listed(TOTAL)
    assert len(totalsegmentator.TOTAL) == len(set(totalsegmentator.TOTAL)) == 117


def test_the_lesion_of_autopet_and_the_organs_of_deep_psma():
    assert values("autopet", "lesion") == {1: "tumor"}
    assert scheme("autopet").value("tumor") == scheme("autopet").value("lesion") == 1
    assert sorted(values("deep-psma", "totseg_24")) == list(range(1, 25))
    assert [label.structure for label in published_labels("deep-psma", "totseg_24")] == [None] * 24


def test_names_and_integers_are_unique():
    for variants in numberings().values():
        for labels in variants.values():
            for key in ("name", "value", "label"):
                assert max(Counter(getattr(label, key) for label in labels).values()) == 1


def test_every_published_name_has_one_common_name():
    nameless = {
        (label.data_set, label.variant)
        for variants in numberings().values()
        for labels in variants.values()
        for label in labels
        if label.structure is None
    }
    assert nameless == {("deep-psma", "totseg_24")}  # the reference counts the groups and does not name them
    used = {label.structure for variants in numberings().values() for labels in variants.values() for label in labels}
    assert set(registry()) == used - {None}


def test_every_alias_is_used():
    published = {
        (label.data_set, label.name) for found in numberings().values() for labels in found.values() for label in labels
    }
    rows = csv.DictReader((_data() / "aliases.csv").read_text().splitlines())
    assert [row for row in rows if (row["data_set"], row["published"]) not in published] == []


def _data():
    from importlib.resources import files

    return files("oncohort.layouts") / "data"


def test_common_names_are_those_of_totalsegmentator_where_it_has_one():
    assert set(totalsegmentator.TOTAL) <= set(registry())
    assert common_name("bladder", "pants") == common_name("bladder", "enhance-pet") == "urinary_bladder"
    assert all(re.fullmatch(r"[a-z][a-zA-Z0-9_]*", name) for name in registry())


def test_sides_and_their_codes_agree():
    for structure in registry().values():
        said = re.search(r"_(left|right)(_\d+)?$", structure.name)
        assert structure.side == (said[1] if said else "")
        if structure.side_code:
            assert structure.side_code == {"left": "7771000", "right": "24028007"}[structure.side]
        assert bool(structure.code) == bool(structure.meaning) == bool(structure.origin)
        assert re.fullmatch(r"\d{6,18}|", structure.code)


def test_pairs_share_a_code_or_name_their_side():
    for structure in registry().values():
        other = registry().get(structure.name.replace("left", "right"))
        if structure.side == "left" and other is not None:
            same = structure.code == other.code and structure.side_code != other.side_code
            assert same or (structure.code != other.code and not structure.side_code), structure.name


@pytest.mark.real_data
def test_codes_are_those_of_the_mapping_table(real_data):
    table = real_data("ct_organs") / "totalsegmentator_snomed_mapping.csv"
    rows = {row["Structure"]: row for row in csv.DictReader(table.read_text().splitlines())}
    part = "Segmented{}CodeSequence.CodeValue"
    lacking = {"lung_left", "lung_right"}  # the lung stands there as the region of its vessels
    for structure in registry().values():
        if structure.origin == "totalsegmentator" and structure.name not in lacking:
            row = rows.get(structure.name) or rows[structure.name.removesuffix(f"_{structure.side}")]
            assert structure.code == row[part.format("PropertyType")]
            sides = (row[part.format("PropertyTypeModifier")], row["AnatomicRegionModifierSequence.CodeValue"])
            assert set(sides) <= {"", structure.side_code}
            assert structure.region_code == row["AnatomicRegionSequence.CodeValue"]
    assert rows["lung_vessels"]["AnatomicRegionSequence.CodeValue"] == registry()["lung_left"].code
    assert [name for name in totalsegmentator.TOTAL if not registry()[name].code] == []


def test_codes_from_dicom_are_in_dicom():
    known = {code for codes in _concepts_dict.concepts["SCT"].values() for code in codes}
    found = {name: structure.code for name, structure in registry().items() if structure.origin == "dicom"}
    assert set(found) == {
        "celiac_artery", "common_bile_duct", "lesion", "pancreatic_duct", "pancreatic_lesion",
        "superior_mesenteric_artery",
    }  # fmt: skip
    assert set(found.values()) <= known


def test_what_no_source_codes_has_no_code():
    assert sorted(name for name, structure in registry().items() if not structure.code) == [
        "pancreas_body", "pancreas_head", "pancreas_tail", "veins",
    ]  # fmt: skip


def test_translation_goes_both_ways():
    for data_set in ("pants", "enhance-pet", "totalsegmentator"):
        for label in published_labels(data_set):
            assert translate(translate(label.name, data_set, COMMON), COMMON, data_set) == label.name


def test_translation_between_data_sets():
    assert translate("postcava", "pants", "enhance-pet") == "inferior_vena_cava"
    assert translate("gall_bladder", "pants", "totalsegmentator") == "gallbladder"
    assert translate("clavicula_left", "totalsegmentator", "enhance-pet") == "clavicle_left"
    assert translate("tumor", "autopet", "deep-psma") == "ttb"


@pytest.mark.parametrize(
    ("name", "from_", "to", "found"),
    [
        ("lung_left", "pants", "totalsegmentator", "lung_lower_lobe_left, lung_upper_lobe_left"),
        ("veins", "pants", "totalsegmentator", "none"),
        ("organ_group_3", "deep-psma", COMMON, "organ_group_3"),
        ("no_such_organ", "pants", COMMON, "no_such_organ"),
        ("liver", "no-such-set", COMMON, "no-such-set"),
        ("liver", COMMON, "no-such-set", "no-such-set"),
        ("no_such_organ", COMMON, "pants", "no_such_organ"),
    ],
)
def test_what_cannot_be_translated_is_an_error(name, from_, to, found):
    with pytest.raises(LabelError, match=found):
        translate(name, from_, to)


def test_groups_of_labels():
    assert scheme("pants").groups["lungs"] == ("lung_left", "lung_right")
    assert "pancreas" not in scheme("pants").groups
    assert set(scheme("pants", "combined B").groups["pancreas"]) == {
        "pancreas", "pancreas_body", "pancreas_head", "pancreas_tail", "pancreatic_duct", "pancreatic_lesion",
    }  # fmt: skip
    assert set(scheme("totalsegmentator").groups["lung_right"]) == {
        "lung_upper_lobe_right", "lung_middle_lobe_right", "lung_lower_lobe_right",
    }  # fmt: skip
    assert len(scheme("totalsegmentator").groups["ribs"]) == 24
    assert list(scheme("enhance-pet").groups) == list(ENHANCE_PET)
    assert sum(map(len, scheme("enhance-pet").groups.values())) == 128


def test_an_unknown_variant_is_an_error():
    with pytest.raises(LabelError, match="combined C"):
        scheme("pants", "combined C")


def test_pants_names_are_those_of_its_layout():
    assert [label.name for label in published_labels("pants")] == list(pants.STRUCTURES)
