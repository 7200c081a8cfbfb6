import gzip
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oncohort.errors import FormatError, LabelError, SettingsError
from oncohort.formats import write_volume
from oncohort.formats.nnunet_raw import RawDataset, image_path, label_path, write_dataset
from oncohort.geometry import Geometry
from oncohort.sources.nnunet.names import channel_roles, label_role, label_scheme
from oncohort.sources.nnunet.source import NnunetSource
from oncohort.sources.protocol import SourcePlan
from oncohort.units import Unit
from oncohort.volume import Volume

AFFINE = np.diag([-4.0, -4.0, 3.0, 1.0])
SHAPE = (6, 5, 4)
PET_CT = RawDataset({0: "CT", 1: "PET"}, {"lesion": (1,)}, facts={"name": "Test", "licence": "CC BY 4.0"})


def put(path: Path, value: float = 1.0, affine: np.ndarray = AFFINE, dtype: type = np.int16) -> Path:
    values = np.full(SHAPE, value).astype(dtype)
    write_volume(path, Volume.from_array(values, Geometry(SHAPE, affine), Unit.NONE))
    return path


def add_case(root: Path, case: str, *, split: str = "train") -> None:
    put(image_path(root, case, 0, split=split), -50)
    put(image_path(root, case, 1, split=split), 2.5, dtype=np.float32)
    put(label_path(root, case, split=split), 1, dtype=np.uint8)


def folder(root: Path, *cases: str, dataset: RawDataset = PET_CT) -> Path:
    write_dataset(root, dataset, training_cases=len(cases))
    for case in cases:
        add_case(root, case)
    return root


def plan_and_convert(root: Path) -> tuple[SourcePlan, list[dict[str, Any]], dict[str, str]]:
    source = NnunetSource()
    plan = source.plan(root)
    results = [source.convert(case, root / "nowhere") for case in plan.cases]
    refused = [*plan.refused, *(row for result in results for row in result["refused"])]
    every_file_is_accounted_for(root, plan, refused)
    assert not (root / "nowhere").exists()
    json.dumps(results)
    return plan, results, {row["path"]: row["reason"] for row in refused}


def every_file_is_accounted_for(root: Path, plan: SourcePlan, refused: list[Mapping[str, str]]) -> None:
    used = {Path(stamp.path).relative_to(root).as_posix() for case in plan.cases for stamp in case.files}
    met = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert met <= used | {row["path"] for row in refused} | ({"dataset.json"} if not plan.cases else set())


def test_cases_refer_to_their_files_where_they_lie(tmp_path: Path):
    root = folder(tmp_path, "fdg  1", "b")
    plan, results, refused = plan_and_convert(root)
    assert refused == {}
    assert [case.case for case in plan.cases] == ["b", "fdg  1"]
    assert dict(plan.scheme.labels) == {"lesion": 1}
    row = results[1]["case"]
    assert (row["case"], row["patient"], row["split"], row["licence"]) == ("fdg  1", "fdg  1", "train", "CC BY 4.0")
    volumes = results[1]["volumes"]
    assert [(v["role"], v["unit"]) for v in volumes] == [("ct", "HU"), ("pet", "SUVbw"), ("lesions", "label")]
    assert volumes[1]["path"] == str(root / "imagesTr" / "fdg  1_0001.nii.gz")
    assert volumes[1]["shape"] == list(SHAPE) and volumes[1]["orientation"] == "LPS"
    assert volumes[1]["bytes"] == Path(volumes[1]["path"]).stat().st_size
    assert json.loads(volumes[1]["scale"])["slope"] == 1.0 and "'PET'" in json.loads(volumes[1]["scale"])["rule"]
    assert (volumes[2]["state"], volumes[2]["scale"], volumes[0]["state"]) == ("original", None, None)


def test_a_case_sheet_adds_facts_and_names_what_it_does_not_know(tmp_path: Path):
    root = folder(tmp_path, "a", "b")
    (root / "cases.csv").write_text("case,patient,tracer,centre,age_years,scanner\na,P7,FDG,UKT,61,mCT\nz,P9,,,,\n")
    plan, _, refused = plan_and_convert(root)
    assert refused == {}
    a, b = plan.cases
    assert a.patient == a.row["patient"] == "P7"
    assert (a.row["tracer"], a.row["centre"], a.row["age_years"], a.row["scanner"]) == ("FDG", "UKT", 61.0, "mCT")
    assert b.patient == "b" and "tracer" not in b.row
    assert [(f["rule"], f["path"]) for f in a.findings] == [("case_sheet_unknown_case", "cases.csv")]
    assert "'z'" in a.findings[0]["evidence"]


def test_a_changed_file_label_or_fact_changes_the_key(tmp_path: Path):
    root = folder(tmp_path, "a")

    def key() -> tuple[Any, ...]:
        return NnunetSource().plan(root).cases[0].key_parts()

    first = key()
    assert key() == first
    put(image_path(root, "a", 1), 2.0, dtype=np.float64)
    second = key()
    assert second != first
    (root / "cases.csv").write_text("case,tracer\na,PSMA\n")
    assert key() != second


def test_two_channels_named_ct_are_a_warning_and_not_a_guess(tmp_path: Path):
    root = folder(tmp_path, "a", dataset=RawDataset({0: "CT", 1: "CT"}, {"tumor": (1,)}))
    plan, results, _ = plan_and_convert(root)
    assert [v["role"] for v in results[0]["volumes"]] == ["ct", "ct.2", "lesions"]
    assert [v["unit"] for v in results[0]["volumes"]] == ["HU", "HU", "label"]
    (finding,) = plan.cases[0].findings
    assert (finding["rule"], finding["severity"], finding["case"]) == ("nnunet_channel_names", "warning", None)


def test_lesions_among_organs_are_reported(tmp_path: Path):
    root = folder(tmp_path, "a", dataset=RawDataset({0: "CT", 1: "PT"}, {"kidney": (1,), "tumor": (2,)}))
    plan, results, _ = plan_and_convert(root)
    assert [v["role"] for v in results[0]["volumes"]] == ["ct", "pet", "organs"]
    assert [(f["rule"], f["severity"]) for f in plan.cases[0].findings] == [("nnunet_lesions_among_organs", "info")]


def test_test_cases_and_unlabelled_cases_are_kept(tmp_path: Path):
    root = folder(tmp_path, "a")
    add_case(root, "t", split="test")
    for case, split in (("a", "train"), ("t", "test")):
        label_path(root, case, split=split).unlink()
    plan, results, refused = plan_and_convert(root)
    assert [(case.case, case.row["split"]) for case in plan.cases] == [("a", "train"), ("t", "test")]
    assert all([v["role"] for v in result["volumes"]] == ["ct", "pet"] for result in results)
    assert [[f["rule"] for f in case.findings] for case in plan.cases] == [["nnunet_no_label"], []]
    assert refused == {}


def test_a_missing_channel_refuses_the_case_with_all_its_files(tmp_path: Path):
    root = folder(tmp_path, "a", "b")
    image_path(root, "b", 1).unlink()
    plan, _, refused = plan_and_convert(root)
    assert [case.case for case in plan.cases] == ["a"]
    assert refused == {"imagesTr/b_0000.nii.gz": "missing channel", "labelsTr/b.nii.gz": "missing channel"}
    assert "0001 (PET)" in plan.refused[0]["detail"]


def shifted() -> np.ndarray:
    affine = AFFINE.copy()
    affine[0, 3] += 0.02
    return affine


def break_mask_grid(root: Path) -> str:
    put(label_path(root, "a"), 1, affine=shifted(), dtype=np.uint8)
    return "labelsTr/a.nii.gz"


def break_pet_grid(root: Path) -> str:
    put(image_path(root, "a", 1), 1, affine=shifted())
    return "imagesTr/a_0001.nii.gz"


def break_affine(root: Path) -> str:
    path = image_path(root, "a", 1)
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[280:284] = struct.pack("<f", float("nan"))  # srow_x[0]
    path.write_bytes(gzip.compress(bytes(data)))
    return "imagesTr/a_0001.nii.gz"


def cut_short(root: Path) -> str:
    path = image_path(root, "a", 0)
    path.write_bytes(path.read_bytes()[:-12])
    return "imagesTr/a_0000.nii.gz"


def no_image(root: Path) -> str:
    image_path(root, "a", 0).write_text("version https://git-lfs.github.com/spec/v1\n")
    return "imagesTr/a_0000.nii.gz"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (break_mask_grid, "other grid"),
        (break_pet_grid, "other grid"),
        (break_affine, "impossible grid"),
        (cut_short, "unreadable"),
        (no_image, "unreadable"),
    ],
)
def test_a_damaged_file_refuses_its_case_and_no_other(tmp_path: Path, damage, reason: str):
    root = folder(tmp_path, "a", "b")
    culprit = damage(root)
    _, results, refused = plan_and_convert(root)
    assert [result["case"] and result["case"]["case"] for result in results] == [None, "b"]
    assert refused.pop(culprit) == reason
    assert sorted(refused.values()) == ["case refused", "case refused"]
    rows = {row["path"]: row["detail"] for row in results[0]["refused"]}
    assert Path(culprit).name in rows[culprit]
    assert all(f"{Path(culprit).name} is refused ({reason})" in rows[path] for path in refused)
    assert results[0]["volumes"] == []


def test_files_that_no_case_uses_are_refused_with_their_reason(tmp_path: Path):
    root = folder(tmp_path, "a")
    add_case(root, "a", split="test")
    put(label_path(root, "orphan"))
    put(image_path(root, "a", 7))
    (root / "splits_final.json").write_text("[]")
    (root / "imagesTr" / "b_0000.nii.gz").symlink_to(root / "gone.nii.gz")
    _, _, refused = plan_and_convert(root)
    assert refused == {
        "imagesTr/a_0007.nii.gz": "unknown channel",
        "imagesTr/b_0000.nii.gz": "unreadable",
        "imagesTs/a_0000.nii.gz": "duplicate case",
        "imagesTs/a_0001.nii.gz": "duplicate case",
        "labelsTr/orphan.nii.gz": "no images",
        "labelsTs/a.nii.gz": "duplicate case",
        "splits_final.json": "not part of the layout",
    }


def test_metaimages_are_read_too(tmp_path: Path):
    write_dataset(tmp_path, RawDataset({0: "SUV"}, {"lesion": (1,)}, ".mha"), training_cases=1)
    put(image_path(tmp_path, "a", 0, ending=".mha"), 3.0, dtype=np.float32)
    put(image_path(tmp_path, "b", 0, ending=".mha"), 3.0, dtype=np.float32)
    path = image_path(tmp_path, "b", 0, ending=".mha")
    path.write_bytes(path.read_bytes()[:-30])
    _, results, refused = plan_and_convert(tmp_path)
    assert [v["role"] for v in results[0]["volumes"]] == ["pet"]
    assert refused == {"imagesTr/b_0000.mha": "unreadable"}


def test_ids_are_decoded_only_if_they_were_encoded(tmp_path: Path):
    root = folder(tmp_path, "a/b")
    put(root / "imagesTr" / "c%2f_0000.nii.gz")
    put(root / "imagesTr" / "c%2f_0001.nii.gz")
    plan, _, _ = plan_and_convert(root)
    assert [case.case for case in plan.cases] == ["a/b", "c%2f"]


def test_folders_that_are_no_data_set_are_refused(tmp_path: Path):
    with pytest.raises(FormatError, match=r"no dataset\.json"):
        NnunetSource().plan(tmp_path)
    folder(tmp_path)
    plan, _, _ = plan_and_convert(tmp_path)
    assert plan.cases == ()
    with pytest.raises(SettingsError, match="GTV"):
        NnunetSource().plan(tmp_path, roi=["GTV"])
    write_dataset(tmp_path, RawDataset({0: "CT"}, {"a": (1,), "b": (1,)}), training_cases=0)
    with pytest.raises(LabelError):
        NnunetSource().plan(tmp_path)


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (("ct", "Pet"), ["ct", "pet"]),
        (("PT", " SUV "), ["pet", "pet.2"]),
        (("CT", "CT", "CT"), ["ct", "ct.2", "ct.3"]),
        (("T1 (Gd)", ""), ["t1%20%28gd%29", "channel_1"]),
    ],
)
def test_channel_names_are_roles(names: tuple[str, ...], roles: list[str]):
    assert list(channel_roles(RawDataset(dict(enumerate(names)), {})).values()) == roles


def test_label_names_decide_between_lesions_and_organs():
    def role(*names: str) -> str:
        return label_role(RawDataset({}, {name: (value,) for value, name in enumerate(names, start=1)}))

    assert role("GTVp", "GTVn", "ignore") == role("Liver metastasis") == "lesions"
    assert role("liver") == role("liver", "liver_tumor") == role() == "organs"


def test_regions_become_groups_of_labels():
    scheme = label_scheme(RawDataset({}, {"whole": (1, 2, 3), "core": (2, 3), "enhancing": (3,)}, facts={"name": "B"}))
    assert scheme.name == "B"
    assert dict(scheme.labels) == {"enhancing": 3, "label_1": 1, "label_2": 2}
    assert scheme.groups == {"whole": ("label_1", "label_2", "enhancing"), "core": ("label_2", "enhancing")}


def recorded(root: Path, *names: str, **changes: Any) -> Path:
    """A folder of one case beside the record of an export with CT and PET in Bq/ml."""
    channels = {
        "0": {"name": "CT", "role": "ct", "unit": "HU"},
        "1": {"name": "noNorm", "role": "pet", "unit": "Bq/ml"},
    }
    record = {"type": "oncohort.nnunet_export", "channels": channels, "cases": {"a": {"patient": "P7"}}, **changes}
    folder(root, "a", dataset=RawDataset(dict(enumerate(names)), {"lesion": (1,)}))
    (root / "oncohort.json").write_text(json.dumps(record))
    return root


def test_the_record_of_an_export_says_what_channel_names_do_not(tmp_path: Path):
    plan, results, refused = plan_and_convert(recorded(tmp_path, "CT", "noNorm"))
    assert [(v["role"], v["unit"]) for v in results[0]["volumes"]][:2] == [("ct", "HU"), ("pet", "Bq/ml")]
    assert plan.cases[0].patient == plan.cases[0].row["patient"] == "P7"
    assert not plan.cases[0].findings
    assert not refused


def test_a_record_of_other_channels_is_not_believed(tmp_path: Path):
    plan, results, _ = plan_and_convert(recorded(tmp_path, "noNorm", "CT"))
    assert [v["role"] for v in results[0]["volumes"]][:2] == ["nonorm", "ct"]
    assert [finding["rule"] for finding in plan.cases[0].findings] == ["nnunet_record"]
    assert plan.cases[0].patient == "a"


CHANNEL = {"name": "CT", "role": "ct", "unit": "HU"}


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": {"0": {"name": "CT", "role": "ct"}}},
        {"channels": {"0": {**CHANNEL, "role": "../ct"}}},
        {"channels": {"0": {**CHANNEL, "unit": "label"}}},
        {"channels": {"0": {**CHANNEL, "unit": "ml"}}},
        {"channels": {"0": CHANNEL, "1": CHANNEL}},
        {"channels": {"first": CHANNEL}},
        {"channels": []},
        {"cases": {"a": {"patient": 7}}},
        {"cases": {"a": "P7"}},
    ],
)
def test_a_damaged_record_is_told(tmp_path: Path, changes: Any):
    root = recorded(tmp_path, "CT", "noNorm", **changes)
    with pytest.raises(FormatError, match=r"oncohort\.json"):
        NnunetSource().plan(root)


@pytest.mark.parametrize("text", ["[]", '{"type": "oncohort.other"}', '{"type": "oncohort.nnunet_export"}'])
def test_another_file_of_this_name_is_no_record(tmp_path: Path, text: str):
    (folder(tmp_path, "a") / "oncohort.json").write_text(text)
    _, _, refused = plan_and_convert(tmp_path)
    assert refused == {"oncohort.json": "not part of the layout"}
