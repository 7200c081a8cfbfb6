"""From a source's folder to a cohort folder: what is written, remembered, removed and refused."""

import pytest

from oncohort.errors import InputError, OutputError, SettingsError
from oncohort.formats import open_cohort
from oncohort.ingestion import ingest
from oncohort.refusals import costs_a_case
from study_files import Watch, leftovers, stamps, write_dataset, write_patient


def test_a_cohort_knows_where_it_comes_from(tmp_path):
    write_patient(tmp_path / "data" / "one")
    cohort = ingest("dicom", tmp_path / "data", out=tmp_path / "out")
    assert (cohort.name, cohort.facts.source, cohort.case_ids) == ("data", "dicom", ("P1",))
    assert cohort.facts.created_by.startswith("oncohort ")
    assert set(cohort.tables.volumes["role"]) == {"ct", "pet", "lesions"}
    assert cohort.tables.volumes["sha256"].null_count() == 0
    assert cohort.root == tmp_path / "out"
    assert ingest("dicom", tmp_path / "data", out=tmp_path / "out", name="mine").name == "mine"


def test_a_second_call_converts_nothing_and_gives_the_same(tmp_path):
    write_patient(tmp_path / "data")
    ingest("dicom", tmp_path / "data", out=tmp_path / "out")
    before, volumes = leftovers(tmp_path / "out"), stamps(tmp_path / "out" / "volumes")
    watch = Watch()
    ingest("dicom", tmp_path / "data", out=tmp_path / "out", progress=watch)
    assert watch.done == {}
    assert leftovers(tmp_path / "out") == before
    assert stamps(tmp_path / "out" / "volumes") == volumes


def test_a_lost_volume_is_converted_again(tmp_path):
    write_patient(tmp_path / "data")
    ingest("dicom", tmp_path / "data", out=tmp_path / "out")
    before = leftovers(tmp_path / "out")
    (tmp_path / "out" / "volumes" / "P1" / "pet.nii.gz").unlink()
    ingest("dicom", tmp_path / "data", out=tmp_path / "out")
    assert leftovers(tmp_path / "out") == before


@pytest.mark.parametrize("is_killed", [False, True])
def test_ids_stay_when_studies_are_added_even_after_a_kill(tmp_path, is_killed):
    write_patient(tmp_path / "data" / "one")
    ingest("dicom", tmp_path / "data", out=tmp_path / "out")
    if is_killed:  # between the tables and the file that says that they are whole
        (tmp_path / "out" / "cohort.json").unlink()
    write_patient(tmp_path / "data" / "earlier", prefix="1.3", study="1.3.7", date="20240101")
    cohort = ingest("dicom", tmp_path / "data", out=tmp_path / "out")
    studies = dict(zip(cohort.tables.cases["study"], cohort.case_ids, strict=True))
    assert studies == {"1.2.7": "P1", "1.3.7": "P1_20240101"}


def test_a_removed_patient_disappears_with_its_volumes(tmp_path):
    write_patient(tmp_path / "data" / "one")
    extra = write_patient(tmp_path / "data" / "two", "P2", prefix="1.3", study="1.3.7")
    ingest("dicom", tmp_path / "data", out=tmp_path / "out")
    assert (tmp_path / "out" / "volumes" / "P2").is_dir()
    for path in sorted(extra.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert ingest("dicom", tmp_path / "data", out=tmp_path / "out").case_ids == ("P1",)
    assert not (tmp_path / "out" / "volumes" / "P2").exists()


def test_regions_asked_for_are_the_only_labels(tmp_path):
    write_patient(tmp_path / "data")
    assert dict(ingest("dicom", tmp_path / "data", out=tmp_path / "a", roi=["GTV"]).scheme.labels) == {"GTV": 1}
    with pytest.raises(SettingsError, match="it holds GTV"):
        ingest("dicom", tmp_path / "data", out=tmp_path / "b", roi=["heart"])
    assert not (tmp_path / "b").exists()


def test_a_cohort_of_another_folder_is_not_overwritten_unasked(tmp_path):
    write_dataset(tmp_path / "a", "A")
    write_dataset(tmp_path / "b", "B")
    ingest("nnunet", tmp_path / "a", out=tmp_path / "out")
    with pytest.raises(OutputError, match="--overwrite"):
        ingest("nnunet", tmp_path / "b", out=tmp_path / "out")
    assert open_cohort(tmp_path / "out").case_ids == ("A",)
    assert ingest("nnunet", tmp_path / "b", out=tmp_path / "out", overwrite=True).case_ids == ("B",)


def test_an_unknown_source_and_paths_that_are_no_folder(tmp_path):
    write_dataset(tmp_path / "a", "A")
    with pytest.raises(SettingsError, match=r"dicom, .*nnunet"):
        ingest("zip", tmp_path / "a", out=tmp_path / "out")
    with pytest.raises(InputError, match="nothing there"):
        ingest("nnunet", tmp_path / "gone", out=tmp_path / "out")
    with pytest.raises(InputError, match="a file"):
        ingest("nnunet", tmp_path / "a" / "dataset.json", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_refusal_that_matters_is_named_first(tmp_path):
    write_patient(tmp_path / "data" / "z")
    for path in (tmp_path / "data").rglob("*.dcm"):
        path.write_bytes(path.read_bytes()[:-12] if path.name != "rtstruct.dcm" else b"")
    (tmp_path / "data" / "a.txt").write_text("text")
    with pytest.raises(InputError) as caught:
        ingest("dicom", tmp_path / "data", out=tmp_path / "out")
    assert "the first is z/" in caught.value.found
    assert "not DICOM: 1" in caught.value.found
    with pytest.raises(InputError, match="an empty folder"):
        (tmp_path / "empty").mkdir()
        ingest("dicom", tmp_path / "empty", out=tmp_path / "out")


def test_which_refusals_cost_a_case():
    assert not costs_a_case({"reason": "not DICOM"})
    assert costs_a_case({"reason": "truncated"})


@pytest.mark.real_data
def test_24_patients_and_every_file(real_data, tmp_path):
    cohort = ingest("dicom", real_data("sts_petct") / "dicom", out=tmp_path / "sts", jobs=2)
    assert len(cohort) == 24
    assert cohort.tables.refused.height == 0
    assert dict(cohort.tables.volumes["role"].value_counts().iter_rows()) == {
        role: 24 for role in ("ct", "pet", "lesions", "lesions_ct")
    }
