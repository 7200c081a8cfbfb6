"""PanTS folders with every file damaged in turn."""

import gzip
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from oncohort.ingestion import ingest
from pants_folders import BLOBS, CT, SHAPE, STRUCTURES, TEST, TRAIN, accounted, blob, met, put, write_case, write_folder


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "PanTS")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def grow(path):
    path.write_bytes(path.read_bytes() + b"more")


def empty(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("no image")


def pointer(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def plain(path):
    path.write_bytes(gzip.decompress(path.read_bytes()))


def renamed(path):
    path.rename(path.with_name(f"my {path.name}"))


def hidden(path):
    path.rename(path.with_name(f"._{path.name}"))


def moved(path):
    (path.parent / "deeper").mkdir()
    path.rename(path.parent / "deeper" / path.name)


def a_folder(path):
    path.unlink()
    path.mkdir()
    (path / "inside").write_text("x")


def a_lost_link(path):
    path.unlink()
    path.symlink_to("nowhere")


def four_axes(path):
    path.write_bytes(blob(np.zeros((*SHAPE, 2), np.uint8)))


def other_shape(path):
    path.write_bytes(blob(np.zeros((3, 3, 3), np.uint8)))


def colours(path):
    path.write_bytes(blob(np.zeros(SHAPE, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))))


def no_affine(path):
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[252:256] = struct.pack("<hh", 0, 0)
    path.write_bytes(gzip.compress(data))


DAMAGES = [
    Path.unlink, cut, empty, text, pointer, renamed, hidden, moved, a_folder, a_lost_link, four_axes, other_shape,
    colours, no_affine, grow,
]  # fmt: skip
HARMLESS = [plain]


@pytest.mark.parametrize("damage", [*DAMAGES, *HARMLESS], ids=lambda damage: damage.__name__)
def test_every_file_damaged_in_turn_is_refused_and_the_rest_is_kept(tmp_path, damage):
    root = tmp_path / "PanTS"
    write_case(root, TRAIN)
    write_case(root, TEST)
    for name in (*(f"segmentations/{name}.nii.gz" for name in STRUCTURES), "combined_labels.nii.gz", "ct.nii.gz"):
        path = root / ("ImageTr" if name == "ct.nii.gz" else "LabelTr") / TRAIN / name
        sound = path.read_bytes()
        damage(path)
        check_one(root, os.path.relpath(path, root), damage)
        for left in (path, path.with_name(f"my {path.name}"), path.with_name(f"._{path.name}"), path.parent / "deeper"):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
        put(path, sound)


def check_one(root, damaged, damage):
    plan, results, used, refused, kept = accounted(root)
    links = {os.path.relpath(path, root) for path in root.rglob("*") if path.is_symlink()}
    assert used | refused == met(root) | links
    assert used & refused == set()
    assert kept == used
    assert [case.case for case in plan.cases] == [TRAIN, TEST]
    assert results[1]["refused"] == []
    said = {one["rule"] for one in results[0]["findings"]}
    if damage in HARMLESS:
        assert damaged in kept
        assert said == set()
    elif (damage, Path(damaged).name) == (other_shape, "ct.nii.gz"):
        assert said == {"pants_label_grid"}
    else:
        assert damaged not in kept
        assert said == LOST.get(Path(damaged).name, {"pants_missing_structures"})


LOST = {"ct.nii.gz": {"pants_no_ct"}, "combined_labels.nii.gz": set()}


def test_damaged_files_are_refused_by_the_whole_ingestion(folder, tmp_path):
    cut(folder / "ImageTr" / TRAIN / "ct.nii.gz")
    (folder / "LabelTr" / TRAIN / "segmentations" / "notes.txt").write_text("seen by nobody")
    put(folder / "LabelTr" / TRAIN / "segmentations" / "pancreatic_cyst.nii.gz", BLOBS["liver"])
    put(folder / "LabelTr" / "PanTS_1" / "ct.nii.gz", CT)
    cohort = ingest("pants", folder, out=tmp_path / "cohort")
    assert {one["path"]: one["reason"] for one in cohort.tables.refused.to_dicts()} == {
        f"ImageTr/{TRAIN}/ct.nii.gz": "unreadable",
        f"LabelTr/{TRAIN}/segmentations/notes.txt": "not part of the layout",
        f"LabelTr/{TRAIN}/segmentations/pancreatic_cyst.nii.gz": "unknown structure",
        "LabelTr/PanTS_1/ct.nii.gz": "not part of the layout",
    }
    assert cohort[TRAIN].roles == ("organs", "organs_combined")


def test_a_case_without_any_sound_file_is_refused_whole(folder):
    for path in (folder / "ImageTr", folder / "LabelTr"):
        for file in path.rglob("*.nii.gz"):
            empty(file)
    put(folder / "ReportTr" / TRAIN / "report.pdf", b"%PDF")
    _, results, used, refused, _ = accounted(folder)
    assert results[0]["case"] is None
    assert used | refused == met(folder)
    assert f"ReportTr/{TRAIN}/report.pdf" in refused
