"""Numbers of the autoPET scorers on masks that nobody may pass on (CC BY-NC data): run where a variable names them.

ONCOHORT_GOLDEN_AUTOPETV: folder `test` of lab-midas/autoPETV at 4a20268 (labels and final_output of one patient).
ONCOHORT_GOLDEN_AUTOPET3: folder `test` of ClinicalDataScience/autoPETIII at 9b3dd51 (orig and both expected outputs).

Masks are told apart by how many voxels they hold, for every number of voxels below is there once.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from oncohort.kernels import label_components
from oncohort.metrics import METRICS, Matching, PairSettings, area_over_steps, compare_masks

V_STEPS = {  # voxels: Dice, (tp, fp, fn), FPV, F1, contour Dice where it is known
    18567: ("0.8702044346", (7, 3, 1), "0.904619", "0.7777778", "0.449633"),
    19594: ("0.8856848127", (7, 2, 1), "0.586780", "0.8235294", "0.486549"),
    18586: ("0.8711040676", (7, 2, 1), "0.562331", "0.8235294", None),
    18857: ("0.8783548441", (7, 2, 1), "0.562331", "0.8235294", None),
    19616: ("0.8876651982", (7, 2, 1), "0.562331", "0.8235294", "0.496223"),
}
V_AREAS = {"dice": "3.5140785408", "lesion_f1": "3.2712418", "fpv_ml": "2.444916", "fnv_ml": "3.814069"}
THREE = {  # voxels: Dice, FPV, its voxels, FNV, its voxels, (tp, fp, fn), F1, contour Dice
    17339: ("0.6604252514", "4.976384", 150, "18.711203", 564, (76, 25, 36), "0.71362", "0.410742"),
    16582: ("0.6967340591", "2.753599", 83, "25.014624", 754, (79, 15, 33), "0.76699", "0.451939"),
}


def masks_in(variable, shape, sizes):
    """The masks below the folder by their number of voxels, and their spacing; skips without the folder."""
    folder = os.environ.get(variable)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"golden numbers: {variable} does not name a folder")
    nibabel = pytest.importorskip("nibabel")
    found = {}
    for path in sorted(Path(folder).rglob("*.nii.gz")):
        image = nibabel.load(path)
        if image.shape == shape:
            mask = np.asarray(image.dataobj) > 0
            found[int(mask.sum())] = mask, tuple(float(step) for step in image.header.get_zooms())
    assert set(sizes) <= set(found), f"{variable} holds masks of {sorted(found)} voxels"
    return {size: found[size] for size in sizes}


def compare(reference, prediction, *, connectivity=18, threshold=0.1):
    settings = PairSettings(connectivity=connectivity, matching=Matching("many-to-many", threshold))
    return compare_masks(reference[0], prediction[0], spacing_mm=reference[1], settings=settings)


def value(pair, name):
    return METRICS[name].formula(pair)


def printed(number, like):
    return f"{number:.{len(like.split('.')[1])}f}"


@pytest.mark.real_data
def test_autopet_v_steps():
    masks = masks_in("ONCOHORT_GOLDEN_AUTOPETV", (256, 256, 371), [23060, *V_STEPS])
    pairs = {size: compare(masks[23060], masks[size]) for size in V_STEPS}
    for size, (dice, counts, fpv, f1, contour) in V_STEPS.items():
        pair = pairs[size]
        assert printed(value(pair, "dice"), dice) == dice
        assert (pair.lesions.tp, pair.lesions.fp, pair.lesions.fn) == counts
        assert (value(pair, "reference_lesions"), printed(value(pair, "fpv_ml"), fpv)) == (8, fpv)
        assert f"{value(pair, 'fnv_ml'):.6f} {value(pair, 'lesion_f1'):.7f}" == f"0.953517 {f1}"
        if contour is not None:
            assert printed(value(pair, "contour_dice"), contour) == contour
    for name, area in V_AREAS.items():
        steps = [value(pair, name) for pair in pairs.values()]
        assert printed(area_over_steps(steps, missing="undefined"), area) == area


@pytest.mark.real_data
def test_autopet_3_predictions():
    masks = masks_in("ONCOHORT_GOLDEN_AUTOPET3", (200, 200, 448), [12996, *THREE])
    reference = masks[12996]
    voxel_ml = np.prod(reference[1]) / 1000.0
    assert [label_components(reference[0], reach)[1] for reach in (6, 18, 26)] == [122, 112, 111]
    for size, (dice, fpv, fpv_voxels, fnv, fnv_voxels, counts, f1, contour) in THREE.items():
        pair = compare(reference, masks[size])
        assert printed(value(pair, "dice"), dice) == dice
        assert (pair.lesions.tp, pair.lesions.fp, pair.lesions.fn) == counts
        assert printed(value(pair, "fpv_ml"), fpv) == fpv
        assert printed(value(pair, "fnv_ml"), fnv) == fnv
        volumes = value(pair, "fpv_ml"), value(pair, "fnv_ml")
        assert [round(each / voxel_ml) for each in volumes] == [fpv_voxels, fnv_voxels]
        assert printed(value(pair, "lesion_f1"), f1) == f1
        assert printed(value(pair, "contour_dice"), contour) == contour
    nnunet = masks[16582]
    assert f"{value(compare(reference, nnunet, connectivity=6), 'fnv_ml'):.6f}" == "25.910371"
    for threshold, f1 in ((0.05, "0.788"), (0.2, "0.683"), (0.5, "0.47")):
        assert printed(value(compare(reference, nnunet, threshold=threshold), "lesion_f1"), f1) == f1
