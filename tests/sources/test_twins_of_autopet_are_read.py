"""What is true of the synthetic twins of the autoPET family is what a cohort of them says."""

import pytest

from oncohort.formats.csv_rows import read_csv_rows
from oncohort.ingestion import ingest
from oncohort.phantoms.twins import write_twin
from oncohort.storage import read_json


def test_masks_and_clicks_of_autopet_are_those_of_the_truth(tmp_path):
    twin = write_twin("autopet", tmp_path / "twin", cases=2, size="tiny")
    cohort = ingest("auto", twin.data, out=tmp_path / "cohort")
    for patient in read_json(twin.truth)["patients"]:
        lesions = cohort[patient["case"]].label_map("lesions")
        volume = float(lesions.foreground().sum()) * lesions.geometry.voxel_ml
        assert volume == pytest.approx(patient["lesion_ml"], abs=0.01)
        assert cohort[patient["case"]].patient == patient["patient"]
        clicks = cohort.tables.prompts.filter(case=patient["case"], kind="click", polarity="foreground")
        assert clicks.height == patient["clicks"]["tumor"]
        for ((i, j, k),) in clicks["points"]:
            assert lesions.foreground()[int(i), int(j), int(k)]


def test_lesions_of_the_longitudinal_set_are_those_of_its_sheets(tmp_path):
    twin = write_twin("longitudinal-ct", tmp_path / "twin", cases=2, size="tiny")
    cohort = ingest("auto", twin.data, out=tmp_path / "cohort")
    sheets = [read_csv_rows(path) for path in twin.data.rglob("*.csv")]
    table = cohort.tables.structures.filter(measure="present")
    assert table.height == 2 * sum(len(rows) for rows in sheets)
    for case in cohort:
        drawn = {str(value) for value in case.label_map("lesions").values()}
        assert drawn <= set(table.filter(case=case.id, value=1.0)["lesion"])
