"""One file per structure, read back by the source `pants`."""

import json

import numpy as np
import pytest
from memory_cohorts import cohort_of, ct, masks

import oncohort
from oncohort.errors import SettingsError
from oncohort.exporting import export_cohort
from oncohort.exports import PantsExport
from oncohort.labels import LabelScheme
from oncohort.layouts import pants as layout
from oncohort.phantoms.twins import write_twin

ABDOMEN = LabelScheme("abdomen", {"liver": 1, "inferior_vena_cava": 2, "lesion": 3})
BLOCK = {"liver": (0, 4, 0, 4, 0, 4), "lesion": (1, 2, 1, 2, 1, 2)}


def test_the_twin_comes_back_with_identical_labels(tmp_path):
    twin = write_twin("pants", tmp_path / "twin", cases=3, size="tiny")
    first = oncohort.ingest("pants", twin.data, out=tmp_path / "first")
    done = export_cohort(first, PantsExport(), out=tmp_path / "out")
    assert done.failed == {}
    again = oncohort.ingest("pants", done.folder, out=tmp_path / "again")
    assert again.case_ids == first.case_ids
    for case in first:
        assert np.array_equal(again[case.id].image("ct").array, case.image("ct").array)
        one, two = case.label_map("organs"), again[case.id].label_map("organs")
        assert one.annotated == two.annotated
        assert all(np.array_equal(one.mask(name), two.mask(name)) for name in one.scheme.labels)


def test_names_numbers_and_the_three_states(tmp_path):
    drawn = masks(ABDOMEN, annotated=frozenset({"liver", "lesion"}), **BLOCK)
    empty = masks(ABDOMEN, liver=BLOCK["liver"])
    volumes = {
        "x": {"ct": ct(), "organs": drawn},
        "PanTS_00000001": {"ct": ct(), "organs": empty},
        "y": {"ct": ct(), "organs": empty},
    }
    cohort = cohort_of(volumes, scheme=ABDOMEN, cases={"y": {"split": "test"}})
    folder = export_cohort(cohort, PantsExport(rename={"lesion": "pancreatic_lesion"}), out=tmp_path / "out").folder
    record = json.loads((folder / "oncohort.json").read_text())
    assert {case: one["id"] for case, one in record["cases"].items()} == {
        "x": "PanTS_00000002",
        "PanTS_00000001": "PanTS_00000001",
        "y": "PanTS_00009001",
    }
    assert record["cases"]["x"]["missing"] == ["inferior_vena_cava"]
    assert sorted(path.name for path in (folder / "LabelTr/PanTS_00000002/segmentations").iterdir()) == [
        "liver.nii.gz",
        "pancreatic_lesion.nii.gz",
    ]
    again = oncohort.ingest("pants", folder, out=tmp_path / "again")
    organs = again["PanTS_00009001"].label_map("organs")
    assert [organs.state(name) for name in ("liver", "inferior_vena_cava", "spleen")] == ["present", "empty", "missing"]
    found = again["PanTS_00000002"].label_map("organs")
    assert np.argwhere(found.mask("pancreatic_lesion")).tolist() == [[1, 1, 1]]
    assert int(found.mask("liver").sum()) == 64
    assert dict(zip(*again.tables.cases.select("case", "split"), strict=True))["PanTS_00009001"] == "test"


def test_labels_that_pants_does_not_have_need_a_word(tmp_path):
    volumes = {"x": {"ct": ct(), "organs": masks(ABDOMEN, **BLOCK)}}
    cohort = cohort_of(volumes, scheme=ABDOMEN)
    with pytest.raises(SettingsError, match="lesion"):
        export_cohort(cohort, PantsExport(), out=tmp_path / "refused")
    with pytest.raises(SettingsError, match="liver"):
        export_cohort(cohort, PantsExport(rename={"lesion": "liver"}), out=tmp_path / "twice")
    with pytest.raises(SettingsError, match="kidney"):
        export_cohort(cohort, PantsExport(rename={"lesion": "kidney"}), out=tmp_path / "unknown")
    for others, names in (("leave-out", ["liver", "postcava"]), ("write", ["lesion", "liver", "postcava"])):
        folder = export_cohort(cohort, PantsExport(others=others), out=tmp_path / others).folder
        written = sorted(path.name.removesuffix(".nii.gz") for path in folder.rglob("segmentations/*"))
        assert written == names
    assert set(layout.STRUCTURES) >= {"liver", "postcava"}
