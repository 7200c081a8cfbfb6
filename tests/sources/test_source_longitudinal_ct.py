"""Longitudinal CT as published: names, columns and values are typed from the reference."""

import json

import numpy as np
import pytest

from oncohort.description import summarise
from oncohort.errors import SettingsError
from oncohort.evaluation import evaluate
from oncohort.formats import write_volume
from oncohort.geometry import Geometry
from oncohort.ingestion import ingest
from oncohort.sources import detect_source
from oncohort.sources.longitudinal_ct.source import LongitudinalCtSource
from oncohort.units import Unit
from oncohort.volume import Volume
from published_files import (
    FINE,
    ID,
    LAS,
    NEW_COLUMNS,
    SHAPE,
    evidence,
    old_release,
    plan_and_convert,
    put,
    put_text,
    rules,
    write_longitudinal,
)


@pytest.fixture
def root(tmp_path):
    """The present release: a patient with two follow-up scans and lesions 1, 3 and 4."""
    return write_longitudinal(tmp_path / "Longitudinal-CT")


def test_each_scan_is_a_case_of_its_patient(root):
    plan, results, refused = plan_and_convert(LongitudinalCtSource(), root)
    assert refused == {}
    assert [case.case for case in plan.cases] == [f"{ID}_BL_00", f"{ID}_FU_00", f"{ID}_FU_01"]
    assert dict(plan.cases[2].row) == {
        "case": f"{ID}_FU_01",
        "patient": ID,
        "timepoint": 2,
        "group": ID,
        "split": "train",
        "licence": "CC-BY-NC",
        "scan": "follow-up",
        "scan_number": 1,
    }
    assert plan.cases[0].row["timepoint"] == 1
    assert {row["role"]: row["unit"] for row in results[f"{ID}_BL_00"]["volumes"]} == {"ct": "HU", "lesions": "label"}
    assert plan.scheme.labels == {"lesion_1": 1, "lesion_3": 3, "lesion_4": 4}
    assert plan.scheme.groups == {"lesion": ("lesion_1", "lesion_3", "lesion_4")}
    assert rules(plan, results) == ["longitudinal_counts", "longitudinal_true_clicks"]
    assert evidence(plan, results, "longitudinal_true_clicks") == [
        f"1 follow-up clicks are the centre of the lesion itself: {ID} lesion 4"
    ]


def test_a_lesion_is_the_same_lesion_at_both_time_points(root):
    _, results, _ = plan_and_convert(LongitudinalCtSource(), root)
    first = [row for row in results[f"{ID}_BL_00"]["structures"] if row["lesion"] == "1"]
    later = [row for row in results[f"{ID}_FU_00"]["structures"] if row["lesion"] == "1"]
    assert {row["measure"]: (row["value"], row["unit"]) for row in first} == {
        "present": (1.0, "1"),
        "volume": (120.5, "mm3"),
        "centre_i": (2.5, "voxel"),
        "centre_j": (1.0, "voxel"),
        "centre_k": (1.25, "voxel"),
        "target_lesion": (1.0, "1"),
        "use_for_challenge": (1.0, "1"),
        "linking_unclear": (0.0, "1"),
    }
    assert {row["measure"]: row["value"] for row in later}["carried_centre_i"] == 2.0
    assert {row["linked_case"] for row in first} == {f"{ID}_FU_00"}
    assert {row["linked_case"] for row in later} == {f"{ID}_BL_00"}
    assert {row["topology_class"] for row in first} == {"UNCHANGED"}
    gone = {row["measure"]: row["value"] for row in results[f"{ID}_FU_00"]["structures"] if row["lesion"] == "3"}
    assert gone["present"] == 0.0
    new = [row for row in results[f"{ID}_FU_01"]["structures"] if row["lesion"] == "4"]
    assert {row["lesion_type"] for row in new} == {"Soft tissue / Skin"}
    assert {row["measure"]: row["value"] for row in new}["volume"] == 55.5


def test_clicks_are_prompts_with_the_lesion_that_they_mean(root):
    _, results, _ = plan_and_convert(LongitudinalCtSource(), root)
    rows = results[f"{ID}_BL_00"]["prompts"]
    assert [(row["lesion"], row["points"], row["step"], row["volume"]) for row in rows] == [
        ("1", [[2.5, 1.0, 1.25]], 0, "ct"),
        ("3", [[1.0, 1.0, 1.0]], 0, "ct"),
    ]
    assert results[f"{ID}_FU_01"]["prompts"] == []


def test_the_old_release_is_read_too(root):
    plan, results, refused = plan_and_convert(LongitudinalCtSource(), old_release(root))
    assert refused == {}
    assert [case.case for case in plan.cases][:2] == ["022_BL_00", "022_FU_00"]
    assert {row["role"] for row in results["022_FU_00"]["volumes"]} == {"ct", "lesions"}
    assert evidence(plan, results, "longitudinal_release") == [
        "2 scans have names and 1 sheets have columns of the first release: 022_BL_00, 022_FU_00, 022"
    ]
    assert {row["lesion_type"] for row in results["022_BL_00"]["structures"]} == {"Lung"}


def test_a_sheet_may_name_scans_instead_of_counting_them(root):
    expected = LongitudinalCtSource().plan(root).cases
    sheet = root / "inputsTr" / f"{ID}.csv"
    text = sheet.read_text().replace(",0,2 2 2,2.1 2 2,0,", ",BL_img_00,2 2 2,2.1 2 2,FU_00,")
    sheet.write_text(text)
    assert "BL_img_00" in text
    assert [case.work["lesions"] for case in LongitudinalCtSource().plan(root).cases] == [
        case.work["lesions"] for case in expected
    ]


def test_both_names_of_one_scan_are_not_two_scans(root):
    old_release(root, ID)
    _, _, refused = plan_and_convert(LongitudinalCtSource(), root)
    assert set(refused.values()) == {"duplicate case"}
    assert len(refused) == 4


def test_what_looks_wrong_in_a_sheet_is_named(root):
    put_text(
        root / "inputsTr" / f"{ID}.csv",
        NEW_COLUMNS,
        "1,2.5 1.0,0,2 2 2,2.1 2 2,0,Toe,,VANISHED,9,-3,80,perhaps,True,False",
        "x,1 1 1,0,1 1 1,,0,Liver,,UNCHANGED,,30,,False,True,False",
        "2,1 1 1,0,1 1 1,1 1 1,7,Liver,,MERGING,1.0,30,,False,True,False",
    )
    plan, results, _ = plan_and_convert(LongitudinalCtSource(), root)
    found = evidence(plan, results, "longitudinal_sheet")[0]
    assert found.startswith("4 cells that cannot be read: row 2: cog_bl '2.5 1.0', row 2: volume_bl '-3'")
    assert evidence(plan, results, "longitudinal_topology") == [
        "1 topology classes that are not published: VANISHED",
        "1 lesions that others merged into have no row: 9",
    ]
    assert evidence(plan, results, "longitudinal_missing_scan") == [
        f"1 scans that sheets name are not here: {ID}_FU_07"
    ]
    assert evidence(plan, results, "longitudinal_lesion_type")
    assert evidence(plan, results, "longitudinal_click_lesion") == [
        "1 clicks are on lesions that the sheet does not have on this scan: 3"
    ]


def test_a_mask_or_clicks_without_their_image_are_refused(root):
    (root / "inputsTr" / f"{ID}_BL_img_00.nii.gz").unlink()
    plan, results, refused = plan_and_convert(LongitudinalCtSource(), root)
    assert refused == {
        f"inputsTr/{ID}_BL_mask_00.nii.gz": "no images",
        f"inputsTr/{ID}_BL_00.json": "no images",
    }
    assert "longitudinal_single_time_point" in rules(plan, results)
    assert "longitudinal_missing_scan" in rules(plan, results)


def test_a_scan_without_mask_or_clicks_stays_and_is_named(root):
    (root / "inputsTr" / f"{ID}_BL_mask_00.nii.gz").unlink()
    (root / "inputsTr" / f"{ID}_BL_00.json").unlink()
    (root / "inputsTr" / f"{ID}.csv").unlink()
    plan, results, _ = plan_and_convert(LongitudinalCtSource(), root)
    assert {"longitudinal_no_label", "longitudinal_no_clicks", "longitudinal_no_sheet"} < set(rules(plan, results))
    assert len(plan.scheme.labels) == 255


def test_a_mask_on_another_grid_refuses_the_scan(root):
    put(root / "inputsTr" / f"{ID}_BL_mask_00.nii.gz", affine=FINE)
    _, results, refused = plan_and_convert(LongitudinalCtSource(), root)
    assert results[f"{ID}_BL_00"]["case"] is None
    assert sorted(refused.values()) == ["case refused", "case refused", "other grid"]


def test_the_scans_are_scored_lesion_by_lesion(root, tmp_path):
    cohort = ingest("auto", root, out=tmp_path / "cohort")
    assert cohort.facts.source == "longitudinal-ct"
    assert cohort.tables.structures.filter(measure="present").height == 6
    assert summarise(cohort).lesions["measured lesions"] == 4  # 1 and 3 at baseline, 1 and 4 at follow-up
    assert "topology_class" in cohort.tables.structures.columns
    assert cohort.tables.prompts["lesion"].to_list() == ["1", "3", "1"]
    for case in cohort:
        mask = np.ones(SHAPE, np.uint8)
        mask[0, 0, 0] = 0
        write_volume(tmp_path / "model" / f"{case.id}.nii.gz", Volume.from_array(mask, Geometry(SHAPE, LAS), Unit.NONE))
    scores = evaluate(cohort, {"model": tmp_path / "model"}, profile="autopet-iv-task2", out=tmp_path / "scores")
    assert scores.table.filter(metric="instance_dice")["value"].to_list() == [1.0, 1.0, 1.0]


def test_the_layout_is_told_by_names(root, tmp_path):
    assert detect_source(root).name == "longitudinal-ct"
    assert detect_source(old_release(tmp_path / "old")).name == "longitudinal-ct"
    assert not LongitudinalCtSource().detect(root / "inputsTr")
    with pytest.raises(SettingsError):
        LongitudinalCtSource().plan(root, roi=["1"])
    assert json.loads(json.dumps(dict(LongitudinalCtSource().plan(root).cases[0].row)))
