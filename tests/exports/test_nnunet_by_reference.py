"""nnU-Net raw data sets that name images where they lie come back through source `nnunet`."""

import json
from pathlib import Path

import numpy as np
import pytest

import oncohort
from oncohort.exporting import export_cohort
from oncohort.exports import LabelMapping, NnunetExport, parse_channels
from oncohort.exports.prompt_channels import PromptDrawing
from oncohort.phantoms.twins import write_twin
from oncohort.prompts import HeatMapEncoding
from oncohort.splits import Split


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    there = tmp_path_factory.mktemp("first")
    phantoms = oncohort.write_phantom_cohort(there / "phantoms", cases=3, form="nnunet")
    twin = write_twin("autopet", there / "twin", cases=3, size="tiny")
    return {
        "phantoms": oncohort.ingest("nnunet", phantoms.data, out=there / "cohort"),
        "autopet": oncohort.ingest("autopet", twin.data, out=there / "autopet"),
    }


def there_and_back(cohort, tmp_path, source, roles="ct,pet", **choices):
    done = export_cohort(cohort, NnunetExport(1, "A", parse_channels(roles), **choices), out=tmp_path / "raw")
    assert done.failed == {}
    folder = done.folder / "Dataset001_A"
    return folder, oncohort.ingest(source, folder, out=tmp_path / "again")


def require_same(found, own, mapping):
    """Images, units, grids and labels of a case; nnU-Net's name of the PET, noNorm, says nothing of it."""
    for role, unit in (("ct", "HU"), ("pet", "SUVbw")):
        assert np.array_equal(found.image(role).array, own.image(role).array)
        assert np.array_equal(found.image(role).geometry.affine, own.image(role).geometry.affine)
        assert str(found.image(role).unit) == str(own.image(role).unit) == unit
    labels, first = found.label_map("lesions"), own.label_map("lesions")
    assert labels.geometry.is_same_grid(first.geometry)
    assert list(labels.scheme.labels) == list(first.scheme.labels)
    assert np.array_equal(mapping.back(labels.layers[0].array), first.layers[0].array)


@pytest.mark.parametrize("name", ["phantoms", "autopet"])
@pytest.mark.parametrize("source", ["nnunet", "auto"])
def test_cases_images_and_labels_are_the_same(cohorts, tmp_path, name, source):
    cohort = cohorts[name]
    folder, again = there_and_back(cohort, tmp_path, source)
    assert again.facts.source == "nnunet"
    assert not (folder / "imagesTr").exists()
    assert set(again.case_ids) == set(cohort.case_ids)
    assert again.facts.licences == cohort.facts.licences
    assert patients_of(again) == patients_of(cohort)
    mapping = LabelMapping.from_dict(json.loads((folder / "oncohort.json").read_text())["labels"], where="record")
    for case in cohort.case_ids:
        require_same(again[case], cohort[case], mapping)
    assert again.tables.refused.is_empty()
    assert images_of(again) == images_of(cohort)


def patients_of(cohort):
    return dict(cohort.tables.cases.select("case", "patient").iter_rows())


def images_of(cohort):
    """Case and path of every CT and PET."""
    rows = [row for case in cohort.case_ids for row in cohort.volume_rows(case)]
    return {(row["case"], row["path"]) for row in rows if row["role"] in ("ct", "pet")}


def test_written_and_referenced_channels_together(cohorts, tmp_path):
    drawing = PromptDrawing(HeatMapEncoding("disk", 2.0), step=0)
    roles = "ct,pet,prompts.foreground,prompts.background"
    folder, again = there_and_back(cohorts["autopet"], tmp_path, "nnunet", roles, prompts=drawing)
    for case in again.case_ids:
        rows = again.volume_rows(case)
        assert [row["role"] for row in rows] == ["ct", "pet", "nonorm", "nonorm.2", "lesions"]
        assert [Path(row["path"]).is_relative_to(folder) for row in rows] == [False, False, True, True, True]


def test_test_cases_have_no_images_in_the_list(cohorts, tmp_path):
    cohort = cohorts["phantoms"]
    *train, test = cohort.case_ids
    split = Split({case: case for case in cohort.case_ids}, test=(test,), folds=((train[0],), (train[1],)))
    _, again = there_and_back(cohort, tmp_path, "nnunet", split=split)
    assert again.case_ids == tuple(train)
    refused = {row["path"]: row["reason"] for row in again.tables.refused.to_dicts()}
    assert refused == {f"labelsTs/{test}.nii.gz": "no images", "splits_final.json": "not part of the layout"}
