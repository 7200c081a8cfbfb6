import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.errors import InputError, MissingNeedError, OutputError, SettingsError
from oncohort.formats import open_cohort, write_cohort
from oncohort.formats.predictions import write_prediction
from oncohort.geometry import Geometry
from oncohort.ingestion import ingest
from oncohort.labels import LabelScheme
from oncohort.pictures import is_synthetic, parse_at, show_case
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume
from small_cohorts import PET_GRID, write_small_cohort

GRID = Geometry((20, 20, 20), np.diag([-5.0, -5.0, 5.0, 1.0]))
SCHEME = LabelScheme("l", {"lesion": 1, "liver": 2})


def cohort_of(volumes: dict[str, dict[str, Any]], **tables: Any) -> Cohort:
    """A cohort in memory: volumes by role and case."""
    cases = tables.pop("cases", None) or [{"case": case, "patient": case} for case in volumes]
    rows = [
        {"case": case, "role": role, "unit": "label" if isinstance(found, LabelMap) else str(found.unit)}
        for case, roles in volumes.items()
        for role, found in roles.items()
    ]
    made = Tables.from_rows({"cases": cases, "volumes": rows, **tables})
    return Cohort(CohortFacts("c", "dicom"), SCHEME, made, lambda row: volumes[row["case"]][row["role"]])


def image(unit: Unit, value: float = 1.0) -> Volume:
    return Volume.from_array(np.full(GRID.shape, value, np.float32), GRID, unit)


def lesions(*corners: tuple[int, int, int, int]) -> LabelMap:
    """Cubes of lesion: first voxel and edge."""
    mask = np.zeros(GRID.shape, bool)
    for i, j, k, edge in corners:
        mask[i : i + edge, j : j + edge, k : k + edge] = True
    return LabelMap.from_masks({"lesion": mask}, GRID, SCHEME)


def pet_ct(*corners: tuple[int, int, int, int]) -> dict[str, Any]:
    return {"ct": image(Unit.HU, 40), "pet": image(Unit.SUVBW, 2), "lesions": lesions(*corners)}


QUICK: dict[str, Any] = {"planes": ("axial",), "timepoints": 1}


def test_the_planes_cross_in_the_largest_lesion() -> None:
    cohort = cohort_of({"A": pet_ct((1, 2, 3, 2), (10, 11, 12, 3))})
    facts = show_case(cohort, "A", **QUICK).facts
    assert facts["at_mm"] == [-5.0 * 11, -5.0 * 12, 5.0 * 13]
    assert facts["at"] == "the largest of 2 lesions, 3.38 ml"
    assert (facts["lesion"], facts["lesions"]) == (1, 2)
    second = show_case(cohort, "A", at=2, **QUICK).facts
    assert second["at"] == "lesion 2 of 2 by size, 1 ml"
    assert show_case(cohort, "A", at=(1, 2, 3), **QUICK).facts["at_mm"] == [-5.0, -10.0, 15.0]


def test_without_lesions_the_planes_cross_in_boxes_structures_or_the_middle() -> None:
    box = {
        "case": "A",
        "volume": "ct",
        "lesion": "7",
        "class": "B",
        "i0": 2,
        "i1": 5,
        "j0": 4,
        "j1": 5,
        "k0": 6,
        "k1": 7,
    }
    organs = {"organs": LabelMap.from_masks({"liver": lesions((4, 4, 4, 3)).foreground()}, GRID, SCHEME)}
    ct = {"ct": image(Unit.HU, 40)}
    by_box = show_case(cohort_of({"A": ct}, boxes=[box]), "A", **QUICK).facts
    assert by_box["at_mm"] == [-15.0, -20.0, 30.0]
    assert by_box["at"] == "the only lesion with boxes (class B, lesion 7)"
    assert by_box["structures"] == ["box, class B, lesion 7"]
    assert show_case(cohort_of({"A": ct | organs}), "A", **QUICK).facts["at_mm"] == [-25.0, -25.0, 25.0]
    empty = show_case(cohort_of({"A": ct | {"lesions": lesions()}}), "A", **QUICK).facts
    assert (empty["at"], empty["at_mm"]) == ("the middle of the image", [-50.0, -50.0, 50.0])


def test_every_image_of_a_case_is_found_by_its_role_or_unit() -> None:
    def roles(volumes: dict[str, Any], **keywords: Any) -> tuple[Any, Any]:
        facts = show_case(cohort_of({"A": volumes}), "A", **QUICK, **keywords).facts
        return facts["ct"], facts["pet"]

    assert roles({"pet": image(Unit.SUVBW), "ct": image(Unit.HU)}) == ("ct", "pet")
    assert roles({"ct": image(Unit.HU), "ct.2": image(Unit.HU)}) == ("ct", None)
    assert roles({"ct": image(Unit.HU), "ct.2": image(Unit.HU)}, roles=["ct.2"]) == ("ct.2", None)
    assert roles({"pet": image(Unit.NONE)}) == (None, "pet")
    assert roles({"scan": image(Unit.HU), "uptake": image(Unit.BQML)}) == ("scan", "uptake")


def test_roles_choose_the_masks() -> None:
    cohort = cohort_of({"A": pet_ct((4, 4, 4, 5))})
    assert show_case(cohort, "A", **QUICK).facts["structures"] == ["lesion"]
    assert show_case(cohort, "A", roles=["ct", "pet"], **QUICK).facts["structures"] == []


def test_predictions_are_drawn_and_missing_ones_named(tmp_path: Path) -> None:
    write_prediction(tmp_path / "net", "A", lesions((3, 3, 3, 6)))
    (tmp_path / "none").mkdir()
    folders = {"net": tmp_path / "net", "none": tmp_path / "none"}
    facts = show_case(cohort_of({"A": pet_ct((4, 4, 4, 5))}), "A", predictions=folders, **QUICK).facts
    assert facts["structures"] == ["lesion", "net: lesion"]
    assert facts["missing_predictions"] == ["none"]


def test_prompts_and_boxes_of_the_shown_images_are_drawn() -> None:
    def prompt(kind: str, points: list[list[float]], **more: Any) -> dict[str, Any]:
        return {
            "case": "A",
            "volume": "pet",
            "step": 0,
            "kind": kind,
            "polarity": "foreground",
            "points": points,
            **more,
        }

    def box(volume: str) -> dict[str, Any]:
        return {"case": "A", "volume": volume, "i0": 3, "i1": 9, "j0": 3, "j1": 9, "k0": 3, "k1": 9}

    prompts = [
        prompt("click", [[6, 6, 6]]),
        prompt("scribble", [[5, 6, 6], [6, 6, 6]], polarity="background"),
        prompt("box", [[2, 2, 2], [9, 9, 9]]),
        prompt("click", [[1, 1, 19]]),
    ]
    cohort = cohort_of(
        {"A": pet_ct((4, 4, 4, 5)) | {"ct.2": image(Unit.HU)}}, prompts=prompts, boxes=[box("ct"), box("ct.2")]
    )
    facts = show_case(cohort, "A", **QUICK).facts
    assert facts["structures"] == [
        "lesion",
        "box",
        "prompt box, foreground",
        "click, foreground",
        "scribble, background",
    ]
    assert (facts["boxes"], facts["prompts"]) == (2, 2)


def test_time_points_stand_in_order_of_time() -> None:
    times = [("A3", 3), ("A1", 1), ("A0", None), ("A2", 2)]
    cases = [{"case": case, "patient": "A", "timepoint": time} for case, time in times]
    cases.append({"case": "B", "patient": "B", "timepoint": 1})
    cohort = cohort_of({case["case"]: pet_ct((4, 4, 4, 5)) for case in cases}, cases=cases)

    def shown(case: str, timepoints: int) -> list[str]:
        return list(show_case(cohort, case, planes=["axial"], timepoints=timepoints).facts["timepoints"])

    assert shown("A2", 4) == ["A1", "A2", "A3", "A0"]
    assert shown("A1", 2) == ["A1", "A2"]
    assert shown("A2", 1) == []
    assert shown("B", 4) == []


def test_time_points_show_the_chosen_roles_alone() -> None:
    cases = [{"case": case, "patient": "A", "timepoint": time} for time, case in enumerate(("A0", "A1"))]
    organs = LabelMap.from_masks({"liver": np.ones(GRID.shape, bool)}, GRID, SCHEME)
    cohort = cohort_of({case["case"]: pet_ct((4, 4, 4, 5)) | {"organs": organs} for case in cases}, cases=cases)
    chosen = show_case(cohort, "A0", planes=["axial"], roles=["ct", "pet", "lesions"]).facts
    assert (chosen["timepoints"], chosen["structures"]) == (["A0", "A1"], ["lesion"])
    assert "liver" in show_case(cohort, "A0", planes=["axial"]).facts["structures"]


def test_cases_of_unidentified_patients_are_not_shown_as_one() -> None:
    cases = [{"case": case, "patient": "unidentified"} for case in ("A", "B")]
    cohort = cohort_of({case["case"]: pet_ct((4, 4, 4, 5)) for case in cases}, cases=cases)
    assert show_case(cohort, "A", planes=["axial"]).facts["timepoints"] == []


def test_a_time_point_without_images_is_left_out() -> None:
    cases = [{"case": case, "patient": "A", "timepoint": time} for time, case in enumerate(("A0", "A1", "A2"))]
    volumes: dict[str, Any] = {"A0": pet_ct((4, 4, 4, 5)), "A1": {"lesions": lesions()}, "A2": pet_ct((4, 4, 4, 5))}
    assert show_case(cohort_of(volumes, cases=cases), "A0", planes=["axial"]).facts["timepoints"] == ["A0", "A2"]


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"window": "chest"}, "mediastinum, lung"),
        ({"window": ()}, "found none"),
        ({"planes": ("oblique",)}, "axial, coronal, sagittal, mip"),
        ({"planes": ()}, "found none"),
        ({"suv": (10.0, 0.0)}, "the lower first"),
        ({"suv": (0.0, float("nan"))}, "the lower first"),
        ({"at": 2}, "a number from 1 to 1"),
        ({"at": 0}, "a number from 1 to 1"),
        ({"at": (20, 0, 0)}, "20 x 20 x 20"),
        ({"at": (-1, 0, 0)}, "20 x 20 x 20"),
        ({"roles": ("mr",)}, "ct, pet, lesions"),
        ({"out": "sheet.jpg"}, ".png or .html"),
    ],
)
def test_wrong_settings_are_named(keywords: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        show_case(cohort_of({"A": pet_ct((4, 4, 4, 5))}), "A", **keywords)


def test_a_case_that_cannot_be_shown_says_why() -> None:
    with pytest.raises(InputError, match="choose one of its 1 cases"):
        show_case(cohort_of({"A": pet_ct()}), "B")
    with pytest.raises(MissingNeedError, match="a CT or a PET"):
        show_case(cohort_of({"A": {"lesions": lesions()}}), "A")
    with pytest.raises(MissingNeedError, match="a CT or a PET"):
        show_case(cohort_of({"A": pet_ct()}), "A", roles=["lesions"])
    with pytest.raises(SettingsError, match="none in the case"):
        show_case(cohort_of({"A": {"ct": image(Unit.HU)}}), "A", at=1)


@pytest.mark.parametrize("text", ["1,2", "a", "", "lesion", "1,2,3,4", "1.5,2,3", "²,1,1", "lesion x"])
def test_a_point_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="i,j,k or a number"):
        parse_at(text)


def test_points_are_read() -> None:
    assert [parse_at(text) for text in ("1,2,3", " 1, 2 ,3", "lesion 4", "Lesion 4", "4")] == [
        (1, 2, 3),
        (1, 2, 3),
        4,
        4,
        4,
    ]


def test_files_are_written_as_their_name_says(tmp_path: Path) -> None:
    cohort = write_small_cohort(tmp_path / "cohort", cases=("A",))
    png = show_case(cohort, "A", out=tmp_path / "deep" / "a.png")
    assert png.path == tmp_path / "deep" / "a.png"
    assert png.path.read_bytes() == png.png == png._repr_png_()
    assert Image.open(io.BytesIO(png.png)).width > 400
    page = show_case(tmp_path / "cohort", "A", out=tmp_path / "a.HTML", **QUICK)
    assert page.path is not None
    text = page.path.read_text(encoding="utf-8")
    assert "Case A" in text
    assert "data:image/png;base64," in text
    assert f"{' × '.join(map(str, PET_GRID.shape))}" in text
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OutputError):
        show_case(cohort, "A", out=blocked / "a.png", **QUICK)


def test_the_page_shows_the_findings_of_the_case(tmp_path: Path) -> None:
    cohort = write_small_cohort(tmp_path / "cohort", cases=("A", "B"))
    findings = [
        {"rule": f"rule_{case}", "severity": "info", "case": case, "evidence": "e", "remedy": "r"}
        for case in ("A", "B")
    ]
    tables = Tables.from_rows(
        {**{name: t.to_dicts() for name, t in cohort.tables.named().items()}, "findings": findings}
    )
    write_cohort(tmp_path / "cohort", Cohort(cohort.facts, cohort.scheme, tables))
    show_case(open_cohort(tmp_path / "cohort"), "A", out=tmp_path / "a.html", **QUICK)
    text = (tmp_path / "a.html").read_text()
    assert "rule_A" in text
    assert "rule_B" not in text


def test_synthetic_cohorts_are_known() -> None:
    cohort = cohort_of({"A": pet_ct((4, 4, 4, 5))})
    assert not is_synthetic(cohort)
    assert is_synthetic(cohort.with_cases(cohort.tables.cases.with_columns(licence=pl.lit("CC0 (SYNTHETIC)"))))


@pytest.mark.real_data
def test_a_real_case_is_drawn_with_both_contours(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    cohort = ingest("dicom", real_data("sts_petct") / "dicom" / "STS_001", out=tmp_path / "cohort")
    picture = show_case(cohort, "STS_001", out=tmp_path / "a.png")
    assert sorted(picture.facts["structures"]) == ["GTV_Mass_CT", "GTV_Mass_PET"]
    assert picture.facts["at"] == "the only lesion, 366 ml"
    assert 200_000 < len(picture.png) < 2_000_000


def test_labels_named_after_lesions_count_where_no_mask_has_the_role() -> None:
    scheme = LabelScheme("organs", {"pancreas": 1, "pancreatic_lesion": 2})
    masks = {"pancreas": lesions((2, 2, 2, 3)).foreground(), "pancreatic_lesion": lesions((8, 9, 10, 3)).foreground()}
    volumes = {"ct": image(Unit.HU, 40), "organs": LabelMap.from_masks(masks, GRID, scheme)}
    facts = show_case(cohort_of({"A": volumes}), "A", **QUICK).facts
    assert (facts["at"], facts["at_mm"]) == ("the only lesion, 3.38 ml", [-45.0, -50.0, 55.0])


@pytest.mark.parametrize(
    ("text", "expected"), [('{"synthetic": true}', True), ('{"synthetic": false}', False), ("[]", False), ("{", False)]
)
def test_images_under_the_record_of_phantoms_are_synthetic(tmp_path: Path, text: str, *, expected: bool) -> None:
    (tmp_path / "phantom.json").write_text(text)
    cohort = write_small_cohort(tmp_path / "data" / "cohort", cases=("A",))
    assert is_synthetic(cohort) is expected


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("boxes", {"volume": "ct", "i0": 3, "i1": 3, "j0": 1, "j1": 2, "k0": 1, "k1": 2}),
        ("boxes", {"volume": "ct", "i0": None, "i1": 3, "j0": 1, "j1": 2, "k0": 1, "k1": 2}),
        (
            "prompts",
            {"volume": "ct", "step": 0, "kind": "box", "polarity": "foreground", "points": [[3, 3, 3], [1, 4, 4]]},
        ),
        ("prompts", {"volume": "ct", "step": 0, "kind": "click", "polarity": "foreground", "points": [[3, 3]]}),
        ("prompts", {"volume": "ct", "step": 0, "kind": "poke", "polarity": "foreground", "points": [[3, 3, 3]]}),
        ("prompts", {"volume": "ct", "step": 0, "kind": "click", "polarity": "foreground", "points": None}),
    ],
)
def test_damaged_rows_are_errors_that_name_the_case(table: str, row: dict[str, Any]) -> None:
    cohort = cohort_of({"A": {"ct": image(Unit.HU)}}, **{table: [{"case": "A", **row}]})
    with pytest.raises(InputError):
        show_case(cohort, "A", **QUICK)


def test_boxes_far_outside_and_odd_voxels_still_draw() -> None:
    box = {"case": "A", "volume": "ct", "i0": -900, "i1": 30000, "j0": -5, "j1": 400, "k0": -7, "k1": 90}
    values = np.full(GRID.shape, np.nan, np.float32)
    values[5:15, 5:15, 5:15] = np.inf
    odd = {"ct": Volume.from_array(values, GRID, Unit.HU), "pet": Volume.from_array(values, GRID, Unit.BQML)}
    facts = show_case(cohort_of({"A": odd}, boxes=[box]), "A").facts
    assert facts["structures"] == ["box"]
    nothing = Volume.from_array(np.full(GRID.shape, np.nan, np.float32), GRID, Unit.BQML)
    assert show_case(cohort_of({"A": {"pet": nothing}}), "A").png.startswith(b"\x89PNG")
