"""PanTS folders: literal listings typed from the published layout."""

import json
import shutil

import nibabel as nib
import numpy as np
import pytest

from oncohort.errors import InputError, LabelError, SettingsError
from oncohort.formats import open_cohort
from oncohort.formats.spreadsheet import write_sheet
from oncohort.ingestion import ingest, is_intact
from oncohort.sources import detect_source
from pants_folders import (
    AFFINE,
    BLOBS,
    COLUMNS,
    CT,
    MAPS,
    SHAPE,
    SOURCE,
    STRUCTURES,
    TEST,
    TRAIN,
    accounted,
    blob,
    combined,
    mask,
    met,
    put,
    row,
    rules,
    scaled_blob,
    write_case,
    write_folder,
)


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "PanTS")


def test_the_published_folder_becomes_cases(folder, tmp_path):
    assert detect_source(folder).name == "pants"
    cohort = ingest("auto", folder, out=tmp_path / "cohort")
    assert (cohort.facts.source, cohort.case_ids) == ("pants", (TRAIN, TEST))
    cases = cohort.tables.cases
    assert cases["split"].to_list() == ["train", "test"]
    assert cases["patient"].to_list() == [TRAIN, TEST]
    assert cases["sex"].to_list() == ["F", "M "]
    assert cases["age_years"].to_list() == [61.0, 61.0]
    assert cases["phase"].to_list() == ["Venous", None]
    assert cases["tumour"].to_list() == [1, 0]
    assert cases["study_year"].to_list() == ["2012; 2016"] * 2
    assert cases["report_file"].to_list() == [None, str(folder / "ReportTe" / TEST / "report.pdf")]
    assert set(cases["licence"]) == {"CC-BY-NC-ND-4.0 (repository) or CC-BY-NC-SA-4.0 (data card)"}
    assert cohort.tables.refused.height == 0
    assert is_intact(cohort)
    assert not (tmp_path / "cohort" / "volumes").exists()


def test_every_structure_comes_back_and_overlaps_survive(folder, tmp_path):
    case = ingest("pants", folder, out=tmp_path / "cohort")[TRAIN]
    assert case.roles == ("ct", "organs", "organs_combined")
    organs = case.label_map("organs")
    for name in STRUCTURES:
        assert np.array_equal(organs.mask(name), mask(name) > 0), name
    assert organs.mask("liver")[mask("liver") > 0].all()
    assert organs.mask("veins")[mask("liver") > 0].all()
    assert organs.state("inferior_vena_cava") == "empty"
    assert case.image("ct").geometry == organs.geometry


@pytest.mark.parametrize("case", [TRAIN, TEST])
def test_both_numberings_of_the_combined_map_mean_the_same(folder, tmp_path, case):
    found = ingest("pants", folder, out=tmp_path / "cohort")[case].label_map("organs_combined")
    assert np.array_equal(found.layers[0].array, combined("A"))
    assert int(found.mask("pancreas").sum()) == 6


def test_without_files_of_single_structures_the_numbering_is_not_guessed(folder, tmp_path):
    shutil.rmtree(folder / "LabelTr" / TRAIN / "segmentations")
    cohort = ingest("pants", folder, out=tmp_path / "cohort")
    assert cohort[TRAIN].roles == ("ct",)
    assert [(entry["path"], entry["reason"]) for entry in cohort.tables.refused.to_dicts()] == [
        (f"LabelTr/{TRAIN}/combined_labels.nii.gz", "numbering unknown")
    ]
    findings = {one["rule"]: one for one in cohort.tables.findings.to_dicts()}
    assert findings["pants_numbering"]["severity"] == "error"
    assert not is_intact(cohort)


def test_files_that_do_not_tell_the_numbering_are_noticed_when_it_is_read(folder, tmp_path):
    wrong = np.roll(combined("A"), 2, axis=0)
    put(folder / "LabelTr" / TRAIN / "combined_labels.nii.gz", blob(wrong))
    cohort = ingest("pants", folder, out=tmp_path / "cohort")
    with pytest.raises(LabelError, match="numbering"):
        _ = cohort[TRAIN].label_map("organs_combined").layers


def test_slope_scaled_labels_are_rounded(folder, tmp_path):
    path = folder / "LabelTr" / TRAIN / "combined_labels.nii.gz"
    put(path, scaled_blob(combined("A")))
    assert sorted(set(nib.load(path).get_fdata().ravel()))[1] == pytest.approx(1.0001983, abs=1e-6)
    tail = blob(mask("pancreas_tail").astype(np.int8) * 100, slope=1.0000000591 / 100)
    put(folder / "LabelTr" / TRAIN / "segmentations" / "pancreas_tail.nii.gz", tail)
    case = ingest("pants", folder, out=tmp_path / "cohort")[TRAIN]
    assert np.array_equal(case.label_map("organs_combined").layers[0].array, combined("A"))
    assert np.array_equal(case.label_map("organs").mask("pancreas_tail"), mask("pancreas_tail") > 0)


def test_a_missing_file_is_told_from_an_empty_one(folder, tmp_path):
    """In PanTS_00003188 celiac_artery is missing; every other absent structure has an empty file."""
    (folder / "LabelTr" / TRAIN / "segmentations" / "celiac_artery.nii.gz").unlink()
    cohort = ingest("pants", folder, out=tmp_path / "cohort")
    organs = cohort[TRAIN].label_map("organs")
    assert [organs.state(name) for name in ("celiac_artery", "postcava", "aorta")] == ["missing", "empty", "present"]
    states = {
        (one["case"], one["structure"]): one["value"]
        for one in cohort.tables.structures.to_dicts()
        if (one["volume"], one["measure"]) == ("organs", "file")
    }
    assert len(states) == 56
    assert {key for key, value in states.items() if value == 0.0} == {(TRAIN, "celiac_artery")}
    finding = cohort.tables.findings.filter(rule="pants_missing_structures").row(0, named=True)
    assert (finding["case"], finding["severity"]) == (TRAIN, "warning")
    assert finding["evidence"].endswith("celiac_artery")


def test_labels_on_another_grid_than_the_image_are_a_finding_not_a_repair(folder, tmp_path):
    """Cases 9232, 9357 and others: same shape, another affine."""
    moved = AFFINE.copy()
    moved[0, 3] = 40.0
    put(folder / "ImageTr" / TRAIN / "ct.nii.gz", blob(np.zeros(SHAPE, np.int16), affine=moved))
    cohort = ingest("pants", folder, out=tmp_path / "cohort")
    finding = cohort.tables.findings.filter(rule="pants_label_grid").row(0, named=True)
    assert (finding["severity"], finding["case"]) == ("error", TRAIN)
    assert "up to 40 mm apart" in finding["evidence"]
    assert cohort[TRAIN].image("ct").geometry.affine[0, 3] == 40.0
    assert cohort[TRAIN].label_map("organs").geometry.affine[0, 3] == 0.0


def test_one_structure_on_another_grid_is_refused_alone(folder):
    moved = AFFINE.copy()
    moved[2, 3] = 7.0
    put(folder / "LabelTr" / TRAIN / "segmentations" / "liver.nii.gz", blob(mask("liver"), affine=moved))
    plan, results, _, _, _ = accounted(folder)
    assert [(one["path"], one["reason"]) for one in results[0]["refused"]] == [
        (f"LabelTr/{TRAIN}/segmentations/liver.nii.gz", "other grid")
    ]
    assert "pants_missing_structures" in rules(results, plan)


def test_axes_that_are_not_perpendicular_are_a_finding(folder):
    skewed = AFFINE.copy()
    skewed[0, 1] = 1e-4
    put(folder / "ImageTr" / TRAIN / "ct.nii.gz", blob(np.zeros(SHAPE, np.int16), affine=skewed))
    plan, results, _, _, _ = accounted(folder)
    assert "skewed_axes" in rules(results, plan)
    write_case(folder, TRAIN)
    plan, results, _, _, _ = accounted(folder)
    assert "skewed_axes" not in rules(results, plan)


@pytest.mark.parametrize("codes", ["RAS", "LAS", "LPS", "LAI", "IPL"])
def test_axes_of_any_order_are_kept(folder, tmp_path, codes):
    from oncohort.geometry import Geometry

    affine = Geometry(SHAPE, np.diag([0.8, 0.9, 3.0, 1.0])).reorient(codes).affine
    put(folder / "ImageTr" / TRAIN / "ct.nii.gz", blob(np.zeros(SHAPE, np.int16), affine=affine))
    cohort = ingest("pants", folder, out=tmp_path / "cohort")
    assert cohort[TRAIN].image("ct").geometry.orientation == codes


# --- forms of the folder ---------------------------------------------------------------------------------------------


def test_the_label_archive_has_case_folders_at_its_top(tmp_path):
    root = tmp_path / "PanTSMini_Label"
    for name in STRUCTURES:
        put(root / TEST / "segmentations" / f"{name}.nii.gz", BLOBS[name])
    put(root / TEST / "combined_labels.nii.gz", MAPS["A"])
    assert detect_source(root).name == "pants"
    cohort = ingest("auto", root, out=tmp_path / "cohort")
    assert cohort[TEST].roles == ("organs", "organs_combined")
    assert cohort.tables.cases["split"].to_list() == ["test"]
    assert {"pants_no_ct", "pants_no_sheet"} <= set(cohort.tables.findings["rule"])


def test_images_in_the_folders_of_their_archives_join_their_labels(tmp_path):
    root = tmp_path / "data"
    write_case(root, TRAIN)
    shutil.move(root / "ImageTr", root / "PanTSMini_ImageTr_00000001_00001000")
    plan, results, used, refused, kept = accounted(root)
    assert [case.case for case in plan.cases] == [TRAIN]
    assert {volume["role"] for volume in results[0]["volumes"]} == {"ct", "organs", "organs_combined"}
    assert (used, refused) == (met(root), set())
    assert kept == used


def test_images_alone_are_cases_without_masks(tmp_path):
    put(tmp_path / "PanTS" / "ImageTr" / TRAIN / "ct.nii.gz", CT)
    cohort = ingest("auto", tmp_path / "PanTS", out=tmp_path / "cohort")
    assert cohort[TRAIN].roles == ("ct",)
    assert "pants_no_structures" in set(cohort.tables.findings["rule"])


def test_a_case_in_the_folder_of_the_other_split_is_a_finding(tmp_path):
    write_case(tmp_path / "PanTS", TRAIN, split="Te")
    plan, results, _, _, _ = accounted(tmp_path / "PanTS")
    assert plan.cases[0].row["split"] == "train"
    assert "pants_split" in rules(results, plan)


def test_a_second_copy_of_a_case_is_refused(folder):
    shutil.copytree(folder / "ImageTr", folder / "copy" / "ImageTr")
    shutil.copytree(folder / "LabelTr", folder / "copy" / "LabelTr")
    (folder / "LabelTr" / TRAIN / "segmentations" / "liver.nii.gz").unlink()
    plan, results, used, refused, _ = accounted(folder)
    assert used | refused == met(folder)
    assert {one["reason"] for one in plan.refused} == {"duplicate case"}
    assert f"LabelTr/{TRAIN}/segmentations/veins.nii.gz" in refused  # the copy has more structures
    assert len(json.loads(results[0]["volumes"][1]["scale"])["files"]) == 28


def test_other_folders_are_not_this_layout(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    assert not SOURCE.detect(tmp_path / "empty")
    assert not SOURCE.detect(tmp_path / "gone")
    assert not SOURCE.detect(folder / "metadata.xlsx")
    assert SOURCE.detect(folder / "LabelTr")
    (tmp_path / "nnunet" / "imagesTr").mkdir(parents=True)
    (tmp_path / "nnunet" / "dataset.json").write_text("{}")
    assert detect_source(tmp_path / "nnunet").name != "pants"


def test_regions_and_paths_that_are_no_folder_are_refused(folder):
    with pytest.raises(SettingsError, match="--roi"):
        SOURCE.plan(folder, roi=["liver"])
    with pytest.raises(InputError):
        SOURCE.plan(folder / "metadata.xlsx")


# --- the sheet -------------------------------------------------------------------------------------------------------


def facts(root, rows, columns=COLUMNS):
    write_sheet(root / "metadata.xlsx", rows, columns, sheet="PanTS_metadata")
    plan, results, used, refused, _ = accounted(root)
    assert used | refused == met(root)
    return {case.case: case.row for case in plan.cases}, rules(results, plan)


QUIET = {"pants_no_patients", "pants_licence"}


def test_fifteen_columns_bring_the_report(folder):
    text = "FINDINGS:_x000D_\nSpleen:_x000D_\nNormal size"
    rows = [row(case, **{"structured report": text}) for case in (TRAIN, TEST)]
    found, names = facts(folder, rows, [*COLUMNS, "structured report"])
    assert found[TRAIN]["report"] == "FINDINGS:\nSpleen:\nNormal size"
    assert names == QUIET
    found, names = facts(folder, rows)
    assert found[TRAIN]["report"] is None
    assert names == QUIET


def test_renamed_columns_are_known(folder):
    names = {"PanTS ID": "BDMAP ID", "tumor?": "number of pancreatic lesion instances"}
    rows = [{names.get(key, key): value for key, value in row(case).items()} for case in (TRAIN, TEST)]
    found, rules_found = facts(folder, rows, [names.get(name, name) for name in COLUMNS])
    assert found[TEST]["tumour"] == 1
    assert rules_found == QUIET


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"sex": "M "}, "pants_sheet_spaces"),
        ({"age": "old"}, "pants_sheet_numbers"),
        ({"age": -1}, "pants_sheet_numbers"),
        ({"age": 999}, "pants_sheet_numbers"),
        ({"tumor?": 7}, "pants_sheet_numbers"),
        ({"tumor?": "yes"}, "pants_sheet_numbers"),
        ({"PanTS ID": "PanTS_1"}, "pants_sheet_rows"),
        ({"PanTS ID": None}, "pants_sheet_rows"),
        ({"PanTS ID": TEST}, "pants_sheet_rows"),
        ({"PanTS ID": "PanTS_00000777"}, "pants_row_without_case"),
        ({"shape": "(6, 5, 5)"}, "pants_sheet_grid"),
        ({"spacing": "(0.75, 0.75, 2.5)"}, "pants_sheet_grid"),
    ],
)
def test_what_looks_wrong_in_the_sheet_is_a_finding(folder, changes, rule):
    _, names = facts(folder, [row(TEST), row(TRAIN, **changes)])
    assert names - QUIET - {"pants_case_without_row"} == {rule}
    assert ("pants_case_without_row" in names) == ("PanTS ID" in changes)


@pytest.mark.parametrize("changes", [{"shape": "(4, 6, 5)"}, {"shape": "unknown"}, {"spacing": None}, {"age": 0}])
def test_what_says_nothing_wrong_is_no_finding(folder, changes):
    _, names = facts(folder, [row(TEST), row(TRAIN, **changes)])
    assert names == QUIET


def test_missing_and_unknown_columns_are_findings(folder):
    columns = [*(name for name in COLUMNS if name != "age"), "diagnosis"]
    found, names = facts(folder, [row(case, diagnosis="PDAC") for case in (TRAIN, TEST)], columns)
    assert found[TRAIN]["age_years"] is None
    assert names - QUIET == {"pants_sheet_columns"}


@pytest.mark.parametrize("data", [b"", b"not a workbook", b"PK\x03\x04"])
def test_a_sheet_that_cannot_be_read_is_refused_and_the_cases_stay(folder, data):
    put(folder / "metadata.xlsx", data)
    plan, results, used, refused, _ = accounted(folder)
    assert refused == {"metadata.xlsx"}
    assert used | refused == met(folder)
    assert len(plan.cases) == 2
    assert "pants_no_sheet" in rules(results, plan)


# --- size and resume -------------------------------------------------------------------------------------------------


def test_no_voxel_is_read_while_five_hundred_cases_are_indexed(tmp_path, monkeypatch):
    """14,500 files; the bound is thirty times what the benchmark measures."""
    import time

    from oncohort.formats import gzip_members

    root = tmp_path / "PanTS"
    for number in range(1, 501):
        case = f"PanTS_{number:08d}"
        put(root / "ImageTr" / case / "ct.nii.gz", CT)
        masks = root / "LabelTr" / case / "segmentations"
        masks.mkdir(parents=True)
        for name, data in BLOBS.items():
            (masks / f"{name}.nii.gz").write_bytes(data)
    monkeypatch.setattr(gzip_members, "read_bytes", lambda *_: pytest.fail("a file was decompressed"))
    began = time.monotonic()
    cohort = ingest("pants", root, out=tmp_path / "cohort")
    assert time.monotonic() - began < 30
    assert (len(cohort), cohort.tables.structures.height) == (500, 14_000)
    assert sorted(path.name for path in (tmp_path / "cohort" / ".oncohort").iterdir()) == ["results.jsonl", "work.json"]


def test_what_was_done_is_not_done_again_after_a_kill(folder, tmp_path, monkeypatch):
    from oncohort.sources.pants import source as pants

    calls = []

    def convert(plan):
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(plan.case)
        return original(plan)

    original = pants.convert_pants
    monkeypatch.setattr(pants, "convert_pants", convert)
    with pytest.raises(KeyboardInterrupt):
        ingest("pants", folder, out=tmp_path / "cohort")
    monkeypatch.setattr(pants, "convert_pants", lambda plan: calls.append(plan.case) or original(plan))
    ingest("pants", folder, out=tmp_path / "cohort")
    assert calls == [TRAIN, TEST]
    ingest("pants", folder, out=tmp_path / "cohort")
    assert calls == [TRAIN, TEST]
    put(folder / "LabelTr" / TRAIN / "segmentations" / "liver.nii.gz", BLOBS["veins"])
    ingest("pants", folder, out=tmp_path / "cohort")
    assert calls == [TRAIN, TEST, TRAIN]
    assert open_cohort(tmp_path / "cohort").case_ids == (TRAIN, TEST)
