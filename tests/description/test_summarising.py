"""What a cohort holds, against numbers counted by hand."""

import json

import pytest

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.description import NOT_STATED, count_labels, summarise
from oncohort.formats.group_files import GroupFile, group_record
from oncohort.formats.structure_files import structure_record
from oncohort.labels import LabelScheme
from oncohort.layouts.labels import scheme

CASES = [
    {"case": "A1", "patient": "A", "study": "1.2", "study_date": "2020-01-02", "timepoint": 1, "tracer": "FDG",
     "centre": "UKT", "licence": "CC-BY-4.0", "sex": "F", "age_years": 60.0, "split": "train", "phase": "venous"},
    {"case": "A2", "patient": "A", "study": "1.3", "study_date": "2021-05-06", "timepoint": 2, "tracer": "FDG",
     "centre": "UKT", "licence": "CC-BY-4.0", "sex": "F", "age_years": 61.0, "split": "train", "phase": "arterial"},
    {"case": "B1", "patient": "B", "tracer": "PSMA", "centre": "LMU", "licence": "CC-BY-NC-4.0", "sex": "M",
     "age_years": None, "split": "test", "phase": None},
    {"case": "C1", "patient": "C", "tracer": None, "centre": "LMU", "licence": None, "sex": None, "split": "test"},
]  # fmt: skip
VOLUMES = [
    *({"case": case, "role": "ct", "unit": "HU"} for case in ("A1", "A2", "B1", "C1")),
    *({"case": case, "role": "pet", "unit": "SUVbw"} for case in ("A1", "A2")),
    {"case": "B1", "role": "pet", "unit": "Bq/ml"},
    *({"case": case, "role": "lesions", "unit": "label"} for case in ("A1", "B1")),
]
BOXES = [
    {"case": "A1", "volume": "ct", "lesion": "1", "i0": 0},
    {"case": "A1", "volume": "ct", "lesion": "1", "i0": 2},
    {"case": "A1", "volume": "ct", "lesion": "2", "i0": 4},
    {"case": "C1", "volume": "ct", "lesion": None, "i0": 6},
]
PROMPTS = [
    {"case": "A1", "volume": "pet", "kind": "click", "polarity": "foreground"},
    {"case": "A1", "volume": "pet", "kind": "click", "polarity": "foreground"},
    {"case": "B1", "volume": "pet", "kind": "scribble", "polarity": "background"},
]
STRUCTURES = [{"case": "B1", "volume": "lesions", "lesion": name, "measure": "volume"} for name in ("1", "1", "2")]
FINDINGS = [
    {"rule": "suv", "severity": "warning", "case": "A1"},
    {"rule": "suv", "severity": "error", "case": "B1"},
    {"rule": "contours", "severity": "info", "case": "B1"},
]
REFUSED = [{"path": f"{n}.txt", "reason": "not DICOM"} for n in range(3)] + [{"path": "x", "reason": "truncated"}]


@pytest.fixture(scope="module")
def summary():
    tables = Tables.from_rows(
        {"cases": CASES, "volumes": VOLUMES, "boxes": BOXES, "prompts": PROMPTS, "structures": STRUCTURES,
         "findings": FINDINGS, "refused": REFUSED}
    )  # fmt: skip
    facts = CohortFacts("mixed", "dicom", source_version="2", created_at="2026-01-01T00:00:00+00:00")
    return summarise(Cohort(facts, LabelScheme("lesion", {"tumour": 1}, aliases={"lesion": "tumour"}), tables))


def test_cases_patients_and_studies(summary):
    assert (summary.cases, summary.patients, summary.studies) == (4, 3, 2)
    assert (summary.several_cases, summary.most_cases) == (1, 2)
    assert summary.study_dates == ("2020-01-02", "2021-05-06")
    assert (summary.name, summary.source, summary.source_version) == ("mixed", "dicom", "2")


def test_counts_name_what_is_not_stated(summary):
    assert summary.counts == {
        "tracer": {"FDG": 2, "PSMA": 1, NOT_STATED: 1},
        "centre": {"LMU": 2, "UKT": 2},
        "group": {NOT_STATED: 4},
        "split": {"test": 2, "train": 2},
        "timepoint": {"1": 1, "2": 1, NOT_STATED: 2},
        "sex": {"F": 2, "M": 1, NOT_STATED: 1},
        "licence": {"CC-BY-4.0": 2, "CC-BY-NC-4.0": 1, NOT_STATED: 1},
    }
    assert summary.facts == {"phase": {"arterial": 1, "venous": 1, NOT_STATED: 2}}
    assert summary.roles == {"ct": 4, "pet": 3, "lesions": 2}
    assert summary.units == {"ct in HU": 4, "lesions in label": 2, "pet in SUVbw": 2, "pet in Bq/ml": 1}


def test_ages(summary):
    ages = summary.age_years
    assert (ages.known, ages.mean, ages.smallest, ages.largest) == (2, 60.5, 60.0, 61.0)
    assert ages.sd == pytest.approx(0.5**0.5)
    assert (summary.weight_kg.known, summary.weight_kg.mean) == (0, None)


def test_missing_facts(summary):
    assert summary.missing == {
        "study": 2, "study_date": 2, "timepoint": 2, "tracer": 1, "group": 4, "licence": 1, "sex": 1, "age_years": 2,
        "weight_kg": 4, "phase": 2,
    }  # fmt: skip


def test_lesions_and_prompts_without_a_voxel(summary):
    assert summary.lesions == {
        "boxes": 4, "boxed lesions": 2, "cases with boxes": 2, "measured lesions": 2, "cases with measured lesions": 1,
    }  # fmt: skip
    assert summary.prompts == {"foreground click": 2, "background scribble": 1, "cases with prompts": 2}


def test_refusals_and_findings(summary):
    assert summary.refused == {"not DICOM": 3, "truncated": 1}
    assert summary.findings == {"suv": {"error": 1, "warning": 1}, "contours": {"info": 1}}


def test_labels_have_codes_and_common_names(summary):
    (label,) = summary.labels
    assert (label.name, label.value, label.role, label.cases) == ("tumour", 1, "lesions", 2)
    assert label.structure == "lesion"  # through the alias


def test_everything_is_json(summary):
    document = json.loads(json.dumps(summary.to_dict()))
    assert document["labels"][0]["name"] == "tumour"
    assert set(document) == set(summary.__dataclass_fields__)


def test_a_cohort_without_cases():
    empty = summarise(Cohort(CohortFacts("none", "dicom"), LabelScheme("lesion", {"lesion": 1}), Tables.empty()))
    assert (empty.cases, empty.patients, empty.most_cases, empty.study_dates) == (0, 0, 0, None)
    assert [label.cases for label in empty.labels] == [0]


def mask_rows(*scales):
    return [
        {"case": str(n), "role": "organs", "unit": "label", "scale": scale if scale is None else json.dumps(scale)}
        for n, scale in enumerate(scales)
    ]


def counts_of(label_scheme, *scales):
    rows = mask_rows(*scales)
    tables = Tables.from_rows({"cases": [{"case": row["case"]} for row in rows], "volumes": rows})
    return {label.name: label.cases for label in count_labels(Cohort(CohortFacts("x", "x"), label_scheme, tables))}


def test_structures_count_where_they_have_a_file():
    liver, spleen = "liver.nii.gz", "spleen.nii.gz"
    found = counts_of(
        scheme("pants"),
        structure_record({"liver": liver, "spleen": spleen}),
        structure_record({"liver": liver}),
        structure_record({"liver": liver}),
    )
    assert (found["liver"], found["spleen"], found["aorta"]) == (3, 1, 0)


def test_labels_of_a_group_count_where_the_group_has_a_file():
    ribs = {"ribs": GroupFile("Ribs/0001.nii.gz", 42, 27)}
    organs = {"organs": GroupFile("Organs/0001.nii.gz", 0, 19)}
    found = counts_of(
        scheme("enhance-pet", "version 1"),
        group_record(ribs),
        group_record(ribs | organs, ("brain",)),
        group_record(organs),
    )
    assert (found["rib_left_1"], found["liver"], found["brain"], found["aorta"]) == (2, 2, 1, 0)


def test_a_mask_with_a_scheme_of_its_own_has_its_own_labels():
    own = {"label_scheme": scheme("deep-psma", "totseg_24").to_dict()}
    found = counts_of(LabelScheme("lesion", {"lesion": 1}), None, own, own)
    assert found["lesion"] == 1
    assert found["organ_group_24"] == 2
    assert len(found) == 25


def test_a_case_with_two_masks_of_a_label_counts_once():
    rows = [
        *({"case": case, "role": role, "unit": "label"} for case in "AB" for role in ("lesions", "lesions_ct")),
        {"case": "C", "role": "lesions", "unit": "label"},
    ]
    tables = Tables.from_rows({"cases": [{"case": case} for case in "ABC"], "volumes": rows})
    (label,) = count_labels(Cohort(CohortFacts("x", "x"), LabelScheme("lesion", {"lesion": 1}), tables))
    assert (label.role, label.cases) == ("lesions, lesions_ct", 3)


@pytest.mark.parametrize("scale", ["{", "[]", "3", '{"label_scheme": 3}', '{"files": 3}', '{"files": {"liver": 1}}'])
def test_a_damaged_scale_stops_nothing(scale):
    rows = [{"case": "A", "role": "organs", "unit": "label", "scale": scale}]
    tables = Tables.from_rows({"cases": [{"case": "A"}], "volumes": rows})
    labels = count_labels(Cohort(CohortFacts("x", "x"), LabelScheme("organs", {"liver": 1}), tables))
    assert [label.name for label in labels] == ["liver"]


def test_phantoms_are_told_from_patients(tmp_path):
    """Twins of sets without a sheet say what they are only in the `phantom.json` above their images."""
    rows = [{"case": "A", "role": "ct", "unit": "HU", "path": str(tmp_path / "twin" / "imagesTr" / "A_0000.nii.gz")}]
    cohort = Cohort(
        CohortFacts("x", "nnunet"),
        LabelScheme("lesion", {}),
        Tables.from_rows({"cases": [{"case": "A"}], "volumes": rows}),
    )
    assert summarise(cohort).synthetic is False
    (tmp_path / "phantom.json").write_text('{"synthetic": true}')
    assert summarise(cohort).synthetic is True
