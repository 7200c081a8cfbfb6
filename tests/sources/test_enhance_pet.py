"""ENHANCE.PET as published, and what becomes of it when files are missing, extra, renamed, cut or of another kind."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from enhance_pet_files import (
    HYPHENS,
    LABELS,
    MODELS,
    ORIGINS,
    SHAPE,
    SPACES,
    mask_of,
    sheet_rows,
    write_case,
    write_image,
    write_set,
)
from oncohort.errors import FormatError, InputError, SettingsError
from oncohort.formats.cohort_folder import read_row
from oncohort.formats.spreadsheet import write_sheet
from oncohort.sources import SOURCES, detect_source
from oncohort.sources.enhance_pet.sheets import find_origin, read_fact

SOURCE = SOURCES["enhance-pet"]
CASES = ("0001", "0002", "0003")


@pytest.fixture
def base(tmp_path):
    return write_set(tmp_path / "ENHANCE-PET_1.6k", CASES)


def files_below(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def outcome(root):
    """Plan, results, used and refused files; asserts that nothing is lost."""
    plan = SOURCE.plan(root)
    results = [SOURCE.convert(case, root) for case in plan.cases]
    refused = [row["path"] for row in plan.refused] + [row["path"] for each in results for row in each["refused"]]
    planned = {Path(stamp.path).relative_to(root).as_posix() for case in plan.cases for stamp in case.files}
    assert len(refused) == len(set(refused))
    assert planned | set(refused) == files_below(root)
    assert {row["path"] for row in plan.refused}.isdisjoint(planned)
    assert json.loads(json.dumps(results)) == results
    return (
        plan,
        results,
        planned - set(refused),
        {row["path"]: row["reason"] for row in plan.refused}
        | {row["path"]: row["reason"] for each in results for row in each["refused"]},
    )


def rules(plan):
    return {finding["rule"] for case in plan.cases for finding in case.findings}


def volumes(result):
    return {row["role"]: row for row in result["volumes"]}


@pytest.mark.parametrize(("version", "groups"), [(1, HYPHENS), (1, SPACES), (2, HYPHENS), (2, SPACES), (2, MODELS)])
def test_both_layouts_with_every_spelling_of_the_groups(tmp_path, version, groups):
    base = write_set(tmp_path / "set", CASES, version=version, groups=groups)
    plan, results, used, refused = outcome(base)
    assert plan.version == str(version)
    assert [case.case for case in plan.cases] == list(CASES)
    assert refused == {}
    assert len(used) == 9 * 3 + 3  # nine files a case, two sheets and labels.json
    for result in results:
        assert list(volumes(result)) == ["ct", "pet", "organs"]
    assert {case.case: case.row["head_removed"] for case in plan.cases} == {
        "0001": version == 2,
        "0002": True,
        "0003": True,
    }


def test_the_literal_paths_of_the_second_version_are_read(tmp_path):
    base = write_set(tmp_path / "ENHANCE-PET_1.6k", ("0001", "1600"))
    listing = """
        CT-details.xlsx
        PT-details.xlsx
        labels.json
        imaging-data/ground-truth/Body-Composition/0001.nii.gz
        imaging-data/ground-truth/Cardiac/0001.nii.gz
        imaging-data/ground-truth/Muscles/0001.nii.gz
        imaging-data/ground-truth/Organs/0001.nii.gz
        imaging-data/ground-truth/Peripheral-Bones/0001.nii.gz
        imaging-data/ground-truth/Ribs/0001.nii.gz
        imaging-data/ground-truth/Vertebrae/0001.nii.gz
        imaging-data/images/CT_0001-1000/0001.nii.gz
        imaging-data/images/CT_1001-1683/1600.nii.gz
        imaging-data/images/PT_0001-1683/0001.nii.gz
        imaging-data/images/PT_0001-1683/1600.nii.gz
    """  # as the data card and the download constants of MOOSE name them
    assert set(listing.split()) <= files_below(base)
    plan, results, *_ = outcome(base)
    assert [case.case for case in plan.cases] == ["0001", "1600"]
    assert volumes(results[1])["ct"]["path"] == str(base / "imaging-data/images/CT_1001-1683/1600.nii.gz")


def test_one_label_map_holds_all_seven_groups(base):
    plan, results, *_ = outcome(base)
    organs = read_row(base, plan.scheme, volumes(results[0])["organs"])
    assert len(organs.layers) == 7
    values = {organs.scheme.name_of(value) for value in organs.values()}
    assert values == {
        "adrenal_gland_left", "liver", "thyroid_gland_right", "aorta", "pulmonary_artery", "gluteus_maximus_left",
        "rib_left_1", "rib_right_13", "sternum", "femur_left", "tarsal_left", "ulna_right", "vertebrae_L1", "sacrum",
        "skeletal_muscle", "visceral_fat",
    }  # fmt: skip
    for name in ("liver", "ulna_right"):  # the second and the third value that is drawn: their columns
        assert np.flatnonzero(organs.mask(name).any(axis=(1, 2))).tolist() == [1 if name == "liver" else 2]
    overlap = organs.mask("adrenal_gland_left") & organs.mask("aorta") & organs.mask("skeletal_muscle")
    assert overlap.any()
    assert organs.layers[0].array.dtype == np.uint8
    assert organs.mask("ribs").sum() == organs.mask("sternum").sum() * 3


def test_a_label_that_nobody_drew_is_told_from_one_that_is_not_there(tmp_path):
    base = write_set(tmp_path / "set", ("0001", "0002"), version=1)
    (base / "imaging-data/ground-truth/Ribs/0001.nii.gz").unlink()
    plan, results, *_ = outcome(base)
    with_head, without = (read_row(base, plan.scheme, volumes(result)["organs"]) for result in results)
    assert [with_head.state(name) for name in ("brain", "liver", "rib_left_13")] == ["empty", "present", "missing"]
    assert [without.state(name) for name in ("brain", "skull", "rib_left_13")] == ["missing", "missing", "empty"]
    assert {row["structure"]: row["value"] for row in results[0]["structures"]} == {
        "organs": 1, "cardiac": 1, "muscles": 1, "ribs": 0, "peripheral_bones": 1, "vertebrae": 1,
        "body_composition": 1,
    }  # fmt: skip
    assert "enhance_pet_missing" in rules(plan)


def test_every_case_has_the_licence_of_its_origin(tmp_path):
    plan = SOURCE.plan(write_set(tmp_path / "set", tuple(ORIGINS)))
    assert {case.case: (case.row["centre"], case.row["licence"]) for case in plan.cases} == {
        "0001": ("AutoPET", "CC-BY-NC-4.0"),
        "0002": ("Leipzig", "CC-BY-4.0"),
        "0003": ("Careggi", "CC-BY-4.0"),
        "0004": ("AutoPET", "CC-BY-NC-4.0"),
        "1600": ("UC Davis", "CC-BY-4.0"),
    }
    assert {case.row["lesion_subtraction"] for case in plan.cases if case.row["centre"] == "AutoPET"} == {
        "lesion masks of autoPET"
    }


def test_cases_that_may_be_of_one_person_are_one_patient(tmp_path):
    base = write_set(tmp_path / "set", tuple(ORIGINS))
    plan = SOURCE.plan(base)
    patients = {case.case: case.patient for case in plan.cases}
    assert patients["0001"] == patients["0004"] == "unidentified"
    assert len({patients["0002"], patients["0003"], patients["1600"], patients["0001"]}) == 4
    assert "enhance_pet_cases" in rules(plan)
    (base / "cases.csv").write_text("case,patient\n0001,P7\n0004,P9\n")
    assert {case.case: case.patient for case in SOURCE.plan(base).cases if case.case in ("0001", "0004")} == {
        "0001": "P7",
        "0004": "P9",
    }


def test_without_sheets_no_licence_is_claimed_and_nobody_is_told_apart(base):
    for name in ("CT-details.xlsx", "PT-details.xlsx"):
        (base / name).unlink()
    plan, results, *_ = outcome(base)
    assert {case.row["licence"] for case in plan.cases} == {None}
    assert {case.patient for case in plan.cases} == {"unidentified"}
    assert {volumes(result)["pet"]["unit"] for result in results} == {"1"}
    assert {"enhance_pet_sheet", "enhance_pet_cases", "enhance_pet_no_suv"} <= rules(plan)


def test_facts_of_the_sheets(base):
    row = SOURCE.plan(base).cases[1].row
    assert {name: row[name] for name in ("sex", "age_years", "weight_kg", "height_m", "study_date", "tracer")} == {
        "sex": "F", "age_years": 61.0, "weight_kg": 70.5, "height_m": 1.72, "study_date": "2015-02-03", "tracer": "FDG",
    }  # fmt: skip
    assert (row["indication"], row["group"], row["injected_activity_mbq"]) == ("lung cancer", "lung cancer", 314.0)
    assert (row["ct_kvp"], row["ct_kernel"], row["ct_pixel_size_mm"]) == (120.0, "B30f", 0.98)
    assert row["pet_manufacturer"] == row["ct_manufacturer"] == "SIEMENS"


@pytest.mark.parametrize(
    ("units", "unit"), [("BQML", "Bq/ml"), ("Bq/mL", "Bq/ml"), ("GML", "SUVbw"), ("CNTS", "1"), (None, "1")]
)
def test_the_unit_of_a_pet_is_that_of_the_sheet_or_none(base, units, unit):
    rows = [{**row, "Image Units": units} for row in sheet_rows(CASES)[1]]
    write_sheet(base / "PT-details.xlsx", rows, list(rows[0]))
    plan, results, *_ = outcome(base)
    assert volumes(results[0])["pet"]["unit"] == unit
    assert ("enhance_pet_no_suv" in rules(plan)) == (unit == "1")


@pytest.mark.parametrize(
    ("fact", "cell", "value"),
    [
        ("age_years", "61 years", 61.0), ("age_years", 45, 45.0), ("age_years", "018M", 1.5),
        ("age_years", "old", None),
        ("height_m", 1.8, 1.8), ("height_m", "180", 1.8), ("height_m", 7, None), ("height_m", -1.7, None),
        ("injected_activity_mbq", 314000000, 314.0), ("injected_activity_mbq", "314,5", 314.5),
        ("injected_activity_mbq", 50000, None), ("study_date", 20150203, "2015-02-03"),
        ("study_date", "2015-02-03T10:00:00", "2015-02-03"), ("study_date", "3 Feb", None),
        ("study_date", "20151703", None),
        ("study_date", "20150230", None), ("sex", "Male", "M"), ("sex", "x", None), ("weight_kg", 0, None),
        ("ct_pixel_size_mm", "[0.98, 0.98]", 0.98), ("ct_pixel_size_mm", "0.98\\0.99", None),
        ("ct_kernel", "  B30f ", "B30f"), ("pet_slope", True, None),
    ],
)  # fmt: skip
def test_cells_are_read_in_their_unit_or_not_at_all(fact, cell, value):
    assert read_fact(fact, cell) == value


def test_an_origin_is_told_by_how_its_cell_begins():
    assert find_origin(["university  hospital LEIPZIG (Germany)"]).name == "Leipzig"
    assert find_origin(["Azienda Ospedaliero Universitaria Careggi, Italy"] * 2).name == "Careggi"
    assert find_origin(["Leipzig"]) is None
    assert find_origin([]) is None


def test_sheets_that_disagree_on_the_origin_give_no_licence(base):
    ct, _ = sheet_rows(CASES)
    ct[1]["Data-Source"] = "AutoPET Challenge"
    write_sheet(base / "CT-details.xlsx", ct, list(ct[0]))
    plan = SOURCE.plan(base)
    assert (plan.cases[1].row["licence"], plan.cases[1].patient) == (None, "unidentified")
    assert any("0002" in finding["evidence"] for finding in plan.cases[0].findings)


@pytest.mark.parametrize("nested", [True, False])
def test_labels_json_is_checked(base, nested):
    labels = (
        LABELS
        if nested
        else {model: {name: int(value) for value, name in names.items()} for model, names in LABELS.items()}
    )
    (base / "labels.json").write_text(json.dumps(labels))
    plan, _, _, refused = outcome(base)
    assert refused == {}
    assert "enhance_pet_labels" not in rules(plan)


def test_masks_of_a_group_with_other_integers_are_refused(base):
    (base / "labels.json").write_text(json.dumps({**LABELS, "clin_ct_organs": {"8": "spleen"}}))
    plan, results, _, refused = outcome(base)
    assert set(refused) == {f"imaging-data/ground-truth/Organs/{case}.nii.gz" for case in CASES}
    assert set(refused.values()) == {"other numbering"}
    assert "enhance_pet_labels" in rules(plan)
    assert read_row(base, plan.scheme, volumes(results[0])["organs"]).state("liver") == "missing"


def test_the_names_of_the_models_are_names_of_the_same_labels(base):
    (base / "labels.json").write_text(json.dumps({"clin_ct_vertebrae": {"20": "vertebrae_L1", "1": "vertebra C1"}}))
    assert outcome(base)[3] == {}


def damage(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def retype(path):
    path.write_bytes(b"%PDF-1.4 not what the name says")


def rename(path):
    path.rename(path.with_name(f"copy of {path.name}"))


def another_number(path):
    path.rename(path.with_name(path.name.replace("0002", "0777").replace("details", "data").replace("labels", "label")))


def replace_with_folder(path):
    path.unlink()
    path.mkdir()


def dangle(path):
    path.unlink()
    path.symlink_to("nowhere")


MUTATIONS = (Path.unlink, damage, empty, retype, rename, another_number, replace_with_folder, dangle)


def one_case_of_files():
    folders = ("images/CT_0001-1000", "images/PT_0001-1683", *(f"ground-truth/{group}" for group in HYPHENS))
    return [f"imaging-data/{folder}/0002.nii.gz" for folder in folders] + [
        "CT-details.xlsx", "PT-details.xlsx", "labels.json",
    ]  # fmt: skip


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
def test_no_mutation_of_any_file_loses_anything(base, mutate, tmp_path):
    for position, name in enumerate(one_case_of_files()):
        copy = tmp_path / f"copy {position}"
        shutil.copytree(base, copy)
        mutate(copy / name)
        plan = SOURCE.plan(copy)
        results = [SOURCE.convert(case, copy) for case in plan.cases]
        listed = [*plan.refused, *(row for result in results for row in result["refused"])]
        refused = {row["path"] for row in listed}
        planned = {Path(stamp.path).relative_to(copy).as_posix() for case in plan.cases for stamp in case.files}
        below = files_below(copy) | {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_symlink()}
        assert planned | refused == below, name
        assert len(listed) == len(refused), name
        whole = [volumes(result) for result in results if result["case"] and result["case"]["case"] in CASES]
        said = refused or rules(plan) - {"enhance_pet_columns", "enhance_pet_cases"}
        assert said, f"{name}: {mutate.__name__} went unnoticed"
        assert {"0001", "0003"} <= {result["case"]["case"] for result in results if result["case"]}, name
        assert all("ct" in roles and "organs" in roles for roles in whole), name
        for row in (row for result in results for row in result["volumes"]):
            read_row(copy, plan.scheme, row)


EXTRA = {
    "imaging-data/images/CT_0001-1000/0002 (1).nii.gz": "no case id",
    "imaging-data/images/CT_0001-1000/12345.nii.gz": "no case id",
    "imaging-data/images/CT_0001-1000/0002.nii": "no case id",
    "imaging-data/images/MR/0002.nii.gz": "unknown folder",
    "imaging-data/ground-truth/Lesions/0002.nii.gz": "unknown folder",
    "imaging-data/ground-truth/0002.nii.gz": "unknown folder",
    "imaging-data/ground-truth/Organs/old/0002.nii.gz": "unknown folder",
    "imaging-data/ground-truth/Organs.zip": "not part of the layout",
    "imaging-data/ground-truth/Organs/readme.txt": "not part of the layout",
    "imaging-data/images/.DS_Store": "not part of the layout",
    "imaging-data/images/CT_0001-1000/._0002.nii.gz": "not part of the layout",
    "notes.txt": "not part of the layout",
    "deep/er/CT-details.xlsx": "not part of the layout",
}


def test_extra_files_are_refused_with_a_reason(base):
    for name in EXTRA:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(b"\x1f\x8bnothing")
    plan, results, _, refused = outcome(base)
    assert refused == EXTRA
    assert len(plan.cases) == len([result for result in results if result["case"]]) == 3


def test_two_files_of_one_case_are_both_refused(base):
    write_case(base / "imaging-data", "0002", version=1)
    plan, _, _, refused = outcome(base)
    assert [case.case for case in plan.cases] == ["0001", "0003"]
    for folder in ("CT", "CT_0001-1000", "PT", "PT_0001-1683"):
        assert refused[f"imaging-data/images/{folder}/0002.nii.gz"] == "two files of one case"
    assert refused["imaging-data/ground-truth/Organs/0002.nii.gz"] == "no CT"


def test_a_case_without_ct_is_refused_with_all_its_files(base):
    (base / "imaging-data/images/CT_0001-1000/0002.nii.gz").unlink()
    plan, _, _, refused = outcome(base)
    assert [case.case for case in plan.cases] == ["0001", "0003"]
    assert set(refused.values()) == {"no CT"}
    assert len(refused) == 8


def test_a_damaged_ct_refuses_the_case_and_a_damaged_pet_or_mask_itself(base):
    damage(base / "imaging-data/images/CT_0001-1000/0001.nii.gz")
    retype(base / "imaging-data/images/PT_0001-1683/0002.nii.gz")
    empty(base / "imaging-data/ground-truth/Cardiac/0003.nii.gz")
    _, results, _, refused = outcome(base)
    assert results[0]["case"] is None
    assert len(results[0]["refused"]) == 9
    assert {row["reason"] for row in results[0]["refused"]} == {"unreadable", "case refused"}
    assert list(volumes(results[1])) == ["ct", "organs"]
    assert refused["imaging-data/images/PT_0001-1683/0002.nii.gz"] == "unreadable"
    assert refused["imaging-data/ground-truth/Cardiac/0003.nii.gz"] == "unreadable"
    assert "cardiac" not in json.loads(volumes(results[2])["organs"]["scale"])["files"]


def test_a_mask_on_another_grid_is_refused_alone(base):
    path = base / "imaging-data/ground-truth/Ribs/0002.nii.gz"
    write_image(path, mask_of("Ribs"), spacing=(1.0, 2.0, 3.0))
    _, results, _, refused = outcome(base)
    assert refused == {path.relative_to(base).as_posix(): "other grid"}
    assert volumes(results[1])["organs"]["shape"] == list(SHAPE)


def test_a_mask_with_integers_of_another_group_is_not_read(base):
    write_image(base / "imaging-data/ground-truth/Body-Composition/0001.nii.gz", mask_of("Organs", values=(8,)))
    plan, results, *_ = outcome(base)
    organs = read_row(base, plan.scheme, volumes(results[0])["organs"])
    with pytest.raises(FormatError, match=r"labels from 0 to 3.*found 8"):
        organs.mask("liver")


def test_a_subset_of_groups_is_a_cohort(base):
    for group in HYPHENS[1:]:
        shutil.rmtree(base / "imaging-data/ground-truth" / group)
    shutil.rmtree(base / "imaging-data/images/PT_0001-1683")
    plan, results, _, refused = outcome(base)
    assert refused == {}
    assert [list(volumes(result)) for result in results] == [["ct", "organs"]] * 3
    assert "enhance_pet_groups" in rules(plan)
    assert "enhance_pet_missing" not in rules(plan)


def test_a_folder_above_is_known_too(base):
    assert SOURCE.detect(base.parent)
    plan, results, *_ = outcome(base.parent)
    assert len(plan.cases) == len(results) == 3
    assert detect_source(base).name == detect_source(base.parent).name == "enhance-pet"


def test_other_folders_are_not_taken_for_it(tmp_path):
    (tmp_path / "images" / "CT").mkdir(parents=True)
    assert not SOURCE.detect(tmp_path)
    assert not SOURCE.detect(tmp_path / "nothing there")
    with pytest.raises(InputError, match="none of the known folders"):
        SOURCE.plan(tmp_path)
    with pytest.raises(SettingsError):
        SOURCE.plan(tmp_path, roi=["liver"])


SHEETS = {
    "no column of cases": ["Nothing", "Data-Source"],
    "only a header": ["Case-ID", "Data-Source"],
}


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_that_cannot_be_joined_is_a_finding(base, name):
    rows = [] if name == "only a header" else [{"Nothing": 1, "Data-Source": "AutoPET Challenge"}]
    write_sheet(base / "PT-details.xlsx", rows, SHEETS[name])
    plan, *_ = outcome(base)
    assert "enhance_pet_sheet" in rules(plan)
    assert plan.cases[1].row["licence"] == "CC-BY-4.0"  # the other sheet says it


def test_a_case_with_two_rows_has_no_facts(base):
    _, pet = sheet_rows(CASES)
    pet.append({**pet[1], "Sex": "M"})
    write_sheet(base / "PT-details.xlsx", pet, list(pet[0]))
    plan, *_ = outcome(base)
    assert "sex" not in plan.cases[1].row
    assert plan.cases[0].row["sex"] == "F"


STRANGE = [
    "[]", "3", "{", '{"clin_ct_organs": 3}', '{"clin_ct_organs": {"x": "y"}}', "null", "[" * 100_000,
    '{"clin_ct_organs": {"' + "9" * 5000 + '": "liver"}}', '{"clin_ct_organs": {"8": "\\ud800"}}',
    '{"clin_ct_organs": {"8": ["liver"]}}', '{"clin_ct_organs": {"8": null, "-1": "x", "8.5": "y"}}', '{"\\ud800": 1}',
    '{"clin_ct_organs": {"8": "' + "x" * 2_000_000 + '"}}', "\ufeff{}", "",
]  # fmt: skip


@pytest.mark.parametrize("text", STRANGE, ids=lambda text: text[:30].encode("ascii", "backslashreplace").decode())
def test_a_strange_labels_json_is_told(base, text):
    (base / "labels.json").write_text(text)
    plan, _, _, refused = outcome(base)
    assert len(plan.cases) == 3
    assert refused.get("labels.json") == "unreadable" or "clin_ct_organs" in text
    assert all(str(row).encode() for case in plan.cases for row in case.findings)  # a table can hold them
