"""nnU-Net raw data sets: what stands in them, and the way back."""

import json
from pathlib import Path

import numpy as np
import pytest

from oncohort import ingest, read_volume, write_phantom_cohort
from oncohort.cohort import Cohort
from oncohort.errors import FormatError, InputError, LabelError, LeakageError, SettingsError
from oncohort.exporting import export_cohort
from oncohort.exports import Channel, LabelMapping, NnunetExport
from oncohort.labels import LabelScheme
from oncohort.splits import Split, draw_split

BOTH = (Channel.usual("ct"), Channel.usual("pet"))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Cohort:
    there = tmp_path_factory.mktemp("export")
    phantoms = write_phantom_cohort(there / "phantoms", cases=3, form="nnunet")
    return ingest("nnunet", phantoms.data, out=there / "cohort")


def exported(cohort, out, **choices) -> Path:
    done = export_cohort(cohort, NnunetExport(7, "Phantoms", BOTH, **choices), out=out)
    assert done.failed == {}
    return out / "Dataset007_Phantoms"


def document(folder, name="dataset.json"):
    return json.loads((folder / name).read_text())


def test_images_are_referenced_and_ct_alone_is_normalised_as_ct(cohort, tmp_path):
    folder = exported(cohort, tmp_path / "raw")
    dataset = document(folder)
    assert dataset["channel_names"] == {"0": "CT", "1": "noNorm"}
    assert dataset["labels"] == {"background": 0, "lesion": 1}
    assert (dataset["numTraining"], dataset["file_ending"]) == (3, ".nii.gz")
    for case in cohort.case_ids:
        entry = dataset["dataset"][case]
        assert [Path(path).name for path in entry["images"]] == [f"{case}_0000.nii.gz", f"{case}_0001.nii.gz"]
        assert all(Path(path).is_absolute() and Path(path).is_file() and ".." not in path for path in entry["images"])
        reference = cohort[case].label_map("lesions").layers[0].array
        assert np.array_equal(read_volume(folder / entry["label"]).array, reference)
    assert not (folder / "imagesTr").exists()


def test_copied_images_stand_under_their_names(cohort, tmp_path):
    folder = exported(cohort, tmp_path / "raw", images="copy")
    assert "dataset" not in document(folder)
    names = sorted(path.name for path in (folder / "imagesTr").iterdir())
    assert names == [f"{case}_{channel:04d}.nii.gz" for case in cohort.case_ids for channel in (0, 1)]
    again = read_volume(folder / "imagesTr" / "SYNTHETIC-001_0001.nii.gz")
    assert np.array_equal(again.array, cohort["SYNTHETIC-001"].image("pet").array)


def test_folds_are_those_of_the_split_and_test_cases_are_not_trained(cohort, tmp_path):
    split = Split(
        {case: case for case in cohort.case_ids},
        test=("SYNTHETIC-003",),
        folds=(("SYNTHETIC-001",), ("SYNTHETIC-002",)),
    )
    folder = exported(cohort, tmp_path / "raw", split=split, images="copy")
    assert document(folder, "splits_final.json") == [
        {"train": ["SYNTHETIC-002"], "val": ["SYNTHETIC-001"]},
        {"train": ["SYNTHETIC-001"], "val": ["SYNTHETIC-002"]},
    ]
    assert document(folder)["numTraining"] == 2
    assert (folder / "imagesTs" / "SYNTHETIC-003_0000.nii.gz").is_file()
    assert document(folder, "oncohort.json")["settings"]["split"] == split.content_hash
    other = draw_split(cohort.tables.cases.head(2), folds=2, seed=1)
    with pytest.raises(LeakageError):
        export_cohort(cohort, NnunetExport(7, "Phantoms", BOTH, split=other), out=tmp_path / "other")


# The gaps of ENHANCE.PET's numberings (4, 19, 23 do not occur) come out consecutive and go back.
GAPS = LabelScheme("gaps", {f"structure_{value}": value for value in range(1, 26) if value not in (4, 19, 23)})


def test_gaps_are_closed_and_opened_again():
    mapping = LabelMapping.gapless(GAPS)
    assert sorted(mapping.exported.values()) == list(range(1, 23))
    labels = np.array([0, *GAPS.labels.values()], np.uint8)
    forth = mapping.forth(labels, where="here")
    assert forth.tolist() == list(range(23))
    assert mapping.back(forth).tolist() == labels.tolist()
    assert LabelMapping.from_dict(json.loads(json.dumps(mapping.to_dict())), where="file") == mapping
    with pytest.raises(LabelError, match="4"):
        mapping.forth(np.array([4], np.uint8), where="here")
    with pytest.raises(LabelError, match="99"):
        mapping.back(np.array([99], np.uint8))


def test_integers_that_no_voxel_can_hold_are_refused():
    mapping = LabelMapping.gapless(GAPS)
    with pytest.raises(LabelError, match="-1"):
        mapping.forth(np.array([1, -1], np.int16), where="here")
    with pytest.raises(LabelError, match="-2"):
        mapping.back(np.array([-2], np.int8))
    for value in (10**12, 0, -1, 65536):
        for part in ("original", "exported"):
            values = {"original": {"a": 1}, "exported": {"a": 1}, "dropped": []}
            with pytest.raises(FormatError, match="integer"):
                LabelMapping.from_dict({**values, part: {"a": value}}, where="record")


def test_labels_can_be_chosen_and_one_comes_last():
    mapping = LabelMapping.gapless(GAPS, only=("structure_5", "structure_2", "structure_25"), last=("structure_2",))
    assert mapping.exported == {"structure_5": 1, "structure_25": 2, "structure_2": 3}
    assert mapping.forth(np.array([0, 1, 2, 5, 25], np.uint8), where="here").tolist() == [0, 0, 3, 1, 2]


def with_scheme(cohort, scheme):
    return Cohort(cohort.facts, scheme, cohort.tables, lambda row: _renamed(cohort.read(row), scheme), cohort.root)


def _renamed(found, scheme):
    from oncohort.volume import LabelMap

    return LabelMap(found.geometry, found.layers, scheme) if isinstance(found, LabelMap) else found


def test_regions_and_the_label_to_ignore(cohort, tmp_path):
    three = with_scheme(cohort, LabelScheme("three", {"lesion": 1, "doubt": 2, "necrosis": 3}))
    folder = exported(
        three, tmp_path / "raw", regions={"whole": ("lesion", "necrosis"), "core": ("necrosis",)}, ignore="doubt"
    )
    dataset = document(folder)
    assert dataset["labels"] == {"background": 0, "whole": [1, 2], "core": 2, "ignore": 3}
    assert list(dataset["labels"]) == ["background", "whole", "core", "ignore"]
    assert dataset["regions_class_order"] == [1, 2]
    assert document(folder, "oncohort.json")["labels"]["exported"] == {"lesion": 1, "necrosis": 2, "doubt": 3}
    united = exported(three, tmp_path / "union", union="tumour")
    assert document(united)["labels"] == {"background": 0, "tumour": 1}


FIVE = LabelScheme("five", {"rim": 1, "core": 3, "doubt": 4, "cyst": 7, "vessel": 9})


@pytest.mark.parametrize("order", [("core", "whole", "solid"), ("whole", "solid", "core")])
def test_larger_regions_are_painted_first_with_a_label_of_their_own(cohort, tmp_path, order):
    """nnU-Net paints regions in the order of dataset.json: a smaller one before a larger one would vanish."""
    members = {"core": ("core",), "solid": ("rim", "core"), "whole": ("cyst", "rim", "core")}
    regions = {name: members[name] for name in order}
    folder = exported(with_scheme(cohort, FIVE), tmp_path / "raw", regions=regions, ignore="doubt")
    dataset, record = document(folder), document(folder, "oncohort.json")
    assert record["labels"]["exported"] == {"rim": 1, "core": 2, "cyst": 3, "doubt": 4}
    assert record["labels"]["dropped"] == [9]  # vessel, in no region
    assert list(dataset["labels"].items()) == [
        ("background", 0),
        ("whole", [1, 2, 3]),
        ("solid", [1, 2]),
        ("core", 2),
        ("ignore", 4),
    ]
    assert dataset["regions_class_order"] == [3, 1, 2]
    assert [region["painted"] for region in record["regions"]] == [3, 1, 2]


def test_regions_that_hide_or_reserved_names_are_refused(cohort, tmp_path):
    five = with_scheme(cohort, FIVE)
    for regions in ({"whole": ("rim", "core"), "a": ("rim",), "b": ("core",)}, {"a": ("rim",), "b": ("rim",)}):
        with pytest.raises(SettingsError, match="no smaller region"):
            exported(five, tmp_path / "raw", regions=regions)
    for choices in (
        {"regions": {"background": ("rim",)}},
        {"union": "ignore"},
    ):
        with pytest.raises(SettingsError):
            NnunetExport(7, "P", BOTH, **choices)
    with pytest.raises(SettingsError, match="without labels to ignore"):
        exported(five, tmp_path / "raw", regions={"a": ("rim", "doubt")}, ignore="doubt")


def test_labels_whose_names_mean_something_to_nnunet(cohort, tmp_path):
    named = with_scheme(cohort, LabelScheme("odd", {"lesion": 1, "ignore": 2, "background": 3}))
    with pytest.raises(SettingsError, match="take for something else"):
        exported(named, tmp_path / "raw")
    with pytest.raises(SettingsError, match="background"):
        exported(named, tmp_path / "raw", ignore="ignore")
    folder = exported(named, tmp_path / "raw", ignore="ignore", labels=("lesion", "ignore"))
    assert document(folder)["labels"] == {"background": 0, "lesion": 1, "ignore": 2}
    kept = with_scheme(cohort, LabelScheme("odd", {"lesion": 1, "unused_2": 3}))
    labels = document(exported(kept, tmp_path / "kept", gaps="keep"))["labels"]
    assert labels == {"background": 0, "lesion": 1, "unused_2": 3, "not_unused_2": 2}
    with pytest.raises(SettingsError, match="at least one label"):
        exported(with_scheme(cohort, LabelScheme("none", {})), tmp_path / "none")


def test_a_call_made_again_writes_nothing_anew_and_other_files_stay(cohort, tmp_path):
    folder = exported(cohort, tmp_path / "raw")
    label = folder / "labelsTr" / "SYNTHETIC-001.nii.gz"
    before = label.stat().st_mtime_ns
    (folder / "notes.txt").write_text("mine")
    exported(cohort, tmp_path / "raw")
    assert label.stat().st_mtime_ns == before
    assert (folder / "notes.txt").is_file()


def test_a_ct_on_its_own_grid_is_refused_with_the_remedy(tmp_path):
    phantoms = write_phantom_cohort(tmp_path / "phantoms", cases=1, form="dicom")
    cohort = ingest("dicom", phantoms.data, out=tmp_path / "cohort")
    with pytest.raises(InputError, match="harmonise"):
        export_cohort(cohort, NnunetExport(7, "Phantoms", BOTH), out=tmp_path / "raw")


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"number": 1000}, "1 to 999"),
        ({"title": "a b"}, "letters"),
        ({"channels": ()}, "channel"),
        ({"union": "a", "labels": ("lesion",)}, "union alone"),
    ],
)
def test_impossible_choices_are_refused(choices, told):
    with pytest.raises(SettingsError, match=told):
        NnunetExport(**{"number": 7, "title": "P", "channels": BOTH, **choices})


def test_labels_and_channels_must_be_known(cohort, tmp_path):
    for choices in ({"labels": ("tumor",)}, {"ignore": "tumor"}, {"regions": {"a": ("tumor",)}}):
        with pytest.raises(SettingsError, match="tumor"):
            export_cohort(cohort, NnunetExport(7, "P", BOTH, **choices), out=tmp_path / "raw")
    with pytest.raises(SettingsError, match="normalisation"):
        Channel.usual("prob")
    with pytest.raises(FormatError, match="original"):
        LabelMapping.from_dict({}, where="x")
