"""Channels of nnU-Net that are drawn from prompts: voxels, states, origins, and the record of the encoding."""

import json

import numpy as np
import pytest
from memory_cohorts import GRID, cohort_of, ct, masks, pet
from scipy.ndimage import gaussian_filter

import oncohort
from oncohort import read_volume
from oncohort.errors import InputError, SettingsError
from oncohort.exporting import export_cohort
from oncohort.exports import Channel, NnunetExport, PromptDrawing, parse_channels
from oncohort.geometry import Geometry
from oncohort.phantoms.twins import write_twin
from oncohort.prompts import HeatMapEncoding, require_encoding
from oncohort.units import Unit
from oncohort.volume import Volume

FOUR = parse_channels("ct,pet,prompts.foreground,prompts.background")
BINARY = HeatMapEncoding("binary")


def click(case, polarity, point, step=1, **more):
    row = {"case": case, "volume": "pet", "step": step, "kind": "click", "polarity": polarity, "points": [point]}
    return {**row, "origin": None, "seconds": None, **more}


def cohort(prompts, volumes=None, cases=("a",)):
    own = {"ct": ct(), "pet": pet(), "lesions": masks(lesion=(0, 2, 0, 2, 0, 2)), **(volumes or {})}
    return cohort_of({case: own for case in cases}, prompts=prompts)


def exported(found, out, drawing, channels=FOUR, **choices):
    return export_cohort(found, NnunetExport(3, "P", channels, prompts=drawing, **choices), out=out)


def channel(done, number, stem="a"):
    return read_volume(done.folder / f"Dataset003_P/imagesTr/{stem}_{number:04d}.nii.gz")


def record_of(done):
    return json.loads((done.folder / "Dataset003_P/oncohort.json").read_text())


def test_channels_hold_the_points_up_to_the_step_on_the_grid_of_the_masks(tmp_path):
    prompts = [
        click("a", "foreground", [1, 2, 3]),
        click("a", "foreground", [4, 0, 1], step=2),
        click("a", "background", [5, 4, 0]),
        click("a", "background", [9, 9, 9]),
        click("a", "foreground", [0, 0, 0], kind="box", points=[[0, 0, 0], [2, 2, 2]]),
        click("b", "foreground", [3, 3, 3]),
    ]
    found = cohort(prompts, cases=("a", "b"))
    for step, places in ((None, [[1, 2, 3], [4, 0, 1]]), (2, [[1, 2, 3], [4, 0, 1]]), (1, [[1, 2, 3]])):
        done = exported(found, tmp_path / f"out{step}", PromptDrawing(BINARY, step), images="copy")
        assert done.failed == {}
        assert np.argwhere(channel(done, 2).array).tolist() == places
        assert np.argwhere(channel(done, 3).array).tolist() == [[5, 4, 0]]
        assert np.argwhere(channel(done, 2, "b").array).tolist() == [[3, 3, 3]]
        assert channel(done, 3, "b").array.max() == 0
        assert channel(done, 2).geometry.is_same_grid(GRID)
        assert channel(done, 2).array.dtype == np.float32
    maps = record_of(done)["cases"]["a"]["heat_maps"]
    encoding = {"encoding": "binary", "size": 0.0, "unit": "voxel", "scale": 1.0}
    assert maps["3"] == {**encoding, "polarity": "background", "points": 1, "outside": 1}
    assert record_of(done)["settings"]["prompts"] == {**encoding, "step": 1, "origin": None}


@pytest.mark.parametrize("text", ["gaussian:sigma=1.5", "gaussian:sigma=4,unit=mm,scale=50"])
def test_a_channel_is_the_filtered_impulses(tmp_path, text):
    points = [[1, 2, 3], [4, 4, 0], [1.4, 2.2, 2.6]]  # the last is nearest to the first
    prompts = [click("a", "foreground", point, step=number) for number, point in enumerate(points, 1)]
    done = exported(cohort(prompts), tmp_path / "out", PromptDrawing(HeatMapEncoding.from_text(text)))
    impulses = np.zeros(GRID.shape)
    impulses[1, 2, 3] = impulses[4, 4, 0] = 1
    sigma, scale = ((4 / 2, 4 / 2, 4 / 3), 50) if "mm" in text else (1.5, 1)
    expected = scale * gaussian_filter(impulses, sigma)
    assert np.allclose(channel(done, 2).array, expected, atol=1e-6 * scale)
    assert channel(done, 3).array.max() == 0


def test_drawn_channels_are_written_and_no_channel_of_prompts_is_normalised(tmp_path):
    done = exported(cohort([click("a", "foreground", [1, 2, 3])]), tmp_path / "out", PromptDrawing(BINARY))
    dataset = json.loads((done.folder / "Dataset003_P/dataset.json").read_text())
    assert dataset["channel_names"] == {"0": "CT", "1": "noNorm", "2": "noNorm", "3": "noNorm"}
    written = dataset["dataset"]["a"]["images"]
    assert written[2:] == ["imagesTr/a_0002.nii.gz", "imagesTr/a_0003.nii.gz"]


def test_a_case_without_prompts_is_refused_unless_the_state_is_0(tmp_path):
    found = cohort([click("a", "background", [1, 2, 3])], cases=("a", "b"))
    done = exported(found, tmp_path / "all", PromptDrawing(BINARY))
    assert done.cases == ("a",)  # whose foreground is empty: a case without lesions has background clicks alone
    assert "clicks or scribbles" in done.failed["b"]
    assert not list(done.folder.rglob("b_*"))
    edt = PromptDrawing(HeatMapEncoding("edt", 5.0), step=0)
    for name, asked in (("none", cohort([])), ("zero", found)):
        done = exported(asked, tmp_path / name, edt)
        assert done.failed == {}
        assert np.unique(channel(done, 2).array).tolist() == [5.0]
    with pytest.raises(SettingsError, match=r"prompts\.parquet"):
        exported(cohort([]), tmp_path / "never", PromptDrawing(BINARY))


def test_prompts_of_several_origins_are_not_mixed(tmp_path):
    prompts = [
        click("a", "foreground", [1, 2, 3], origin="R1"),
        click("a", "foreground", [2, 2, 2], origin="R2"),
    ]
    with pytest.raises(SettingsError, match="R1, R2"):
        exported(cohort(prompts), tmp_path / "mixed", PromptDrawing(BINARY))
    with pytest.raises(SettingsError, match="'R3'"):
        exported(cohort(prompts), tmp_path / "unknown", PromptDrawing(BINARY, origin="R3"))
    done = exported(cohort(prompts), tmp_path / "one", PromptDrawing(BINARY, origin="R2"))
    assert np.argwhere(channel(done, 2).array).tolist() == [[2, 2, 2]]
    half = [click("a", "foreground", [1, 2, 3]), prompts[1]]
    with pytest.raises(SettingsError, match="some without"):
        exported(cohort(half), tmp_path / "half", PromptDrawing(BINARY))


def test_points_on_another_grid_than_the_masks_are_refused(tmp_path):
    other = Geometry(GRID.shape, np.diag([1.0, 1.0, 1.0, 1.0]))
    found = cohort([click("a", "foreground", [1, 2, 3])], volumes={"pet": pet(other)})
    with pytest.raises(InputError, match="the pet that its prompts index"):
        exported(found, tmp_path / "out", PromptDrawing(BINARY), parse_channels("ct,prompts.foreground"))
    gone = cohort([click("a", "foreground", [1, 2, 3], volume="suv")])
    with pytest.raises(InputError, match="'suv'"):
        exported(gone, tmp_path / "gone", PromptDrawing(BINARY))


def test_prompts_that_change_are_drawn_again_and_others_are_not(tmp_path):
    prompts = [click("a", "foreground", [1, 2, 3]), click("b", "foreground", [1, 2, 3])]
    exported(cohort(prompts, cases=("a", "b")), tmp_path / "out", PromptDrawing(BINARY))
    files = [tmp_path / f"out/Dataset003_P/imagesTr/{case}_0002.nii.gz" for case in "ab"]
    before = [path.stat().st_mtime_ns for path in files]
    prompts[0]["points"] = [[3, 3, 3]]
    done = exported(cohort(prompts, cases=("a", "b")), tmp_path / "out", PromptDrawing(BINARY))
    assert np.argwhere(channel(done, 2).array).tolist() == [[3, 3, 3]]
    assert files[1].stat().st_mtime_ns == before[1]


def shipped(record):
    array = np.zeros(GRID.shape, np.float32)
    array[2, 2, 2] = 1
    return Volume.from_array(array, GRID, Unit.NONE, record)


def test_shipped_heat_maps_are_channels_and_must_be_in_the_declared_encoding(tmp_path):
    record = {"rule": "heat map of prompts", "encoding": None, "polarity": "foreground"}
    channels = parse_channels("pet,foreground_prompts")
    found = cohort([], volumes={"foreground_prompts": shipped(record)})
    done = exported(found, tmp_path / "as_they_are", None, channels, images="copy")
    assert np.argwhere(channel(done, 1).array).tolist() == [[2, 2, 2]]
    assert record_of(done)["cases"]["a"]["heat_maps"] == {"1": record}
    assert json.loads((done.folder / "Dataset003_P/dataset.json").read_text())["channel_names"]["1"] == "noNorm"
    with pytest.raises(InputError, match="heat map drawn as"):
        exported(found, tmp_path / "unknown", PromptDrawing(BINARY), channels)
    known = cohort([], volumes={"foreground_prompts": shipped({**record, **BINARY.to_record()})})
    assert exported(known, tmp_path / "known", PromptDrawing(BINARY), channels).failed == {}


def test_channels_are_named_by_words():
    assert parse_channels("ct,pet=ct, mr=z-score") == (
        Channel("ct", "ct"),
        Channel("pet", "ct"),
        Channel("mr", "z-score"),
    )
    assert [one.polarity for one in FOUR] == [None, None, "foreground", "background"]
    assert [one.normalisation for one in FOUR] == ["ct", "none", "none", "none"]
    for text in ("prompts", "prompts.tumor", "pet=", "=ct", "pet=ZScore", "mr"):
        with pytest.raises(SettingsError):
            parse_channels(text)
    with pytest.raises(SettingsError, match="--prompt-encoding"):
        NnunetExport(3, "P", FOUR)
    with pytest.raises(SettingsError, match="step of 0"):
        PromptDrawing(BINARY, step=-1)


def test_the_twin_of_autopet_with_its_clicks(tmp_path):
    """Every channel against impulses at the points of the published kind of file; the record is read back."""
    twin = write_twin("autopet", tmp_path / "twin", cases=3, size="tiny")
    found = oncohort.ingest("autopet", twin.data, out=tmp_path / "cohort")
    encoding = HeatMapEncoding("gaussian", 2.0)
    with pytest.raises(SettingsError, match="autoPET IV clicks, autoPET V scribbles"):
        exported(found, tmp_path / "mixed", PromptDrawing(encoding))
    drawing = PromptDrawing(encoding, step=4, origin="autoPET IV clicks")
    done = exported(found, tmp_path / "raw", drawing)
    assert done.failed == {}
    record = record_of(done)
    declared = HeatMapEncoding.from_record(record["settings"]["prompts"])
    without_lesions = 0
    for case in found:
        clicks = json.loads(next((twin.data).rglob(f"{case.id}_clicks.json")).read_text())
        for number, (name, polarity) in enumerate((("tumor", "foreground"), ("background", "background")), start=2):
            impulses = np.zeros(case.label_map("lesions").geometry.shape)
            for point in clicks.get(name, [])[:4]:
                impulses[tuple(point)] = 1
            array = channel(done, number, record["cases"][case.id]["stem"]).array
            assert np.allclose(array, gaussian_filter(impulses, 2.0), atol=1e-6)
            facts = record["cases"][case.id]["heat_maps"][str(number)]
            assert facts["points"] == int(impulses.sum())
            require_encoding(facts, declared, polarity=polarity, where=case.id)
            with pytest.raises(InputError):
                require_encoding(facts, HeatMapEncoding("gaussian", 3.0), polarity=polarity, where=case.id)
            without_lesions += not impulses.any()
    assert without_lesions == 1
