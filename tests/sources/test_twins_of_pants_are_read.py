"""The twins of PanTS and of the Decathlon become cohorts that say what their truth says."""

import json

import pytest

from oncohort.ingestion import ingest, is_intact
from oncohort.phantoms.twins import write_twin


def twin_and_cohort(name, folder, **settings):
    """What `phantom.json` says of a twin, and the cohort made of it."""
    twin = write_twin(name, folder / "twin", size="tiny", **settings)
    truth = json.loads((folder / "twin" / "phantom.json").read_text())
    cohort = ingest("auto", twin.data, out=folder / "cohort")
    assert cohort.facts.source == name
    return truth, cohort


@pytest.fixture(scope="module", params=["pants", "msd"])
def pair(request, tmp_path_factory):
    truth, cohort = twin_and_cohort(request.param, tmp_path_factory.mktemp(request.param), cases=2)
    return truth["patients"], cohort


@pytest.mark.parametrize(("name", "cases"), [("msd", 3), pytest.param("pants", 8, marks=pytest.mark.slow)])
def test_every_planted_fault_is_answered_as_the_twin_says(tmp_path, name, cases):
    truth, cohort = twin_and_cohort(name, tmp_path, cases=cases, with_faults=True)
    refused = {row["path"]: row["reason"] for row in cohort.tables.refused.to_dicts()}
    rules = set(cohort.tables.findings["rule"])
    assert truth["planted"]
    for fault in truth["planted"]:
        if fault["expect"] == "refused":
            assert refused.get(fault["path"]) == fault["answer"], fault
        elif fault["expect"] == "finding":
            assert fault["answer"] in rules, fault


def test_every_case_is_read_and_nothing_refused(pair):
    truth, cohort = pair
    assert set(cohort.case_ids) == {one["case"] for one in truth}
    assert cohort.tables.refused.height == 0
    assert is_intact(cohort)
    splits = dict(cohort.tables.cases.select("case", "split").iter_rows())
    assert splits == {one["case"]: one["split"] for one in truth}


def test_volumes_of_structures_are_those_of_the_truth(pair):
    truth, cohort = pair
    for one in truth:
        for name, volume_ml in one.get("structures_ml", {}).items():
            organs = cohort[one["case"]].label_map("organs")
            assert float(organs.mask(name).sum()) * organs.geometry.voxel_ml == pytest.approx(volume_ml, abs=1e-5), name
            assert organs.state(name) == ("present" if volume_ml else "empty")


def test_both_forms_of_the_labels_agree(pair):
    """A voxel of the combined map lies in the file of its structure, whatever the numbering."""
    _, cohort = pair
    for case in cohort:
        if "organs_combined" not in case:
            continue
        organs, combined = case.label_map("organs"), case.label_map("organs_combined")
        for name in set(organs.scheme.labels) - {"pancreas"}:
            assert not (combined.mask(name) & ~organs.mask(name)).any(), name
