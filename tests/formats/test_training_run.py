"""The record of a training: read as it was written, and refused when somebody changed it."""

import hashlib
import json
from dataclasses import replace

import pytest

from oncohort.errors import FormatError
from oncohort.formats.training_run import (
    CURVES_FILE,
    RUN_FILE,
    CurvePoint,
    LockedCase,
    TrainedFold,
    TrainingRun,
    read_curves,
    read_training_run,
    write_curves,
    write_training_run,
)

FOLDS = (
    TrainedFold("0", ("A", "B/1"), ("C",), 3, "nnUNet/fold_0/checkpoint_final.pth", "a" * 64, 12.5, 812.0),
    TrainedFold(
        "1",
        ("C",),
        ("A", "B/1"),
        3,
        "nnUNet/fold_1/checkpoint_final.pth",
        "b" * 64,
        11.0,
        None,
        {"checkpoint_final.pth": "b" * 64, "checkpoint_best.pth": "f" * 64},
    ),
)
RUN = TrainingRun(
    model="nnunet",
    settings={"epochs": 3, "patch_size": [16, 16, 8], "union": None},
    cohort="sarcoma \u00fc",
    lock={
        "A": LockedCase("a", {"ct": "1" * 64, "pet": "2" * 64}),
        "B/1": LockedCase("b", {"ct": "3" * 64, "pet": "4" * 64}),
        "C": LockedCase("c", {"ct": "5" * 64, "pet": "6" * 64}),
        "T": LockedCase("t", {"ct": "7" * 64, "pet": "8" * 64}),
    },
    split="c" * 64,
    test=("T",),
    channels=("ct", "pet"),
    units={"ct": "HU", "pet": "SUVbw"},
    label_scheme={"name": "lesion", "labels": {"lesion": 1}},
    labels={"original": {"lesion": 1}, "exported": {"lesion": 1}, "dropped": []},
    folder="nnUNet",
    files={"nnUNet/plans.json": "d" * 64, "nnUNet/dataset.json": "e" * 64},
    folds=FOLDS,
    versions={"oncohort": "0.1.0", "python": "3.11"},
    created_at="2026-01-02T03:04:05+00:00",
)


def test_what_is_written_is_read(tmp_path):
    write_training_run(tmp_path, RUN)
    assert read_training_run(tmp_path) == RUN
    without = replace(
        RUN, split=None, test=(), folds=(TrainedFold("all", ("A", "C"), (), 0, "c.pth", "0" * 64, 0, None),)
    )
    write_training_run(tmp_path, without)
    assert read_training_run(tmp_path) == without


def test_the_file_says_type_and_version_and_the_hash_of_the_lock(tmp_path):
    write_training_run(tmp_path, RUN)
    values = json.loads((tmp_path / RUN_FILE).read_text())
    assert list(values)[:2] == ["type", "format_version"]
    assert (values["type"], values["format_version"]) == ("oncohort.training_run", "1.0")
    assert values["lock_hash"] == RUN.lock_hash
    turned = replace(RUN, lock=dict(reversed(RUN.lock.items())))
    assert turned.lock_hash == RUN.lock_hash
    other = replace(RUN, lock={**RUN.lock, "A": LockedCase("a", {"ct": "9" * 64, "pet": "2" * 64})})
    assert other.lock_hash != RUN.lock_hash


def written_with(folder, *places, value):
    """`run.json` with one value changed; `places` lead to it."""
    write_training_run(folder, RUN)
    values = json.loads((folder / RUN_FILE).read_text())
    found = values
    for place in places[:-1]:
        found = found[place]
    if value is KeyError:
        del found[places[-1]]
    else:
        found[places[-1]] = value
    (folder / RUN_FILE).write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("places", "value"),
    [
        (("lock", "A", "patient"), "z"),
        (("lock", "A", "files", "pet"), "9" * 64),
        (("lock", "T"), KeyError),
        (("lock", "new"), {"patient": "n", "files": {}}),
        (("lock_hash",), "0" * 64),
        (("lock_hash",), KeyError),
    ],
)
def test_an_edited_lock_is_noticed(tmp_path, places, value):
    written_with(tmp_path, *places, value=value)
    with pytest.raises(FormatError, match="lock_hash that does not fit"):
        read_training_run(tmp_path)


@pytest.mark.parametrize(
    ("places", "value"),
    [
        (("model",), "nnunet 2"),
        (("settings", "epochs"), 4),
        (("cohort",), "lymphoma"),
        (("split",), None),
        (("test",), []),
        (("channels",), ["pet", "ct"]),
        (("units", "pet"), "Bq/ml"),
        (("label_scheme", "labels", "lesion"), 2),
        (("labels", "exported", "lesion"), 2),
        (("folder",), "other"),
        (("files", "nnUNet/plans.json"), "0" * 64),
        (("folds", 0, "trained"), ["A"]),
        (("folds", 0, "held_out"), ["C", "B/1"]),
        (("folds", 0, "epochs"), 4),
        (("folds", 0, "checkpoint"), "nnUNet/fold_1/checkpoint_final.pth"),
        (("folds", 0, "sha256"), "0" * 64),
        (("folds", 0, "fold"), "7"),
        (("folds", 0, "seconds"), 1.0),
        (("folds", 0, "peak_memory_mib"), None),
        (("folds", 1, "checkpoints", "checkpoint_best.pth"), "0" * 64),
        (("folds", 1, "checkpoints", "checkpoint_best.pth"), KeyError),
        (("folds", 1, "checkpoints"), KeyError),
        (("folds",), []),
        (("left_out",), {"X": "no image"}),
        (("record_hash",), "0" * 64),
        (("record_hash",), KeyError),
    ],
)
def test_an_edited_record_is_noticed(tmp_path, places, value):
    written_with(tmp_path, *places, value=value)
    with pytest.raises(FormatError, match=r"record_hash that does not fit.*the file was edited"):
        read_training_run(tmp_path)


def test_the_record_hash_is_the_one_that_the_format_describes(tmp_path):
    write_training_run(tmp_path, RUN)
    values = json.loads((tmp_path / RUN_FILE).read_text())
    aside = ("type", "format_version", "versions", "created_at", "record_hash", "lock")
    hashed = [{key: value for key, value in values.items() if key not in aside}]
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    assert values["record_hash"] == hashlib.sha256(text.encode()).hexdigest()


def test_units_are_those_of_the_channels(tmp_path):
    for units in ({"ct": "HU"}, {"ct": "HU", "pet": "SUVbw", "mr": "1"}, {"ct": "HU", "pet": 7}):
        written_with(tmp_path, "units", value=units)
        with pytest.raises(FormatError, match=r"units of other roles|instead of text"):
            read_training_run(tmp_path)


OUTSIDE = [
    "/etc/passwd",
    "../other/c.pth",
    "a/../../c.pth",
    "..\\c.pth",
    "C:\\c.pth",
    "C:c.pth",
    "\\\\host\\c",
    "",
    "a\0b",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_paths_that_leave_the_folder_are_refused(tmp_path, path):
    for places in (("folder",), ("folds", 0, "checkpoint")):
        written_with(tmp_path, *places, value=path)
        with pytest.raises(FormatError, match="below the folder of the run"):
            read_training_run(tmp_path)
    written_with(tmp_path, "files", value={path: "0" * 64})
    with pytest.raises(FormatError, match="below the folder of the run"):
        read_training_run(tmp_path)


@pytest.mark.parametrize(
    "name", ["model", "settings", "lock", "channels", "units", "folder", "files", "folds", "labels", "split"]
)
@pytest.mark.parametrize("value", [KeyError, 7, [7], {"a": 7}, [[]], True])
def test_values_of_another_kind_are_refused(tmp_path, name, value):
    if name in ("settings", "labels") and value == {"a": 7}:
        return
    written_with(tmp_path, name, value=value)
    with pytest.raises(FormatError):
        read_training_run(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fold", "../1"),
        ("fold", "\u0661"),
        ("fold", "1"),
        ("fold", 0),
        ("epochs", -1),
        ("epochs", 1.5),
        ("epochs", True),
        ("seconds", float("nan")),
        ("seconds", -1),
        ("seconds", 10**400),
        ("peak_memory_mib", "much"),
        ("sha256", "A" * 64),
        ("sha256", "a" * 63),
        ("trained", "A"),
        ("trained", ["A", "unknown"]),
        ("held_out", ["unknown"]),
    ],
)
def test_a_fold_with_an_impossible_value_is_refused(tmp_path, name, value):
    written_with(tmp_path, "folds", 0, name, value=value)
    with pytest.raises(FormatError):
        read_training_run(tmp_path)


@pytest.mark.parametrize(
    "checkpoints",
    [
        ["checkpoint_final.pth"],
        {"checkpoint_best.pth": "f" * 64},
        {"checkpoint_final.pth": "f" * 64},
        {"checkpoint_final.pth": "b" * 64, "../checkpoint_best.pth": "f" * 64},
        {"checkpoint_final.pth": "b" * 64, "a/b.pth": "f" * 64},
        {"checkpoint_final.pth": "b" * 64, "a\\b.pth": "f" * 64},
        {"checkpoint_final.pth": "b" * 64, "checkpoint_best.pth": "f" * 63},
    ],
)
def test_checkpoints_of_a_fold_are_files_beside_each_other(tmp_path, checkpoints):
    written_with(tmp_path, "folds", 1, "checkpoints", value=checkpoints)
    with pytest.raises(FormatError) as error:
        read_training_run(tmp_path)
    assert "record_hash" not in str(error.value)


def test_a_record_from_before_all_checkpoints_were_kept_is_read(tmp_path):
    write_training_run(tmp_path, replace(RUN, folds=FOLDS[:1]))
    assert "checkpoints" not in json.loads((tmp_path / RUN_FILE).read_text())["folds"][0]
    assert read_training_run(tmp_path).folds[0].checkpoints == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "{}",
        "[" * 100_000,
        '{"type": "oncohort.training_run"}',
        '{"a": ' + "9" * 5000 + "}",
        "\xff",
    ],
)
def test_what_is_no_record_is_refused(tmp_path, text):
    (tmp_path / RUN_FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(FormatError):
        read_training_run(tmp_path)


def test_other_types_and_versions_are_refused(tmp_path):
    for name, value in (("type", "oncohort.scores"), ("format_version", "2.0"), ("format_version", None)):
        written_with(tmp_path, name, value=value)
        with pytest.raises(FormatError):
            read_training_run(tmp_path)
    written_with(tmp_path, "format_version", value="1.7")
    assert read_training_run(tmp_path) == RUN
    with pytest.raises(FormatError):
        read_training_run(tmp_path / "nowhere")
    with pytest.raises(FormatError, match="plain file"):
        (tmp_path / "x" / RUN_FILE).mkdir(parents=True)
        read_training_run(tmp_path / "x")


def test_a_file_without_end_is_not_read_to_its_end(tmp_path):
    (tmp_path / RUN_FILE).symlink_to("/dev/zero")
    with pytest.raises(FormatError, match="plain file"):
        read_training_run(tmp_path)


CURVES = {
    "0": [CurvePoint(1, 0.5, 0.25, (0.1, None), 0.01, 3.5), CurvePoint(2, None, -0.5, (), 0.005, 3.0)],
    "all": [],
}


def test_curves_come_back(tmp_path):
    assert read_curves(tmp_path) == {}
    write_curves(tmp_path, CURVES)
    assert read_curves(tmp_path) == CURVES


def test_what_is_not_finite_becomes_null(tmp_path):
    nan, inf = float("nan"), float("inf")
    write_curves(tmp_path, {"0": [CurvePoint(1, nan, inf, (-inf, 0.5), 0.01, 1.0)]})
    assert "NaN" not in (tmp_path / CURVES_FILE).read_text()
    assert read_curves(tmp_path) == {"0": [CurvePoint(1, None, None, (None, 0.5), 0.01, 1.0)]}
    point = '"epoch": 1, "train_loss": NaN, "validation_loss": -Infinity, "pseudo_dice": [NaN, null, 1]'
    (tmp_path / CURVES_FILE).write_text(f'{{"0": [{{{point}, "learning_rate": 0, "seconds": 2}}]}}')
    assert read_curves(tmp_path) == {"0": [CurvePoint(1, None, None, (None, None, 1.0), 0.0, 2.0)]}


POINT = {"epoch": 1, "train_loss": 1, "validation_loss": 1, "pseudo_dice": [], "learning_rate": 1, "seconds": 1}


@pytest.mark.parametrize(
    "values",
    [
        "",
        [],
        {"0": {}},
        {"0": [1]},
        {"0": [{}]},
        {"0": [{**POINT, "train_loss": "x"}]},
        {"0": [{**POINT, "pseudo_dice": 1}]},
        {"0": [{**POINT, "learning_rate": float("nan")}]},
        {"0": [{**POINT, "epoch": -1}]},
    ],
)
def test_what_are_no_curves_is_refused(tmp_path, values):
    (tmp_path / CURVES_FILE).write_text(json.dumps(values))
    with pytest.raises(FormatError, match=CURVES_FILE):
        read_curves(tmp_path)


def test_the_hash_of_the_lock_is_the_one_that_the_specification_describes():
    lock = {case: {"patient": found.patient, "files": dict(found.files)} for case, found in RUN.lock.items()}
    text = json.dumps([lock], sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == RUN.lock_hash
