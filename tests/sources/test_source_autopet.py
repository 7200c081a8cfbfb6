"""autoPET as published: names, sheets and prompts are typed from the reference, not made by the reader's constants."""

import json

import pytest

from oncohort.errors import SettingsError
from oncohort.ingestion import ingest
from oncohort.sources import SOURCES, detect_source
from oncohort.sources.autopet.source import AutopetSource
from published_files import (
    FDG,
    FDG_LATER,
    FINE,
    LPS,
    LPS_CASE,
    PSMA,
    evidence,
    gc_points,
    plan_and_convert,
    put,
    put_json,
    put_study,
    put_text,
    rules,
    write_autopet,
    write_study_folders,
)


@pytest.fixture
def raw(tmp_path):
    """The nnU-Net layout with three studies of two people, both sheets, folds and prompts of both years."""
    return write_autopet(tmp_path / "PSMA-FDG-PET-CT-Lesions_v2")


def test_three_studies_become_cases_of_two_people(raw):
    plan, results, refused = plan_and_convert(AutopetSource(), raw)
    rows = {case.case: case.row for case in plan.cases}
    assert refused == {}
    assert list(rows) == [FDG, FDG_LATER, PSMA]
    assert [row["patient"] for row in rows.values()] == ["0011f3deaf", "0011f3deaf", "95b833d46f153cd2"]
    assert rows[FDG] == {
        "case": FDG,
        "patient": "0011f3deaf",
        "study_date": "2003-03-23",
        "tracer": "FDG",
        "centre": "UKT",
        "group": None,
        "split": "train",
        "licence": "CC-BY-NC-4.0",
        "sex": "M",
        "age_years": 51.0,
        "diagnosis": "LYMPHOMA",
        "timepoint": 1,
        "fold": 0,
    }
    assert (rows[FDG_LATER]["diagnosis"], rows[FDG_LATER]["age_years"]) == ("NEGATIVE", 52.0)
    assert (rows[FDG_LATER]["timepoint"], rows[PSMA]["fold"], rows[PSMA]["centre"]) == (2, 1, "LMU")
    assert rows[PSMA]["age_years"] == 71.0
    assert rows[PSMA]["manufacturer_model_name"] == "Biograph 64-4R TruePoint"
    assert rows[PSMA]["pet_radionuclide"] == "68Ga"
    assert rows[PSMA]["ct_contrast_agent"] == "yes"
    assert {row["role"]: row["unit"] for row in results[FDG]["volumes"]} == {
        "pet": "SUVbw",
        "ct": "HU",
        "lesions": "label",
    }
    assert plan.scheme.value("tumor") == plan.scheme.value("lesion") == 1


def test_what_a_reader_should_know_of_the_set_is_found(raw):
    plan, results, _ = plan_and_convert(AutopetSource(), raw)
    assert rules(plan, results) == ["autopet_counts", "autopet_counts", "autopet_folds", "autopet_pet_named_ct"]
    assert "1 PSMA studies of 1 patients; published are 597 of 378" in evidence(plan, results, "autopet_counts")
    assert "(1288, 323)" in evidence(plan, results, "autopet_folds")[0]


def test_prompts_of_both_years_are_read_and_a_copy_is_no_second_prompt(raw):
    _, results, _ = plan_and_convert(AutopetSource(), raw)
    clicks = results[PSMA]["prompts"]
    assert [(row["polarity"], row["step"], row["points"]) for row in clicks] == [
        ("foreground", 1, [[1.0, 2.0, 3.0]]),
        ("foreground", 2, [[2.0, 2.0, 2.0]]),
        ("background", 1, [[0.0, 0.0, 1.0]]),
    ]
    assert {row["volume"] for row in clicks} == {"pet"}
    (scribble,) = results[FDG]["prompts"]
    assert (scribble["kind"], scribble["points"]) == ("scribble", [[1.0, 1.0, 1.0], [1.0, 1.0, 2.0]])


def test_a_copy_that_differs_is_found(raw):
    put_json(raw / "clicks" / "gc" / f"{PSMA}_clicks.json", gc_points(([3, 2, 1], "tumor")))
    plan, results, _ = plan_and_convert(AutopetSource(), raw)
    assert "prompt_copies_differ" in rules(plan, results)
    assert len(results[PSMA]["prompts"]) == 3


def test_a_platform_file_under_the_simple_name_is_read_and_named(raw):
    put_json(raw / "clicks" / f"{PSMA}_clicks.json", gc_points(([1, 2, 3], "tumor")))
    (raw / "clicks" / "gc" / f"{PSMA}_clicks.json").unlink()
    plan, results, _ = plan_and_convert(AutopetSource(), raw)
    assert len(results[PSMA]["prompts"]) == 1
    assert "prompt_dialect" in rules(plan, results)


def test_points_outside_of_the_grid_are_found(raw):
    put_json(raw / f"{FDG}_lesion-clicks.json", gc_points(([6, 1, 1], "tumor"), ([5, 4, 3], "tumor")))
    plan, results, _ = plan_and_convert(AutopetSource(), raw)
    assert evidence(plan, results, "prompt_outside_grid") == ["1 of 2 points are outside of the grid (6, 5, 4) of pet"]


def test_prompts_of_studies_that_were_not_fetched_cost_nothing(raw):
    put_json(raw / "clicks" / "psma_ffcaa75377465b37_2018-03-04_clicks.json", {"tumor": [], "background": []})
    plan, _, refused = plan_and_convert(AutopetSource(), raw)
    assert refused == {"clicks/psma_ffcaa75377465b37_2018-03-04_clicks.json": "not part of the layout"}
    assert len(plan.cases) == 3


def test_shipped_heat_maps_are_channels_with_roles_of_their_own(raw):
    put_study(raw, PSMA, channels=(0, 1, 2, 3))
    _, results, _ = plan_and_convert(AutopetSource(), raw)
    rows = {row["role"]: row for row in results[PSMA]["volumes"]}
    assert {"foreground_prompts", "background_prompts"} < set(rows)
    assert json.loads(rows["background_prompts"]["scale"])["polarity"] == "background"
    assert json.loads(rows["foreground_prompts"]["scale"])["encoding"] is None
    put_study(raw, FDG, channels=(0, 1, 3, 4))
    _, results, _ = plan_and_convert(AutopetSource(), raw)
    shifted = {row["role"]: row["path"] for row in results[FDG]["volumes"]}
    assert shifted["foreground_prompts"].endswith("_0003.nii.gz")
    assert shifted["background_prompts"].endswith("_0004.nii.gz")


def test_the_four_cases_in_lps_are_known_and_others_are_warned_of(raw):
    put_study(raw, LPS_CASE, affine=LPS)
    put_study(raw, PSMA, affine=LPS)
    (raw / "clicks" / "gc" / f"{PSMA}_clicks.json").unlink()
    plan, results, _ = plan_and_convert(AutopetSource(), raw)
    severities = {
        case: [row["severity"] for row in result["findings"] if row["rule"] == "autopet_orientation"]
        for case, result in results.items()
    }
    assert severities[LPS_CASE] == ["info"]
    assert severities[PSMA] == ["warning"]
    assert severities[FDG] == []
    assert "autopet_sheet" in rules(plan, results)


def test_a_leak_between_folds_is_found(raw):
    put_json(raw / "splits_final.json", [{"train": [FDG], "val": [FDG_LATER]}, {"train": [], "val": [FDG, FDG_LATER]}])
    plan, results, _ = plan_and_convert(AutopetSource(), raw)
    found = evidence(plan, results, "autopet_folds")
    assert "fold 0 trains and validates with 1 patients: 0011f3deaf" in found
    assert any(text.startswith("2 cases are validated in no fold or in several") for text in found)
    assert {case.case: case.row.get("fold") for case in plan.cases} == {FDG: 1, FDG_LATER: None, PSMA: None}


def test_a_patient_with_several_diagnoses_keeps_them_all(raw):
    put_text(
        raw / "fdg_metadata.csv",
        "Subject ID,File Location,diagnosis,age,sex",
        "PETCT_0011f3deaf,elsewhere,MELANOMA,old,M",
        "PETCT_0011f3deaf,elsewhere,NEGATIVE,old,F",
    )
    plan, results, _ = plan_and_convert(AutopetSource(), raw)
    assert plan.cases[0].row["diagnosis"] == "MELANOMA | NEGATIVE"
    assert plan.cases[0].row.get("sex") is plan.cases[0].row.get("age_years") is None
    assert rules(plan, results).count("autopet_sheet") == 2


def test_the_row_of_another_study_is_not_taken(raw):
    put_text(
        raw / "psma_metadata.csv",
        "Subject ID,Study Date,age,manufacturer_model_name,pet_radionuclide,ct_contrast_agent",
        "PSMA_95b833d46f153cd2,2019-04-16,72,Discovery 690,18F,no",
    )
    plan, results, _ = plan_and_convert(AutopetSource(), raw)
    assert "age_years" not in plan.cases[2].row
    assert evidence(plan, results, "autopet_sheet") == [f"1 studies have no row in the sheet: {PSMA}"]


def test_a_case_without_label_stays_and_one_without_pet_goes(raw):
    (raw / "labelsTr" / f"{FDG}.nii.gz").unlink()
    (raw / "imagesTr" / f"{PSMA}_0001.nii.gz").unlink()
    plan, results, refused = plan_and_convert(AutopetSource(), raw)
    assert [case.case for case in plan.cases] == [FDG, FDG_LATER]
    assert "autopet_no_label" in rules(plan, results)
    assert set(refused.values()) == {"missing channel"}
    assert len(refused) == 4


def test_an_image_on_another_grid_refuses_its_case_alone(raw):
    put(raw / "imagesTr" / f"{PSMA}_0000.nii.gz", affine=FINE)
    _, results, refused = plan_and_convert(AutopetSource(), raw)
    assert results[PSMA]["case"] is None
    assert refused[f"imagesTr/{PSMA}_0000.nii.gz"] == "other grid"
    assert sorted(refused.values()) == ["case refused"] * 4 + ["other grid"]


@pytest.mark.parametrize(("affine", "reason"), [(LPS, "other grid"), (None, "unreadable")])
def test_a_heat_map_that_cannot_be_used_is_refused_alone(raw, affine, reason):
    """Some shipped heat maps disagree with their images; those of DEEP-PSMA are LPS beside images that are LAS."""
    put_study(raw, PSMA, channels=(0, 1, 2, 3))
    path = raw / "imagesTr" / f"{PSMA}_0002.nii.gz"
    path.write_bytes(b"") if affine is None else put(path, affine=affine)
    _, results, refused = plan_and_convert(AutopetSource(), raw)
    assert refused == {f"imagesTr/{PSMA}_0002.nii.gz": reason}
    assert [row["role"] for row in results[PSMA]["volumes"]] == ["pet", "ct", "background_prompts", "lesions"]


def test_two_spellings_of_one_case_id_are_not_one_case_in_silence(raw):
    put_study(raw, "100%")
    put_study(raw, "100%25")  # as this package writes the same id
    plan, _, refused = plan_and_convert(AutopetSource(), raw)
    assert [case.case for case in plan.cases].count("100%") == 1
    assert sorted(refused.values()) == ["duplicate case"] * 3


def test_foreign_cases_are_taken_by_their_id_and_named(raw):
    put_study(raw, "hospital-7")
    plan, results, _ = plan_and_convert(AutopetSource(), raw)
    assert {case.case: case.patient for case in plan.cases}["hospital-7"] == "hospital-7"
    assert "autopet_case_name" in rules(plan, results)


def test_the_converted_pairs_of_deep_psma_belong_together(tmp_path):
    for case in ("PSMA_0001", "FDG_0001"):
        put_study(tmp_path, case)
    assert AutopetSource().detect(tmp_path)
    plan, _, _ = plan_and_convert(AutopetSource(), tmp_path)
    assert {case.row["patient"] for case in plan.cases} == {"0001"}
    assert {case.row["group"] for case in plan.cases} == {"0001"}
    assert {case.row["tracer"] for case in plan.cases} == {"PSMA", "FDG"}
    assert {case.row["licence"] for case in plan.cases} == {"CC-BY-NC"}


@pytest.fixture
def folders(tmp_path):
    """The layout of one folder per study."""
    return write_study_folders(tmp_path / "FDG-PET-CT-Lesions")


def test_a_study_folder_is_the_same_case_as_in_the_other_layout(folders):
    plan, results, refused = plan_and_convert(AutopetSource(), folders)
    assert refused == {}
    (case,) = plan.cases
    assert (case.case, case.patient, case.row["age_years"]) == (FDG, "0011f3deaf", 51.0)
    assert {row["role"]: (row["unit"], row["path"].rsplit("/", 1)[1]) for row in results[FDG]["volumes"]} == {
        "ct": ("HU", "CTres.nii.gz"),
        "ct.2": ("HU", "CT.nii.gz"),
        "pet": ("SUVbw", "SUV.nii.gz"),
        "pet.2": ("Bq/ml", "PET.nii.gz"),
        "lesions": ("label", "SEG.nii.gz"),
    }


def test_a_study_without_resampled_ct_has_the_native_one_and_none_without_suv(folders):
    study = next(folders.rglob("CTres.nii.gz")).parent
    (study / "CTres.nii.gz").unlink()
    _, results, _ = plan_and_convert(AutopetSource(), folders)
    assert {row["role"] for row in results[FDG]["volumes"]} == {"ct", "pet", "pet.2", "lesions"}
    (study / "SUV.nii.gz").unlink()
    plan, _, refused = plan_and_convert(AutopetSource(), folders)
    assert plan.cases == ()
    assert sorted(set(refused.values())) == ["missing channel", "not part of the layout"]


def test_both_layouts_are_told_by_their_names(raw, folders, tmp_path):
    assert detect_source(raw).name == detect_source(folders).name == "autopet"
    assert detect_source(folders.parent).name == "autopet"
    (raw / "fdg_metadata.csv").unlink()
    (raw / "psma_metadata.csv").unlink()
    assert detect_source(raw).name == "autopet"
    plain = tmp_path / "plain"
    put(plain / "imagesTr" / "case_0000.nii.gz")
    put_json(plain / "dataset.json", {})
    assert detect_source(plain).name == "nnunet"
    dicom = tmp_path / "manifest" / "PETCT_0011f3deaf" / "study" / "series"
    dicom.mkdir(parents=True)
    assert not AutopetSource().detect(tmp_path / "manifest")


def test_regions_by_name_are_refused(raw):
    with pytest.raises(SettingsError):
        AutopetSource().plan(raw, roi=["tumor"])


def test_a_cohort_is_written_and_its_prompts_come_back(raw, tmp_path):
    cohort = ingest("auto", raw, out=tmp_path / "cohort")
    assert cohort.facts.source == "autopet"
    assert cohort.facts.licences == ("CC-BY-NC-4.0",)
    assert cohort.tables.prompts.height == 4
    assert cohort.tables.cases["fold"].to_list() == [0, 0, 1]
    assert cohort[FDG].image("pet").array.max() == 1
    assert SOURCES["autopet"].name == "autopet"
