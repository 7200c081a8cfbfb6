"""A cohort of ENHANCE.PET beside predictions: groups, licences, and labels that nobody looked for."""

import pytest

from enhance_pet_files import write_set
from oncohort.evaluation import evaluate
from oncohort.formats import write_label_map
from oncohort.ingestion import ingest, is_intact
from oncohort.units import Unit


@pytest.fixture
def base(tmp_path):
    return write_set(tmp_path / "ENHANCE-PET_1.6k", ("0001", "0002", "0003"))


def test_a_cohort_is_scored_by_group(base, tmp_path):
    cohort = ingest("auto", base, out=tmp_path / "cohort")
    assert is_intact(cohort)
    assert (cohort.facts.source, cohort.facts.source_version) == ("enhance-pet", "2")
    assert cohort.facts.licences == ("CC-BY-4.0", "CC-BY-NC-4.0")
    assert cohort["0001"].image("pet").unit is Unit.BQML
    (tmp_path / "copy").mkdir()
    for case in cohort:
        write_label_map(tmp_path / "copy" / f"{case.id}.nii.gz", case.label_map("organs"))
    scores = evaluate(cohort, {"copy": tmp_path / "copy"}, profile="enhance-pet")
    dice = scores.table.filter((scores.table["metric"] == "dice") & scores.table["value"].is_not_null())
    assert dice.height == 3 * 16  # the labels that are drawn
    assert set(dice["value"]) == {1.0}
    assert scores.run["groups"]["body_composition"] == ["skeletal_muscle", "subcutaneous_fat", "visceral_fat"]
    assert list(scores.run["groups"]) == [
        "organs", "cardiac", "muscles", "ribs", "peripheral_bones", "vertebrae", "body_composition",
    ]  # fmt: skip
    assert len(scores.run["structures"]) == 128
    hashes = {row["case"]: row["sha256"] for row in scores.run["inputs"] if row["model"] is None}
    assert len(hashes) == 3
    assert "e3b0c442" not in {digest[:8] for digest in hashes.values()}  # of no bytes at all
    assert scores.run["findings"] == []


def test_a_label_that_nobody_looked_for_is_no_false_label(base, tmp_path):
    whole = ingest("enhance-pet", base, out=tmp_path / "whole")
    (tmp_path / "model").mkdir()
    for case in whole:
        write_label_map(tmp_path / "model" / f"{case.id}.nii.gz", case.label_map("organs"))
    (base / "imaging-data/ground-truth/Ribs/0002.nii.gz").unlink()
    part = ingest("enhance-pet", base, out=tmp_path / "part")
    table = evaluate(part, {"model": tmp_path / "model"}, profile="enhance-pet").table
    ribs = set(part.scheme.groups["ribs"])
    rows = [row for row in table.iter_rows(named=True) if row["case"] == "0002" and row["structure"] in ribs]
    assert len(rows) == 27 * 2
    assert {(row["value"], row["undefined"]) for row in rows} == {(None, "reference_not_annotated")}
    others = [row for row in table.iter_rows(named=True) if row["case"] == "0001" and row["structure"] == "sternum"]
    assert [row["value"] for row in others] == [1.0, 0.0]
