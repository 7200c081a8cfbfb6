"""MONAI's own readers on exported data lists (make test-extras)."""

import numpy as np
import pytest

import oncohort
from oncohort.exporting import export_cohort
from oncohort.exports import BoxChoice, Masks, MonaiExport
from oncohort.geometry import Geometry

pytestmark = pytest.mark.extras


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    there = tmp_path_factory.mktemp("monai")
    phantoms = oncohort.write_phantom_cohort(there / "phantoms", cases=2, form="nnunet")
    return oncohort.ingest("nnunet", phantoms.data, out=there / "cohort")


def test_images_and_labels_load(cohort, tmp_path):
    from monai.data import load_decathlon_datalist
    from monai.transforms import LoadImaged

    folder = export_cohort(cohort, MonaiExport(("ct", "pet"), Masks()), out=tmp_path / "out").folder
    items = load_decathlon_datalist(folder / "dataset.json", is_segmentation=True, data_list_key="training")
    load = LoadImaged(keys=["image", "label"], ensure_channel_first=True)
    for item, case in zip(items, cohort, strict=True):
        found = load(item)
        assert np.array_equal(np.asarray(found["image"][0]), case.image("ct").array)
        assert np.array_equal(np.asarray(found["image"][1]), case.image("pet").array)
        assert np.array_equal(np.asarray(found["label"][0]), case.label_map("lesions").layers[0].array)
        assert np.allclose(found["label"].affine, case.image("ct").geometry.affine)


@pytest.mark.parametrize("world", ["ras", "lps"])
@pytest.mark.parametrize("directions", [(-2.0, -2.0, 3.0), (2.0, -1.5, 3.0)])
def test_boxes_come_back_to_voxels(tmp_path, world, directions):
    from monai.apps.detection.transforms.dictionary import AffineBoxToImageCoordinated, ConvertBoxToStandardModed
    from monai.data import load_decathlon_datalist
    from monai.transforms import LoadImaged

    from box_cohorts import box
    from oncohort.cohort import Cohort, CohortFacts, Tables
    from oncohort.formats import open_cohort, write_cohort, write_nifti
    from oncohort.formats.nifti import header_facts
    from oncohort.labels import LabelScheme
    from oncohort.units import Unit
    from oncohort.volume import Volume

    affine = np.diag([*directions, 1.0])
    affine[:3, 3] = (10, 20, -30)
    ct = Volume.from_array(np.zeros((12, 10, 8), np.int16), Geometry((12, 10, 8), affine), Unit.HU)
    write_nifti(tmp_path / "cohort" / "ct.nii.gz", ct)
    row = {"case": "a", "role": "ct", "path": "ct.nii.gz", "unit": "HU", **header_facts(ct)}
    boxes = [{"reader": "r", **box("a", (1, 4, 2, 9, 3, 5))}]
    tables = Tables.from_rows({"cases": [{"case": "a", "patient": "a"}], "volumes": [row], "boxes": boxes})
    write_cohort(tmp_path / "cohort", Cohort(CohortFacts("x", "python"), LabelScheme("l", {"A": 1}), tables))
    export = MonaiExport(("ct",), boxes=BoxChoice(), world=world)
    folder = export_cohort(open_cohort(tmp_path / "cohort"), export, out=tmp_path / "out").folder
    item = load_decathlon_datalist(folder / "dataset.json", is_segmentation=False, data_list_key="training")[0]
    item["box"] = np.array(item["box"])
    found = LoadImaged(keys=["image"], ensure_channel_first=True)(item)
    found = ConvertBoxToStandardModed(box_keys=["box"], mode="cccwhd")(found)
    found = AffineBoxToImageCoordinated(box_keys=["box"], box_ref_image_keys="image", affine_lps_to_ras=world == "lps")(
        found
    )
    assert np.allclose(np.asarray(found["box"]), [[1, 2, 3, 4, 9, 5]])  # xyzxyz, the end not included
    assert item["label"] == [0]
