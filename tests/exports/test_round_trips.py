"""What other libraries and our own sources read from exports: voxels, grids and labels of the cohort."""

import json

import numpy as np
import pytest
import SimpleITK
from memory_cohorts import cohort_of, ct, masks, pet

import oncohort
from box_cohorts import box
from oncohort import read_volume
from oncohort.exporting import export_cohort
from oncohort.exports import (
    BidsPetExport,
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
from oncohort.formats.voc_xml import read_voc
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.phantoms.twins import write_twin
from oncohort.splitting import SplitSettings, split_cohort

C, S = np.cos(0.4), np.sin(0.4)
OBLIQUE = Geometry(
    (6, 5, 4),
    [[-1.25 * C, 0, 3.5 * S, 81.5], [0, -2.5, 0, 20.125], [1.25 * S, 0, 3.5 * C, -333.25], [0, 0, 0, 1]],
)
SCHEME = LabelScheme("gaps", {"liver": 3, "pancreatic_lesion": 9, "spleen": 300})
BLOCKS = {"liver": (0, 2, 0, 2, 0, 2), "pancreatic_lesion": (2, 4, 1, 3, 1, 4), "spleen": (5, 6, 4, 5, 3, 4)}
BOTH = parse_channels("ct,pet")


@pytest.fixture
def cohort():
    own = {"ct": ct(OBLIQUE), "pet": pet(OBLIQUE), "organs": masks(SCHEME, OBLIQUE, **BLOCKS)}
    return cohort_of({"P_1": own}, scheme=SCHEME, cases={"P_1": {"split": "train"}})


EXPORTS = {
    "nnunet": NnunetExport(1, "A", BOTH, label_role="organs", images="copy"),
    "mha": MhaExport({"ct": "ct", "pet": "pet"}, Masks("organs")),
    "monai": MonaiExport(("ct", "pet"), Masks("organs"), images="copy"),
    "nndetection": NnDetectionExport(1, "A", ("ct", "pet"), masks=Masks("organs")),
    "bids-pet": BidsPetExport(masks=Masks("organs"), activity="if-known"),
    "pants": PantsExport(),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_simpleitk_finds_every_voxel_on_an_oblique_grid(cohort, tmp_path, name):
    done = export_cohort(cohort, EXPORTS[name], out=tmp_path / "out")
    assert done.failed == {}
    files = [path for path in done.folder.rglob("*") if path.name.endswith((".nii.gz", ".mha"))]
    case = cohort["P_1"]
    images = [case.image("ct").array, case.image("pet").array]
    read, label = [], np.zeros(OBLIQUE.shape, bool)
    for path in files:
        image = SimpleITK.ReadImage(str(path))
        for index in ((0, 0, 0), (5, 0, 3), (1, 4, 2)):
            x, y, z = image.TransformIndexToPhysicalPoint(index)
            assert np.allclose([-x, -y, z], OBLIQUE.to_mm([index])[0], atol=1e-4), path
        voxels = SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0)
        held = [number for number, one in enumerate(images) if np.array_equal(one, voxels)]
        read += held
        label |= (voxels > 0) & (not held)
    assert set(read) == ({0} if name == "pants" else {0, 1})
    assert np.array_equal(label, case.label_map("organs").foreground())


def test_an_nnunet_set_comes_back_through_its_source(cohort, tmp_path):
    done = export_cohort(cohort, EXPORTS["nnunet"], out=tmp_path / "out")
    folder = done.folder / "Dataset001_A"
    again = oncohort.ingest("nnunet", folder, out=tmp_path / "again")
    assert again.case_ids == ("P_1",)
    case, first = again["P_1"], cohort["P_1"]
    others = [role for role in case.roles if role not in ("ct", "organs")]
    assert np.array_equal(case.image("ct").array, first.image("ct").array)
    assert np.array_equal(case.image(others[0]).array, first.image("pet").array)
    assert case.image("ct").geometry.is_same_grid(OBLIQUE)
    found, own = case.label_map("organs"), first.label_map("organs")
    assert dict(found.scheme.labels) == {"liver": 1, "pancreatic_lesion": 2, "spleen": 3}
    for label in SCHEME.labels:
        assert np.array_equal(found.mask(label), own.mask(label))
    mapping = LabelMapping.from_dict(json.loads((folder / "oncohort.json").read_text())["labels"], where="record")
    assert np.array_equal(mapping.back(found.layers[0].array), own.layers[0].array)


def test_metaimage_masks_come_back_as_labels_on_their_grid(cohort, tmp_path):
    folder = export_cohort(cohort, EXPORTS["mha"], out=tmp_path / "out").folder
    found = read_volume(folder / "images/tumor-lesion-segmentation/P_1.mha")
    assert found.geometry.is_same_grid(OBLIQUE)
    assert np.array_equal(found.array, cohort["P_1"].label_map("organs").layers[0].array)
    assert found.array.max() == 300


def test_instances_of_nndetection_come_back_as_the_labels_of_their_classes(cohort, tmp_path):
    folder = export_cohort(cohort, EXPORTS["nndetection"], out=tmp_path / "out").folder / "Task001_A"
    instances = read_volume(folder / "raw_splitted/labelsTr/P_1.nii.gz").array
    classes = json.loads((folder / "raw_splitted/labelsTr/P_1.json").read_text())["instances"]
    names = json.loads((folder / "oncohort.json").read_text())["classes"]
    assert names == list(SCHEME.labels)
    for number, name in enumerate(names):
        of_class = [int(instance) for instance, value in classes.items() if value == number]
        assert np.array_equal(np.isin(instances, of_class), cohort["P_1"].label_map("organs").mask(name))


def test_boxes_come_back_from_voc_as_the_half_open_boxes_of_the_cohort(tmp_path):
    edges = [(0, 6, 0, 5, 0, 1), (1, 2, 3, 4, 3, 4), (0, 1, 4, 5, 3, 4)]
    rows = [{"reader": "r", **box("a", one, volume="ct", name=f"c{number}")} for number, one in enumerate(edges)]
    folder = export_cohort(cohort_of({"a": {"ct": ct()}}, boxes=rows), VocExport(), out=tmp_path / "out").folder
    back = set()
    for path in (folder / "Annotations").iterdir():
        k = int(path.stem.rpartition("_")[2])
        back |= {(b.xmin, b.xmax + 1, b.ymin, b.ymax + 1, k, k + 1) for b in read_voc(path).boxes}
    assert back == set(edges)


def test_the_folds_that_autopet_brings_along_come_out_as_they_went_in(tmp_path):
    twin = write_twin("autopet", tmp_path / "twin", cases=6, size="tiny")
    found = oncohort.ingest("autopet", twin.data, out=tmp_path / "cohort")
    split = split_cohort(found, SplitSettings(official=True, fold_column="fold")).split
    done = export_cohort(found, NnunetExport(1, "A", BOTH, split=split), out=tmp_path / "raw")
    written = json.loads((done.folder / "Dataset001_A/splits_final.json").read_text())
    published = json.loads(next(twin.data.rglob("splits_final.json")).read_text())
    assert [{key: sorted(fold[key]) for key in fold} for fold in published] == written
