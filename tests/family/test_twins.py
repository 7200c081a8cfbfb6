"""Readers against twins: all of a clean twin is used, and every planted fault is found.

Twins are written from the published descriptions and know no reader.
"""

import re
from pathlib import Path

import pytest

import oncohort
from oncohort.phantoms.twins import TWINS, write_twin
from oncohort.sources import SOURCES, detect_source
from oncohort.storage import read_json

SET_ASIDE = {"secondary_capture", "not part of the layout"}
"""Reasons that belong to files of the real set which are no scans: screenshots, licence, list of the downloader."""

ALWAYS = {
    "autopet_sheet",  # the folders per study come without a sheet
    "enhance_pet_cases",  # no sheet says which studies of AutoPET are of one patient
    "for_mismatch",  # one PET in four has its own frame of reference, as in the real set
}
"""Warnings that hold of the published set too."""

FINISHED = [name for name, twin in TWINS.items() if twin.source in SOURCES]


def answers(data, folder):
    """Source, cases, refusals and findings of a folder, from plan and conversion."""
    source = detect_source(data)
    plan = source.plan(data)
    refused, findings = [*plan.refused], [row for case in plan.cases for row in case.findings]
    converted = []
    for number, case in enumerate(plan.cases):
        result = source.convert(case, folder / str(number))
        refused += result["refused"]
        findings += result["findings"]
        converted += [case.case] if result["case"] else []
    return source, plan, converted, refused, findings


@pytest.mark.parametrize("name", FINISHED)
def test_a_clean_twin_is_used_whole(name, tmp_path):
    written = write_twin(name, tmp_path / "out", cases=3, size="tiny")
    source, plan, converted, refused, findings = answers(written.data, tmp_path / "volumes")
    assert source.name == written.source
    assert converted == [case.case for case in plan.cases]
    patients = {patient.get("patient", patient["case"]) for patient in read_json(written.truth)["patients"]}
    assert len(plan.cases) >= len(patients) == 3
    assert {row["reason"] for row in refused} <= SET_ASIDE
    warned = {row["rule"] for row in findings if row["severity"] != "info"}
    assert warned <= ALWAYS


def is_about(row, fault):
    """Whether a finding names the file, its folder or a file in it, or the case of a fault."""
    path, case = row["path"], row["case"] or ""
    return (
        path.startswith(fault["path"])
        or (path not in ("", ".") and fault["path"].startswith(path))
        or fault["case"] in f"{case} {path} {row['evidence']}"
        or (path == "" and case == "")  # what concerns the whole set
    )


@pytest.mark.parametrize("name", [name for name in FINISHED if TWINS[name].faults])
def test_every_planted_fault_is_found(name, tmp_path):
    written = write_twin(name, tmp_path / "out", cases=8, size="tiny", with_faults=True)
    planted = read_json(written.truth)["planted"]
    assert sorted(fault["fault"] for fault in planted) == sorted(fault.name for fault in TWINS[name].faults)
    _, plan, _, refused, findings = answers(written.data, tmp_path / "volumes")
    reasons = {(row["path"], row["reason"]) for row in refused}
    lost = []
    for fault in planted:
        same = [row for row in findings if row["rule"] == fault["answer"]]
        found = {
            "refused": (fault["path"], fault["answer"]) in reasons,
            "finding": any(is_about(row, fault) for row in same),
            "read": not any(path == fault["path"] for path, _ in reasons),
        }
        lost += [] if found[fault["expect"]] else [fault]
    assert lost == []
    used = {stamp.path.removeprefix(f"{written.data}/") for case in plan.cases for stamp in case.files}
    met = {path.relative_to(written.data).as_posix() for path in written.data.rglob("*") if path.is_file()}
    assert met <= used | {path for path, _ in reasons}


def volumes_ml(label_map, names):
    return {name: float(label_map.mask(name).sum()) * label_map.geometry.voxel_ml for name in names}


def cohort_of(name, cases, folder):
    """A twin, ingested: its patients as they were drawn, by name, and the cohort."""
    written = write_twin(name, folder / "out", cases=cases, size="tiny")
    cohort = oncohort.ingest("auto", written.data, out=folder / "cohort")
    return {patient["case"]: patient for patient in read_json(written.truth)["patients"]}, cohort


def test_structures_of_pants_come_back_as_they_were_drawn(tmp_path):
    """One file each, and of the combined map in either numbering the lesions, which nothing covers."""
    drawn, cohort = cohort_of("pants", 3, tmp_path)
    assert {patient["numbering"] for patient in drawn.values()} == {"A", "B"}
    for case in cohort:
        truth = drawn[case.id]
        expected = truth["structures_ml"]
        assert volumes_ml(case.label_map("organs"), expected) == pytest.approx(expected, abs=1e-5)
        combined = volumes_ml(case.label_map("organs_combined"), ["pancreatic_lesion", "spleen"])
        assert combined["pancreatic_lesion"] == pytest.approx(sum(one["mask_ml"] for one in truth["lesions"]), abs=1e-5)
        assert combined["spleen"] == pytest.approx(expected["spleen"], abs=1e-5)


def test_lesions_of_petct_twins_come_back_as_they_were_drawn(tmp_path):
    drawn, cohort = cohort_of("autopet", 4, tmp_path / "autopet")
    for case in cohort:
        truth = drawn[case.id]
        assert volumes_ml(case.label_map("lesions"), ["lesion"])["lesion"] == pytest.approx(
            truth["lesion_ml"], abs=1e-5
        )
        assert (case.facts["tracer"], case.patient) == (truth["tracer"], truth["patient"])
    drawn, cohort = cohort_of("deep-psma", 2, tmp_path / "deep")
    for case in cohort:
        truth = drawn[case.patient][case.facts["tracer"]]
        assert volumes_ml(case.label_map("lesions"), ["lesion"])["lesion"] == pytest.approx(
            truth["burden_ml"], abs=1e-5
        )
        assert case.facts["suv_threshold"] == truth["threshold_suv"]


def test_patients_of_the_lung_twin_have_their_scans_and_boxes(tmp_path):
    drawn, cohort = cohort_of("lung-pet-ct-dx", 3, tmp_path)
    boxes = cohort.tables.boxes
    for case in cohort:
        truth = drawn[case.patient]
        ct = [series for series in truth["series"] if series["modality"] == "CT" and "boxes" in series]
        assert sorted(role for role in case.roles if role.startswith("ct")) == ["ct", "ct.2"][: len(ct)]
        assert ("pet" in case.roles) == any(series["modality"] == "PT" for series in truth["series"])
        assert len(boxes.filter(boxes["case"] == case.id)) == sum(series["boxes"] for series in ct)


def test_the_page_of_phantoms_lists_every_twin_with_its_source():
    page = (Path(__file__).parents[2] / "docs" / "phantoms.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| `([a-z-]+)` \|", page, re.MULTILINE)
    assert listed == [(name, twin.source) for name, twin in TWINS.items()]
