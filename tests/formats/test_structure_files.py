"""One file per structure: the same label map as the combined one, and nothing lost on the way."""

import json

import nibabel as nib
import numpy as np
import pytest

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.errors import FormatError, GeometryError, LabelError
from oncohort.formats import (
    fingerprint_volume,
    open_cohort,
    read_label_map,
    structure_files,
    volumes_stand,
    write_cohort,
)
from oncohort.formats.structure_files import STRUCTURE_FILES, read_structure_files, structure_record
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.layouts.labels import scheme as published_scheme

AFFINE = np.diag([-0.8, -0.8, 2.5, 1.0])
GRID = Geometry((6, 5, 4), AFFINE)
SCHEME = LabelScheme("pants", {"pancreas": 17, "pancreas_head": 19, "veins": 27, "liver": 14, "lesion": 28})


def box(*slices):
    mask = np.zeros(GRID.shape, np.uint8)
    mask[tuple(slice(*one) for one in slices)] = 1
    return mask


MASKS = {
    "pancreas": box((0, 4), (0, 4), (0, 2)),
    "pancreas_head": box((0, 2), (0, 4), (0, 2)),
    "lesion": box((1, 2), (1, 3), (0, 1)),
    "veins": box((3, 6), (0, 5), (1, 3)),
    "liver": box((0, 0), (0, 0), (0, 0)),
}


def save(folder, masks, *, affine=AFFINE, slope=None):
    folder.mkdir(exist_ok=True)
    for name, mask in masks.items():
        image = nib.Nifti1Image(mask, affine)
        if slope is not None:
            image.header.set_slope_inter(slope, 0)
        image.to_filename(folder / f"{name}.nii.gz")
    return {name: f"{name}.nii.gz" for name in masks}


def test_overlapping_structures_survive_in_disjoint_layers(tmp_path):
    files = save(tmp_path / "a", MASKS)
    found = read_structure_files(tmp_path / "a", files, GRID, SCHEME)
    for name, mask in MASKS.items():
        assert np.array_equal(found.mask(name), mask > 0), name
    assert len(found.layers) == 3  # lesion in head in pancreas
    assert found.values() == (17, 19, 27, 28)


def test_the_order_of_the_files_changes_nothing(tmp_path):
    files = save(tmp_path / "a", MASKS)
    backwards = dict(reversed(files.items()))
    first, second = (read_structure_files(tmp_path / "a", one, GRID, SCHEME) for one in (files, backwards))
    assert all(np.array_equal(a.array, b.array) for a, b in zip(first.layers, second.layers, strict=True))


def test_missing_empty_and_present_are_told_apart(tmp_path):
    files = save(tmp_path / "a", {name: MASKS[name] for name in ("liver", "veins")})
    found = read_structure_files(tmp_path / "a", files, GRID, SCHEME)
    assert [found.state(name) for name in ("liver", "veins", "pancreas")] == ["empty", "present", "missing"]
    assert found.annotated == {"liver", "veins"}


def test_nothing_is_read_before_a_layer_is_asked_for_and_each_file_once(tmp_path, monkeypatch):
    files = save(tmp_path / "a", MASKS)
    reads = []
    read = structure_files.read_nifti
    monkeypatch.setattr(structure_files, "read_nifti", lambda path: reads.append(path.name) or read(path))
    found = read_structure_files(tmp_path / "a", files, GRID, SCHEME)
    assert found.geometry == GRID
    assert reads == []
    _ = found.mask("veins"), found.mask("liver"), found.values()
    assert sorted(reads) == sorted(files.values())


def test_slope_noise_is_rounded_and_anything_further_is_named(tmp_path):
    files = save(tmp_path / "a", {"veins": MASKS["veins"].astype(np.int16) * 163}, slope=1.0001983 / 163)
    assert np.array_equal(read_structure_files(tmp_path / "a", files, GRID, SCHEME).mask("veins"), MASKS["veins"] > 0)
    noisy = MASKS["veins"].astype(np.float32)
    noisy[4, 2, 1] = 0.9
    files = save(tmp_path / "b", {"veins": noisy})
    with pytest.raises(FormatError, match=r"veins\.nii\.gz: .*0\.9 at voxel \(4, 2, 1\)"):
        _ = read_structure_files(tmp_path / "b", files, GRID, SCHEME).layers


def test_a_file_on_another_grid_is_refused(tmp_path):
    files = save(tmp_path / "a", {"veins": MASKS["veins"]}, affine=np.diag([-0.8, -0.8, 2.6, 1.0]))
    with pytest.raises(GeometryError, match=r"veins\.nii\.gz"):
        _ = read_structure_files(tmp_path / "a", files, GRID, SCHEME).layers


def test_a_name_without_label_is_refused(tmp_path):
    with pytest.raises(LabelError, match="spleen"):
        read_structure_files(tmp_path, {"spleen": "spleen.nii.gz"}, GRID, SCHEME)


def cohort_of(folder, files):
    row = {
        "case": "A",
        "role": "organs",
        "path": str(folder),
        "unit": "label",
        "shape": list(GRID.shape),
        "spacing_mm": list(GRID.spacing_mm),
        "orientation": GRID.orientation,
        "affine": GRID.affine.ravel().tolist(),
        "scale": json.dumps(structure_record(files)),
        "bytes": sum((folder / name).stat().st_size for name in files.values()),
    }
    tables = Tables.from_rows({"cases": [{"case": "A", "patient": "A"}], "volumes": [row]})
    return Cohort(CohortFacts("pants", "pants"), SCHEME, tables), row


def test_a_row_of_a_cohort_names_the_folder_and_its_files(tmp_path):
    folder = tmp_path / "segmentations"
    files = save(folder, MASKS)
    cohort, row = cohort_of(folder, files)
    write_cohort(tmp_path / "cohort", cohort)
    opened = open_cohort(tmp_path / "cohort")
    organs = opened["A"].label_map("organs")
    assert np.array_equal(organs.mask("lesion"), MASKS["lesion"] > 0)
    assert organs.state("liver") == "empty"
    assert volumes_stand(tmp_path, [row])
    before = fingerprint_volume(opened, row)
    assert set(before[3]) == set(files.values())
    (folder / "veins.nii.gz").write_bytes((folder / "lesion.nii.gz").read_bytes())
    assert fingerprint_volume(opened, row) != before
    assert not volumes_stand(tmp_path, [row])
    (folder / "veins.nii.gz").unlink()
    assert not volumes_stand(tmp_path, [row])
    with pytest.raises(FormatError, match=r"veins\.nii\.gz: .*found none"):
        opened["A"].label_map("organs")


@pytest.mark.parametrize(
    "files", [{}, None, [], {"veins": "../veins.nii.gz"}, {"veins": "/etc/passwd"}, {"veins": 3}, {"veins": ".."}]
)
def test_a_damaged_list_of_files_is_refused_and_leads_nowhere_else(tmp_path, files):
    folder = tmp_path / "segmentations"
    cohort, row = cohort_of(folder, save(folder, MASKS))
    scale = json.dumps({"rule": STRUCTURE_FILES, "files": files})
    broken = cohort.tables.named() | {"volumes": Tables.from_rows({"volumes": [{**row, "scale": scale}]}).volumes}
    write_cohort(tmp_path / "cohort", Cohort(cohort.facts, SCHEME, Tables(**broken)))
    with pytest.raises(FormatError, match="names of files in the folder"):
        open_cohort(tmp_path / "cohort")["A"].label_map("organs")


@pytest.mark.real_data
def test_one_file_per_organ_gives_the_combined_map(real_data, tmp_path):
    """117 files of which 40 have voxels; the combined map is made from them by nibabel and numpy."""
    folder = real_data("ct_organs") / "example_seg_fast"
    scheme = published_scheme("totalsegmentator")
    files = {path.name.removesuffix(".nii.gz"): path.name for path in sorted(folder.glob("*.nii.gz"))}
    first = nib.load(folder / "liver.nii.gz")
    combined = np.zeros(first.shape, np.uint8)
    for name, file in files.items():
        combined[np.asarray(nib.load(folder / file).dataobj) > 0] = scheme.value(name)
    nib.Nifti1Image(combined, first.affine).to_filename(tmp_path / "combined.nii.gz")
    whole = read_label_map(tmp_path / "combined.nii.gz", scheme)
    found = read_structure_files(folder, files, whole.geometry, scheme)
    assert (len(files), len(found.layers)) == (117, 1)
    assert np.array_equal(found.layers[0].array, whole.layers[0].array)
    assert found.values() == whole.values()
    assert len(found.values()) == 40
    states = [found.state(name) for name in scheme.labels]
    assert (states.count("present"), states.count("empty"), states.count("missing")) == (40, 77, 0)
    del files["liver"], files["brain"]
    fewer = read_structure_files(folder, files, whole.geometry, scheme)
    assert [fewer.state(name) for name in ("liver", "brain", "skull", "spleen")] == [
        "missing",
        "missing",
        "empty",
        "present",
    ]
