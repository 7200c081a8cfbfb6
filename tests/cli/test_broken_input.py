"""Broken input of every kind: a refusal with file and remedy, nothing half written, the right exit code."""

import errno
import gzip
import json
import os
import re
import struct
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import polars as pl
import pytest

from dicom_files import write_series
from oncohort.cli import run_command
from oncohort.geometry import Geometry
from oncohort.units import Unit
from study_files import GRID, THRESHOLD, leftovers, save_image, save_study, write_dataset, write_patient

DICOM = {"cohort": {"source": "dicom", "path": "data"}}


def call(capsys, *arguments):
    """Exit code and stderr of one call that must leave stdout alone."""
    capsys.readouterr()
    code = run_command([str(argument) for argument in arguments])
    said = capsys.readouterr()
    assert said.out == ""
    return code, said.err


def refused(out):
    """Reason and detail by path, of a cohort folder."""
    rows = pl.read_parquet(out / "refused.parquet", glob=False).to_dicts()
    return {row["path"]: (row["reason"], row["detail"]) for row in rows}


def shape_offset(data, shape):
    """The header of a NIfTI-1 file with another shape."""
    return data[:40] + struct.pack("<8h", 3, *shape, 1, 1, 1, 1) + data[56:]


def test_a_truncated_dicom_file(capsys, tmp_path):
    write_patient(tmp_path / "data" / "one")
    write_patient(tmp_path / "data" / "two", "P2", prefix="1.3", study="1.3.7")
    path = sorted((tmp_path / "data" / "two" / "ct").iterdir())[0]
    path.write_bytes(path.read_bytes()[:-20])
    code, err = call(capsys, "ingest", "dicom", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 1
    name = path.relative_to(tmp_path / "data").as_posix()
    assert "truncated" in " ".join(refused(tmp_path / "out")[name])
    assert name in err
    assert call(capsys, "info", tmp_path / "out")[0] == 0


def test_all_files_truncated_leave_nothing(capsys, tmp_path):
    for path in write_series(tmp_path / "data"):
        path.write_bytes(path.read_bytes()[:-20])
    code, err = call(capsys, "ingest", "dicom", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 2
    assert "CT-1.2.3-0.dcm" in err
    assert "remedy" in err
    assert not (tmp_path / "out").exists()


def nan_affine(path):
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[280:284] = struct.pack("<f", float("nan"))
    path.write_bytes(gzip.compress(bytes(data)))


def shifted_grid(path):
    affine = GRID.affine.copy()
    affine[0, 3] += 1.0
    save_image(path, np.zeros(GRID.shape, np.uint8), Geometry(GRID.shape, affine), Unit.LABEL)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-30])


def garbage(path):
    path.write_bytes(bytes(range(256)) * 4)


def empty_file(path):
    path.write_bytes(b"")


def pointer(path):
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")


def lying_shape(path):
    path.write_bytes(gzip.compress(shape_offset(gzip.decompress(path.read_bytes()), (32000, 32000, 32000))))


def negative_shape(path):
    path.write_bytes(gzip.compress(shape_offset(gzip.decompress(path.read_bytes()), (-12, 10, 8))))


def text_in_gzip(path):
    path.write_bytes(gzip.compress(b"no image at all" * 100))


def loop(path):
    path.unlink()
    path.symlink_to(path)


DAMAGE = {
    "NaN affine": (nan_affine, "impossible grid"),
    "mask on a shifted grid": (shifted_grid, "other grid"),
    "cut short": (cut_short, "unreadable"),
    "garbage": (garbage, "unreadable"),
    "empty file": (empty_file, "unreadable"),
    "Git LFS pointer": (pointer, "unreadable"),
    "a shape that lies": (lying_shape, "unreadable"),
    "a negative shape": (negative_shape, "unreadable"),
    "text in gzip": (text_in_gzip, "unreadable"),
}


@pytest.mark.parametrize(("damage", "reason"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_mask_refuses_its_case(capsys, tmp_path, damage, reason):
    write_dataset(tmp_path / "data", "A", "B")
    damage(tmp_path / "data" / "labelsTr" / "B.nii.gz")
    study = save_study(tmp_path / "study.toml")
    code, err = call(capsys, "run", study)
    assert code == 1
    found = refused(tmp_path / "results" / "cohort")
    assert found["labelsTr/B.nii.gz"][0] == reason
    assert "Remedy" in found["labelsTr/B.nii.gz"][1]
    assert "labelsTr/B.nii.gz" in err
    page = (tmp_path / "results" / "report.html").read_text()
    assert "labelsTr/B.nii.gz" in page
    assert not list((tmp_path / "results" / "predictions").rglob("B.nii.gz"))


@pytest.mark.parametrize("damage", [one for one, _ in DAMAGE.values()], ids=DAMAGE)
def test_a_damaged_data_set_of_one_case_leaves_nothing(capsys, tmp_path, damage):
    write_dataset(tmp_path / "data", "A")
    damage(tmp_path / "data" / "labelsTr" / "A.nii.gz")
    code, err = call(capsys, "ingest", "nnunet", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 2
    assert "labelsTr/A.nii.gz" in err
    assert "remedy" in err
    assert not (tmp_path / "out" / "cohort.json").exists()


@pytest.mark.parametrize("damage", [one for one, _ in DAMAGE.values()], ids=DAMAGE)
def test_a_damaged_prediction_is_named_and_nothing_is_scored(capsys, tmp_path, damage):
    write_dataset(tmp_path / "data", "A")
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "A.nii.gz"
    path.write_bytes((tmp_path / "data" / "labelsTr" / "A.nii.gz").read_bytes())
    damage(path)
    study = save_study(tmp_path / "study.toml", model=[{"name": "mine", "predictions": "mine"}])
    code, err = call(capsys, "run", study)
    assert code == 2
    assert str(path) in err
    assert "remedy" in err
    assert not (tmp_path / "results" / "scores" / "scores.parquet").exists()
    assert not (tmp_path / "results" / "report.html").exists()


def test_a_damaged_prediction_among_others_costs_its_case(capsys, tmp_path):
    write_dataset(tmp_path / "data", "A", "B")
    (tmp_path / "mine").mkdir()
    for case in "AB":
        mask = (tmp_path / "data" / "labelsTr" / f"{case}.nii.gz").read_bytes()
        (tmp_path / "mine" / f"{case}.nii.gz").write_bytes(mask if case == "A" else mask[:-40])
    study = save_study(tmp_path / "study.toml", model=[{"name": "mine", "predictions": "mine"}])
    code, err = call(capsys, "run", study)
    assert code == 1, err
    assert "error: mine, B, B.nii.gz: expected" in err
    scores = pl.read_parquet(tmp_path / "results" / "scores" / "scores.parquet", glob=False)
    dice = scores.filter(pl.col("metric") == "dice").select("case", "value").rows()
    assert dice == [("A", 1.0), ("B", 0.0)]
    assert scores["undefined"].eq("prediction_unreadable").sum() == 2
    assert (tmp_path / "results" / "report.html").is_file()


def test_a_pet_without_weight(capsys, tmp_path):
    write_patient(tmp_path / "data", pet_tags={"PatientWeight": None})
    code, err = call(capsys, "ingest", "dicom", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 1
    assert "weight" in err.lower()
    volumes = pl.read_parquet(tmp_path / "out" / "volumes.parquet", glob=False)
    assert "pet" not in set(volumes["role"])
    assert "ct" in set(volumes["role"])
    assert sum("pet/" in path for path in refused(tmp_path / "out")) == 4
    code, err = call(capsys, "suv", tmp_path / "data" / "pet")
    assert code == 2
    assert "weight" in err.lower()


@pytest.mark.parametrize("source", ["dicom", "nnunet"])
def test_an_empty_folder_and_a_folder_of_text(capsys, tmp_path, source):
    data = tmp_path / "data"
    data.mkdir()
    for _ in range(2):
        code, err = call(capsys, "ingest", source, data, "--out", tmp_path / "out")
        assert code == 2
        assert str(data) in err
        assert "remedy" in err
        assert not (tmp_path / "out").exists()
        (data / "a.txt").write_text("text")
        (data / "b.dcm").write_text("text that calls itself DICOM")


def test_a_study_of_an_empty_folder(capsys, tmp_path):
    (tmp_path / "data").mkdir()
    code, err = call(capsys, "run", save_study(tmp_path / "study.toml", **DICOM))
    assert code == 2
    assert str(tmp_path / "data") in err
    assert leftovers(tmp_path / "results") == {}


def test_two_series_with_one_uid(capsys, tmp_path):
    write_patient(tmp_path / "data" / "good", "P2", prefix="1.3", study="1.3.7")
    write_series(tmp_path / "data" / "a", uid="1.2.3")
    write_series(tmp_path / "data" / "b", uid="1.2.3", shape=(7, 4, 3), tags={"SeriesNumber": 2})
    for k, path in enumerate(sorted((tmp_path / "data" / "b").iterdir())):
        path.write_bytes(path.read_bytes().replace(f"1.2.3.{k}".encode(), f"1.2.9.{k}".encode()))
    code, err = call(capsys, "ingest", "dicom", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 1
    assert {path.split("/")[0] for path in refused(tmp_path / "out")} == {"a", "b"}
    assert "a/CT-1.2.3-0.dcm" in err


@contextmanager
def full_disk(monkeypatch, after):
    """Every flush to disk after the first `after` says that the disk is full."""
    flushes = iter(range(10**9))
    real = os.fsync

    def fsync(handle):
        if next(flushes) >= after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        yield


def test_a_full_disk_stops_the_run_and_the_same_command_continues(capsys, monkeypatch, tmp_path):
    write_dataset(tmp_path / "data", "A", "B")
    study = save_study(tmp_path / "study.toml")
    assert call(capsys, "run", study)[0] == 0
    expected = leftovers(tmp_path / "results")
    for after in (0, 1, 4, 9, 13, 17, 22, 26, 29):
        for path in sorted((tmp_path / "results").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        with full_disk(monkeypatch, after):
            code, err = call(capsys, "run", study)
        assert code == 2, after
        assert "No space left on device" in err
        assert "free space" in err
        assert str(tmp_path / "results") in err
        assert not list((tmp_path / "results").rglob(".partial-*"))
        assert not (tmp_path / "results" / "report.html").exists()
        assert call(capsys, "run", study)[0] == 0
        assert leftovers(tmp_path / "results") == expected, after


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 kB, where the user may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.call(mount, stderr=subprocess.DEVNULL) != 0:
        pytest.skip("a small file system needs root on Linux")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full(capsys, small_disk, tmp_path):
    write_dataset(tmp_path / "data", "A", "B")
    study = save_study(tmp_path / "study.toml", study={"name": "small", "out": str(small_disk / "results")})
    filler = small_disk / "filler"
    filler.write_bytes(bytes(230_000))
    code, err = call(capsys, "run", study)
    assert code == 2
    assert "No space left on device" in err
    assert not list(small_disk.rglob(".partial-*"))
    assert not (small_disk / "results" / "report.html").exists()
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert call(capsys, "run", study)[0] == 0
    assert (small_disk / "results" / "report.html").stat().st_size > 10_000


OUTPUTS = ("a file", "below a file", "a link in a circle", "foreign files", "the kernel's", "too long")


def outputs_that_cannot_be(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")
    return {
        "a file": file,
        "below a file": file / "deeper",
        "a link in a circle": circle / "x",
        "foreign files": foreign,
        "the kernel's": "/proc/oncohort",
        "too long": tmp_path / ("x" * 300),
    }


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("verb", ["ingest", "segment", "evaluate", "phantom", "demo", "run"])
def test_an_output_that_cannot_be_written(capsys, tmp_path, kind, verb):
    out = outputs_that_cannot_be(tmp_path)[kind]
    if kind == "the kernel's" and sys.platform != "linux":
        pytest.skip("/proc is Linux")
    data = write_dataset(tmp_path / "data", "A")
    cohort, predictions = tmp_path / "cohort", tmp_path / "predictions"
    assert call(capsys, "ingest", "nnunet", data, "--out", cohort)[0] == 0
    assert call(capsys, "segment", cohort, "--with", "threshold", "suv=2.5", "--out", predictions)[0] == 0
    arguments = {
        "ingest": ["ingest", "nnunet", data, "--out", out],
        "segment": ["segment", cohort, "--with", "threshold", "suv=2.5", "--out", out],
        "evaluate": ["evaluate", cohort, predictions, "--profile", "autopet-iii", "--out", out],
        "phantom": ["phantom", "nnunet", "--cases", "1", "--out", out],
        "demo": ["demo", "--cases", "1", "--out", out],
        "run": ["run", save_study(tmp_path / "study.toml", study={"name": "small", "out": str(out)})],
    }[verb]
    code, err = call(capsys, *arguments)
    assert code == 2
    assert str(out).split("/x")[0] in err
    assert "remedy" in err
    assert (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "foreign" / "thesis.txt").read_text() == "mine"
    assert [path.name for path in (tmp_path / "foreign").iterdir()] == ["thesis.txt"]
    if kind in ("a file", "foreign files"):
        assert call(capsys, *arguments, "--overwrite")[0] == 2
        assert (tmp_path / "foreign" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("inner", ["out", "a/b/out", "../data/out", "../link/out"])
def test_an_output_inside_the_input(capsys, tmp_path, inner):
    write_dataset(tmp_path / "data", "A")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    before = leftovers(tmp_path / "data")
    code, err = call(capsys, "ingest", "nnunet", tmp_path / "data", "--out", tmp_path / "data" / inner)
    assert code == 2
    assert "outside the input" in err
    assert leftovers(tmp_path / "data") == before


def test_an_input_in_a_circle_of_links(capsys, tmp_path):
    write_patient(tmp_path / "data")
    (tmp_path / "data" / "again").symlink_to(tmp_path / "data")
    loop_file = tmp_path / "data" / "loop.dcm"
    loop_file.symlink_to(loop_file)
    code, _ = call(capsys, "ingest", "dicom", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 1
    found = refused(tmp_path / "out")
    assert found["loop.dcm"][0] == "unreadable"
    assert found["again"][0] == "duplicate"
    assert call(capsys, "ingest", "dicom", loop_file, "--out", tmp_path / "other")[0] == 2


def test_a_mask_that_is_a_link_in_a_circle(capsys, tmp_path):
    write_dataset(tmp_path / "data", "A", "B")
    loop(tmp_path / "data" / "labelsTr" / "B.nii.gz")
    code, err = call(capsys, "ingest", "nnunet", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 1
    assert "labelsTr/B.nii.gz" in err


def test_study_files_that_are_none(capsys, tmp_path):
    broken = tmp_path / "broken.toml"
    broken.write_text('[study]\nname = "a\n')
    for path in (tmp_path / "gone.toml", broken, tmp_path):
        code, err = call(capsys, "run", path)
        assert code == 64
        assert str(path) in err
        assert "oncohort demo" in err
    assert "line 2" in call(capsys, "run", broken)[1]
    assert [path.name for path in tmp_path.iterdir()] == ["broken.toml"]


HOSTILE = ["../../x", "<script>alert(1)</script>", "a/b", "..", "CON", 'q"uote&amp;', "[red]x[/red]", "-rf", "é 肿"]


@pytest.mark.parametrize("patient", HOSTILE)
def test_a_hostile_patient_id_stays_inside_its_folder_and_out_of_the_page(capsys, tmp_path, patient):
    tags = {"PatientName": "<img src=x onerror=alert(2)>"}
    write_patient(tmp_path / "in" / "data", patient, pet_tags=tags)
    (tmp_path / "in" / "data" / "<svg onload=alert(3)>.txt").write_text("no image")
    study = save_study(tmp_path / "in" / "study.toml", model=[THRESHOLD], **DICOM)
    code, _ = call(capsys, "run", study)
    assert code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["data", "results", "study.toml"]
    predictions = list((tmp_path / "in" / "results" / "predictions" / "suv-2.5").glob("*.nii.gz"))
    assert len(predictions) == 1
    scores = pl.read_parquet(tmp_path / "in" / "results" / "scores" / "scores.parquet", glob=False)
    assert set(scores["case"]) == {patient}
    assert scores["undefined"].eq("prediction_missing").sum() == 0
    page = (tmp_path / "in" / "results" / "report.html").read_text()
    for words in ("<script>alert", "<img src=x", "<svg onload"):
        assert words not in page
    assert not re.search(r"alert\(2\)", page)


def test_a_hostile_title_and_model_name(capsys, tmp_path):
    write_dataset(tmp_path / "data", "A")
    title = "</title><script>alert(1)</script>"
    study = save_study(tmp_path / "study.toml", report={"title": title}, study={"name": title, "out": "results"})
    assert call(capsys, "run", study)[0] == 0
    assert "<script>alert" not in (tmp_path / "results" / "report.html").read_text()


def test_a_damaged_result_folder_is_done_again(capsys, tmp_path):
    write_dataset(tmp_path / "data", "A")
    study = save_study(tmp_path / "study.toml")
    assert call(capsys, "run", study)[0] == 0
    expected = leftovers(tmp_path / "results")
    (tmp_path / "results" / "cohort" / "cases.parquet").write_bytes(b"damaged")
    for path in (tmp_path / "results").rglob("results/*/*.json"):
        path.write_text("{")
    assert call(capsys, "run", study)[0] == 0
    assert leftovers(tmp_path / "results") == expected


@pytest.mark.parametrize("name", ["cohort.json", "cases.parquet", "volumes.parquet"])
def test_a_damaged_cohort_is_named(capsys, tmp_path, name):
    write_dataset(tmp_path / "data", "A")
    assert call(capsys, "ingest", "nnunet", tmp_path / "data", "--out", tmp_path / "out")[0] == 0
    (tmp_path / "out" / name).write_bytes(b"damaged")
    code, err = call(capsys, "info", tmp_path / "out")
    assert code == 2
    assert name in err
    (tmp_path / "out" / name).unlink()
    assert call(capsys, "info", tmp_path / "out")[0] == 2


@pytest.mark.parametrize("damage", [json.dumps({"channel_names": {"0": "PET"}}), "{", "[]", "", '{"labels": 3}'])
def test_a_damaged_data_set_file(capsys, tmp_path, damage):
    write_dataset(tmp_path / "data", "A")
    (tmp_path / "data" / "dataset.json").write_text(damage)
    code, err = call(capsys, "ingest", "nnunet", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 2
    assert "dataset.json" in err
    assert not (tmp_path / "out").exists()


def test_a_system_error_that_nobody_foresaw_is_2_without_a_traceback(capsys, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "locked"))

    monkeypatch.setattr("oncohort.cli.cohort_info.open_cohort", fail)
    code, err = call(capsys, "info", tmp_path)
    assert code == 2
    assert "Permission denied" in err
    assert "locked" in err


def rename_in_bytes(path):
    """Give a file a name that is no UTF-8, where the file system takes it."""
    try:
        path.rename(path.with_name(path.name.replace("B", os.fsdecode(b"B\xff"))))
    except OSError:
        pytest.skip("this file system wants UTF-8 names")


def test_file_names_that_are_no_text(capsys, tmp_path):
    write_dataset(tmp_path / "data", "A", "B")
    for folder, end in (("imagesTr", "_0000"), ("labelsTr", "")):
        rename_in_bytes(tmp_path / "data" / folder / f"B{end}.nii.gz")
    code, err = call(capsys, "ingest", "nnunet", tmp_path / "data", "--out", tmp_path / "out")
    assert code == 1
    assert refused(tmp_path / "out")["labelsTr/B\\xff.nii.gz"][0] == "name is no text"
    assert "UTF-8" in err


def test_dicom_file_names_that_are_no_text_do_not_matter(capsys, tmp_path):
    write_patient(tmp_path / "data")
    for path in [*(tmp_path / "data" / "pet").iterdir()]:
        path.rename(path.with_name(path.name.replace("PT", "B")))
    for path in [*(tmp_path / "data" / "pet").iterdir()]:
        rename_in_bytes(path)
    study = save_study(tmp_path / "study.toml", model=[THRESHOLD], **DICOM)
    assert call(capsys, "run", study)[0] == 0
    assert call(capsys, "run", study)[0] == 0
    assert call(capsys, "info", os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))[0] == 2
    assert run_command(["info", os.fsdecode(b"/\xff"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["where"]
