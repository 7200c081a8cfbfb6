"""Cohorts that are odd or damaged: names, roles, axes, integers, emptiness, one case, a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
from memory_cohorts import GRID, cohort_of, ct, masks, pet

from box_cohorts import box
from oncohort import read_volume
from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.errors import InputError
from oncohort.exporting import export_cohort
from oncohort.exports import (
    BidsPetExport,
    BoxChoice,
    Channel,
    CocoExport,
    LabelMapping,
    Masks,
    MhaExport,
    MonaiExport,
    NnDetectionExport,
    NnunetExport,
    PantsExport,
    VocExport,
    parse_channels,
)
from oncohort.formats import open_cohort, write_cohort, write_nifti
from oncohort.formats.nifti import header_facts
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.splits import Split
from oncohort.units import Unit
from oncohort.volume import Volume
from small_cohorts import write_small_cohort

PET = parse_channels("pet")
EXPORTS = [
    NnunetExport(1, "A", PET, images="copy"),
    MhaExport({"pet": "pet"}),
    MonaiExport(("pet",), Masks(), images="copy"),
    NnDetectionExport(1, "A", ("pet",), masks=Masks()),
    BidsPetExport(ct_role=None, activity="if-known"),
    PantsExport("pet", "lesions", rename={"lesion": "pancreatic_lesion"}),
]
by_name = pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)
ODD = (
    "a b",
    "a/b",
    "a%2Fb",
    "../../a",
    "..",
    "a.b",
    "a_b",
    " a",
    "-a",
    "con",
    "A b",
    "ä\u0301",
    "$HOME",
    "a\nb",
    "x" * 60,
)


def files_of(folder):
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if ".oncohort" not in path.relative_to(folder).parts)


@by_name
def test_odd_case_ids_have_files_of_their_own_in_the_folder(export, tmp_path):
    volumes = {
        case: {"pet": pet(seed=number), "lesions": masks(lesion=(0, 1 + number % 5, 0, 1 + number // 5, 0, 1))}
        for number, case in enumerate(ODD)
    }
    done = export_cohort(cohort_of(volumes), export, out=tmp_path / "deep" / "out")
    assert done.failed == {}
    images = [path for path in files_of(tmp_path) if path.name.endswith((".nii.gz", ".mha"))]
    assert len(images) == 2 * len(ODD)
    assert all((tmp_path / "deep" / "out") in path.parents for path in images)
    found = {read_volume(path).array.astype(np.float32).tobytes() for path in images}
    assert {one["pet"].array.tobytes() for one in volumes.values()} <= found


def test_boxes_of_odd_cases_and_roles_have_files_of_their_own_in_the_folder(tmp_path):
    role = "../../../../escaped"
    volumes = {"a": {"b_ct": ct(), role: ct()}, "a_b": {"ct": ct()}}
    rows = [box("a", (0, 1, 0, 1, 0, 1), volume=one) for one in volumes["a"]] + [box("a_b", (0, 1, 0, 1, 0, 1))]
    cohort = cohort_of(volumes, boxes=[{"reader": "r", **row} for row in rows])
    for export in (VocExport(), CocoExport()):
        done = export_cohort(cohort, export, out=tmp_path / "deep" / export.name)
        assert done.failed == {}
    assert len(list((tmp_path / "deep/voc/Annotations").glob("*.xml"))) == 3
    assert {path.relative_to(tmp_path).parts[0] for path in files_of(tmp_path)} == {"deep"}
    names = [one["file_name"] for one in json.loads((tmp_path / "deep/coco/instances.json").read_text())["images"]]
    assert len(set(names)) == 3


def test_roles_with_underscores_do_not_share_files(tmp_path):
    lesions = masks(lesion=(0, 1, 0, 1, 0, 1))
    volumes = {
        case: {"pet": pet(seed=seed), "b_pet": pet(seed=seed + 1), "lesions": lesions}
        for seed, case in ((0, "a"), (5, "a_b"))
    }
    export = MonaiExport(("pet", "b_pet"), Masks(), images="copy")
    folder = export_cohort(cohort_of(volumes), export, out=tmp_path / "out").folder
    for entry, roles in zip(
        json.loads((folder / "dataset.json").read_text())["training"], volumes.values(), strict=True
    ):
        for path, role in zip(entry["image"], ("pet", "b_pet"), strict=True):
            assert np.array_equal(read_volume(folder / path).array, roles[role].array)


def test_a_dollar_in_a_name_is_not_left_to_nnunet_to_expand(tmp_path):
    """nnU-Net calls os.path.expandvars on the paths of dataset.json."""
    cohort = write_small_cohort(tmp_path / "co$HOME", ["A", "$HOME"])
    done = export_cohort(cohort, NnunetExport(1, "A", PET), out=tmp_path / "raw")
    assert "nnU-Net takes for a variable" in done.failed["$HOME"]
    dataset = json.loads((done.folder / "Dataset001_A/dataset.json").read_text())
    assert dataset["dataset"]["A"]["images"] == ["imagesTr/A_0000.nii.gz"]
    copied = export_cohort(cohort, NnunetExport(1, "A", PET, images="copy"), out=tmp_path / "copied")
    assert copied.failed == {}


def on_disk(folder, arrays, scheme, *, label_grid=GRID):
    """Cases with a PET, and a label map stored as the array is."""
    rows = {"cases": [{"case": case, "patient": case} for case in arrays], "volumes": []}
    for case, array in arrays.items():
        image = Volume.from_array(np.ones(GRID.shape, np.float32), GRID, Unit.SUVBW)
        write_nifti(folder / f"{case}_pet.nii.gz", image)
        nibabel.save(nibabel.Nifti1Image(array, label_grid.affine), folder / f"{case}.nii.gz")
        label = Volume.from_array(np.ones(GRID.shape, np.uint8), label_grid, Unit.LABEL)
        for role, path, volume in (("pet", f"{case}_pet.nii.gz", image), ("lesions", f"{case}.nii.gz", label)):
            own = {"case": case, "role": role, "path": path, "unit": str(volume.unit)}
            rows["volumes"].append({**own, **header_facts(volume)})
    write_cohort(folder, Cohort(CohortFacts("odd", "python"), scheme, Tables.from_rows(rows)))
    return open_cohort(folder)


def labelled(value, dtype):
    array = np.zeros(GRID.shape, dtype)
    array[1, 2, 3] = value
    return array


@by_name
def test_labels_stored_as_floats_are_integers_and_others_are_refused(export, tmp_path):
    arrays = {"good": labelled(1, np.float64), "half": labelled(0.5, np.float32), "nan": labelled(np.nan, np.float32)}
    (tmp_path / "cohort").mkdir()
    cohort = on_disk(tmp_path / "cohort", arrays, LabelScheme("lesion", {"lesion": 1}))
    done = export_cohort(cohort, export, out=tmp_path / "out")
    assert done.cases == ("good",)
    assert set(done.failed) == {"half", "nan"}
    found = [read_volume(path).array for path in files_of(done.folder) if path.name.endswith((".nii.gz", ".mha"))]
    (label,) = [array for array in found if array.dtype.kind in "iub"]
    assert np.argwhere(label).tolist() == [[1, 2, 3]]


@by_name
def test_integers_without_a_name_refuse_the_case(export, tmp_path):
    arrays = {"good": labelled(1, np.uint8), "strange": labelled(7, np.uint8), "below": labelled(-1, np.int16)}
    (tmp_path / "cohort").mkdir()
    cohort = on_disk(tmp_path / "cohort", arrays, LabelScheme("lesion", {"lesion": 1}))
    done = export_cohort(cohort, export, out=tmp_path / "out")
    assert done.cases == ("good",)
    assert set(done.failed) == {"strange", "below"}
    assert not [path for path in files_of(done.folder) if "strange" in path.name]


def test_300_labels_need_two_bytes_and_come_back(tmp_path):
    scheme = LabelScheme("many", {f"label_{value}": value for value in range(1, 600, 2)})
    array = np.zeros(GRID.shape, np.uint16)
    array.ravel()[:100] = list(scheme.labels.values())[::3]
    array[5, 4, 3] = 599
    (tmp_path / "cohort").mkdir()
    cohort = on_disk(tmp_path / "cohort", {"a": array}, scheme)
    for gaps in ("close", "keep"):
        done = export_cohort(cohort, NnunetExport(1, "A", PET, gaps=gaps), out=tmp_path / gaps)
        record = json.loads((done.folder / "Dataset001_A/oncohort.json").read_text())
        written = read_volume(done.folder / "Dataset001_A/labelsTr/a.nii.gz").array
        assert written.dtype == np.uint16
        assert written.max() == (300 if gaps == "close" else 599)
        assert np.array_equal(LabelMapping.from_dict(record["labels"], where="r").back(written), array)
        labels = json.loads((done.folder / "Dataset001_A/dataset.json").read_text())["labels"]
        assert sorted(labels.values()) == list(range(len(labels)))


@by_name
def test_masks_that_are_empty_everywhere_are_written(export, tmp_path):
    volumes = {case: {"pet": pet(), "lesions": masks(lesion=(0, 0, 0, 0, 0, 0))} for case in "ab"}
    assert export_cohort(cohort_of(volumes), export, out=tmp_path / "out").failed == {}


def test_a_fingerprint_without_any_foreground_is_refused_with_the_reason(tmp_path):
    volumes = {case: {"pet": pet(), "lesions": masks(lesion=(0, 0, 0, 0, 0, 0))} for case in "ab"}
    with pytest.raises(InputError, match="labelled voxel"):
        export_cohort(cohort_of(volumes), NnunetExport(1, "A", PET, fingerprint=True), out=tmp_path / "out")


@by_name
def test_a_cohort_of_one_case(export, tmp_path):
    volumes = {"only": {"pet": pet(), "lesions": masks(lesion=(0, 1, 0, 1, 0, 1))}}
    assert export_cohort(cohort_of(volumes), export, out=tmp_path / "out").cases == ("only",)


def test_a_split_that_leaves_nothing_to_train_on_is_refused(tmp_path):
    volumes = {case: {"pet": pet(), "lesions": masks(lesion=(0, 1, 0, 1, 0, 1))} for case in "ab"}
    split = Split({"a": "a", "b": "b"}, test=("a", "b"))
    for fingerprint in (True, False):
        export = NnunetExport(1, "A", PET, split=split, fingerprint=fingerprint)
        with pytest.raises(InputError, match="to train on"):
            export_cohort(cohort_of(volumes), export, out=tmp_path / "out", overwrite=True)


@pytest.mark.parametrize("choices", [{"images": "copy"}, {"fingerprint": True}])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_voxels_that_are_no_numbers_cost_their_case_alone(tmp_path, choices, value):
    """nnU-Net's integrity check ends at the first image with a NaN."""
    broken = pet().array.copy()
    broken[0, 0, 0] = value
    lesions = masks(lesion=(2, 3, 2, 3, 2, 3))
    volumes = {"good": {"pet": pet(), "lesions": lesions}}
    volumes["bad"] = {"pet": Volume.from_array(broken, GRID, Unit.SUVBW), "lesions": lesions}
    done = export_cohort(cohort_of(volumes), NnunetExport(1, "A", PET, **choices), out=tmp_path / "out")
    assert done.cases == ("good",)
    assert "1 voxels that are NaN or infinite" in done.failed["bad"]


def test_one_step_of_a_file_with_four_axes_is_copied_and_not_referenced(tmp_path):
    (tmp_path / "cohort").mkdir()
    cohort = on_disk(tmp_path / "cohort", {"a": labelled(1, np.uint8)}, LabelScheme("lesion", {"lesion": 1}))
    steps = np.random.default_rng(0).random((*GRID.shape, 3)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(steps, GRID.affine), tmp_path / "cohort/four.nii.gz")
    row = {"case": "a", "role": "pet.2", "path": "four.nii.gz", "unit": "SUVbw", "scale": json.dumps({"channel": 1})}
    rows = [*cohort.tables.volumes.to_dicts(), {**row, **header_facts(cohort["a"].image("pet"))}]
    tables = Tables.from_rows({"cases": cohort.tables.cases.to_dicts(), "volumes": rows})
    write_cohort(tmp_path / "cohort", Cohort(cohort.facts, cohort.scheme, tables))
    channels = (*PET, Channel("pet.2", "none"))
    done = export_cohort(open_cohort(tmp_path / "cohort"), NnunetExport(1, "A", channels), out=tmp_path / "out")
    dataset = json.loads((done.folder / "Dataset001_A/dataset.json").read_text())
    first, second = dataset["dataset"]["a"]["images"]
    assert Path(first).is_absolute()
    assert second == "imagesTr/a_0001.nii.gz"
    assert np.array_equal(read_volume(done.folder / "Dataset001_A" / second).array, steps[..., 1])


def test_an_image_whose_spacing_nnunet_would_refuse_is_copied_onto_the_grid_of_the_masks(tmp_path):
    """nnU-Net compares spacings with numpy.allclose, which wants 1e-5."""
    (tmp_path / "cohort").mkdir()
    nearly = Geometry(GRID.shape, GRID.affine @ np.diag([1.0005, 1.0, 1.0, 1.0]))
    assert nearly.is_same_grid(GRID)
    scheme = LabelScheme("lesion", {"lesion": 1})
    cohort = on_disk(tmp_path / "cohort", {"a": labelled(1, np.uint8)}, scheme, label_grid=nearly)
    done = export_cohort(cohort, NnunetExport(1, "A", PET), out=tmp_path / "out")
    folder = done.folder / "Dataset001_A"
    entry = json.loads((folder / "dataset.json").read_text())["dataset"]["a"]
    assert entry["images"] == ["imagesTr/a_0000.nii.gz"]
    image, label = read_volume(folder / entry["images"][0]), read_volume(folder / entry["label"])
    assert np.allclose(image.geometry.spacing_mm, label.geometry.spacing_mm, rtol=1e-6)
    assert np.array_equal(image.array, cohort["a"].image("pet").array)


def test_boxes_of_a_case_without_its_volume_refuse_the_case(tmp_path):
    rows = [{"reader": "r", **box(case, (0, 1, 0, 1, 0, 1), volume="ct")} for case in "ab"]
    cohort = cohort_of({"a": {"ct": ct()}, "b": {"pet": pet()}}, boxes=rows)
    for export in (VocExport(), CocoExport(), MonaiExport(("ct",), boxes=BoxChoice())):
        done = export_cohort(cohort, export, out=tmp_path / export.name)
        assert done.cases == ("a",)
        assert "'ct'" in done.failed["b"]


def test_after_a_kill_the_same_command_continues_and_ends_as_if_there_had_been_none(tmp_path):
    """SIGKILL while files are being written, at several moments."""
    write_small_cohort(tmp_path / "cohort", [f"case {number}" for number in range(24)])
    common = ["--id", "1", "--name", "K", "--channels", "pet", "--images", "copy", "--fingerprint"]
    program = [sys.executable, "-m", "oncohort", "export", "nnunet", str(tmp_path / "cohort"), *common, "--out"]
    subprocess.run([*program, str(tmp_path / "whole")], check=True, capture_output=True, timeout=120)
    expected = {path.relative_to(tmp_path / "whole"): path.read_bytes() for path in files_of(tmp_path / "whole")}
    labels = tmp_path / "cut/Dataset001_K/labelsTr"
    for written in (1, 12):
        running = subprocess.Popen(
            [*program, str(tmp_path / "cut")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while running.poll() is None and time.monotonic() < until:
            if labels.is_dir() and len(list(labels.glob("[!.]*.nii.gz"))) >= written:
                os.kill(running.pid, signal.SIGKILL)
                break
            time.sleep(0.001)
        assert running.wait(timeout=60) == -signal.SIGKILL
    before = {path: path.stat().st_mtime_ns for path in labels.glob("[!.]*.nii.gz")}
    assert before
    subprocess.run([*program, str(tmp_path / "cut")], check=True, capture_output=True, timeout=120)
    found = {path.relative_to(tmp_path / "cut"): path.read_bytes() for path in files_of(tmp_path / "cut")}
    assert found == expected
    assert sum(path.stat().st_mtime_ns == stamp for path, stamp in before.items()) >= len(before) - 1
