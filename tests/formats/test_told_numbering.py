"""The numbering of a combined map is told by voxels or not at all."""

import nibabel as nib
import numpy as np
import pytest

from oncohort.errors import FormatError, LabelError
from oncohort.formats.told_numbering import read_told_numbering, tell_numbering, told_record
from oncohort.geometry import Geometry
from oncohort.layouts import pants

AFFINE = np.eye(4)
GRID = Geometry((28, 4, 2), AFFINE)
VARIANTS = ["combined A", "combined B"]


def masks():
    """Structure n fills the slab i = n; the lesion lies in the pancreas too, and postcava is empty."""
    found = {name: np.zeros(GRID.shape, np.uint8) for name in pants.STRUCTURES}
    for position, mask in enumerate(found.values()):
        mask[position] = 1
    found["pancreas"] |= found["pancreatic_lesion"]
    found["postcava"][:] = 0
    return found


def combined(numbering):
    array = np.zeros(GRID.shape, np.int16)
    for name, mask in masks().items():
        array[mask > 0] = pants.NUMBERINGS[numbering][name]
    return array


def save(folder, array, *, evidence=pants.AMBIGUOUS, slope=None):
    (folder / "segmentations").mkdir(parents=True, exist_ok=True)
    for name in evidence:
        nib.Nifti1Image(masks()[name], AFFINE).to_filename(folder / "segmentations" / f"{name}.nii.gz")
    image = nib.Nifti1Image(array, AFFINE)
    if slope:
        image.header.set_slope_inter(slope, 0)
    image.to_filename(folder / "combined_labels.nii.gz")
    files = {name: f"{name}.nii.gz" for name in evidence}
    return folder / "combined_labels.nii.gz", told_record("pants", VARIANTS, str(folder / "segmentations"), files)


@pytest.mark.parametrize("numbering", ["A", "B"])
def test_both_numberings_give_the_same_label_map(tmp_path, numbering):
    path, record = save(tmp_path, combined(numbering))
    found = read_told_numbering(path, record, GRID)
    assert np.array_equal(found.layers[0].array, combined("A"))
    assert found.mask("veins")[26].all()
    assert found.scheme.value("pancreatic_lesion") == 28


def test_the_pancreas_of_a_combined_map_is_the_label_and_its_parts(tmp_path):
    path, record = save(tmp_path, combined("B"))
    found = read_told_numbering(path, record, GRID).mask("pancreas")
    assert [i for i in range(28) if found[i].any()] == [16, 17, 18, 19, 20, 27]


def test_slope_noise_does_no_harm(tmp_path):
    path, record = save(tmp_path, combined("B") * 100, slope=1.0000075 / 100)
    assert np.array_equal(read_told_numbering(path, record, GRID).layers[0].array, combined("A"))


@pytest.mark.parametrize("known", [["veins"], ["spleen", "stomach"], ["pancreatic_lesion"]])
def test_a_few_files_are_enough(tmp_path, known):
    path, record = save(tmp_path, combined("B"), evidence=known)
    assert np.array_equal(read_told_numbering(path, record, GRID).layers[0].array, combined("A"))


def test_a_map_without_doubtful_integers_needs_no_evidence(tmp_path):
    array = combined("A")
    array[array > 21] = 0
    path, record = save(tmp_path, array, evidence=[])
    assert np.array_equal(read_told_numbering(path, record, GRID).layers[0].array, array)


@pytest.mark.parametrize(
    ("array", "evidence"),
    [
        (combined("B"), []),
        (combined("B"), ["postcava"]),  # an empty file tells nothing
        (np.roll(combined("A"), 3, axis=0), pants.AMBIGUOUS),  # the labels lie elsewhere: neither agrees
        (np.where(combined("A") % 2, combined("A"), combined("B")), pants.AMBIGUOUS),  # half of each
    ],
    ids=["nothing", "empty", "shifted", "mixed"],
)
def test_what_cannot_be_told_is_refused_with_the_shares(tmp_path, array, evidence):
    path, record = save(tmp_path, array, evidence=evidence)
    found = read_told_numbering(path, record, GRID)
    with pytest.raises(
        LabelError, match=r"combined_labels\.nii\.gz: expected one numbering .*combined A: .*combined B: "
    ):
        _ = found.layers


def test_lost_voxels_of_parts_do_not_hide_the_numbering():
    """In the map of case 1349 the pancreas keeps 906 of 16,106 voxels: only what is numbered must lie inside."""
    array = combined("B")
    array[25, :2] = 0
    shown = {name: mask > 0 for name, mask in masks().items() if name in pants.AMBIGUOUS}
    assert tell_numbering(array, pants.NUMBERINGS, shown, "map") == "B"


@pytest.mark.parametrize(
    "change",
    [
        {"variants": []},
        {"variants": ["combined C"]},
        {"variants": None},
        {"data_set": "other"},
        {"evidence": {"veins": "../veins.nii.gz"}},
        {"evidence": {"nothing": "veins.nii.gz"}},
        {"evidence": 3},
    ],
)
def test_a_damaged_record_is_refused(tmp_path, change):
    path, record = save(tmp_path, combined("A"))
    with pytest.raises(FormatError, match="ingest again"):
        read_told_numbering(path, {**record, **change}, GRID)
