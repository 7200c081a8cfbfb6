"""TotalSegmentator and MOOSE: called as their sources say, their labels translated, their failures told.

The programs are fakes: see the heads of `fake_totalsegmentator.py` and `fake_moose.py`.
"""

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from oncohort.cohort import Case
from oncohort.compute import Measured
from oncohort.errors import (
    FormatError,
    GeometryError,
    LabelError,
    MissingNeedError,
    PredictionError,
    SettingsError,
)
from oncohort.formats import read_label_map, read_volume
from oncohort.labels import LabelScheme
from oncohort.layouts import totalsegmentator
from oncohort.layouts.labels import scheme
from oncohort.segmentation import segment
from oncohort.segmenters import make_segmenter
from oncohort.units import Unit
from segmenters.installed import GRID, cohort_of, ct_case, install
from small_cohorts import CT_GRID, write_small_cohort

TOTAL = {"segmenter": "totalsegmentator"}
MOOSE = {"segmenter": "moose"}


@pytest.fixture
def installed(monkeypatch, tmp_path):
    return install(monkeypatch, tmp_path / "bin")


def hu(case):
    return case.image("ct").array


def expected_total(array):
    """The fake's mask by hand: spleen from -200, liver from 0, costal cartilages from 100, spinal cord from 200 HU."""
    return np.select([array >= 200, array >= 100, array >= 0, array >= -200], [79, 117, 5, 1], 0)


def test_labels_of_totalsegmentator_become_those_of_the_cohort(installed):
    cohort = cohort_of({"liver": 2, "spleen": 300, "mass": 4})
    case = ct_case()
    found = make_segmenter(TOTAL).prepared(cohort).predict(case)
    tool = expected_total(hu(case))
    assert np.array_equal(found.mask.layers[0].array, np.select([tool == 5, tool == 1], [2, 300], 0))
    assert (found.mask.scheme, found.mask.geometry) == (cohort.scheme, GRID)
    assert found.notes == ("labels that the cohort does not know became background: spinal_cord, costal_cartilages",)
    assert found.facts == {"tool": "TotalSegmentator 2.18.0", "task": "total"}
    assert isinstance(found.measured, Measured)
    assert found.measured.seconds > 0 and found.measured.peak_memory_mib > 5


def test_own_labels_are_kept_with_their_names(installed):
    case = ct_case()
    found = make_segmenter({**TOTAL, "labels": "own"}).prepared(cohort_of({"mass": 1})).predict(case)
    assert np.array_equal(found.mask.layers[0].array, expected_total(hu(case)))
    assert found.mask.scheme.labels["costal_cartilages"] == 117
    assert found.notes == ()


def test_aliases_published_names_and_parts_are_found(installed):
    cohort = cohort_of({"milt": 9, "kidney": 3}, aliases={"spleen": "milt"})
    labels = make_segmenter(TOTAL).prepared(cohort).labels
    assert labels.values == {1: 9, 2: 3, 3: 3}


def test_totalsegmentator_is_called_as_documented(installed, monkeypatch, tmp_path):
    monkeypatch.setenv("FAKE_CALLS", str(tmp_path / "calls"))
    settings = {**TOTAL, "fast": True, "device": "cuda:1", "task": "liver_lesions", "labels": "own"}
    make_segmenter(settings).prepared(cohort_of({"mass": 1})).predict(ct_case())
    make_segmenter(TOTAL).prepared(cohort_of({"liver": 1})).predict(ct_case())
    first, second = (json.loads(line) for line in (tmp_path / "calls").read_text().splitlines())
    assert first[4:] == ["--ml", "--task", "liver_lesions", "--quiet", "--fast", "--device", "gpu:1"]
    assert second[4:] == ["--ml", "--task", "total", "--quiet"]
    assert first[1].endswith("/ct.nii.gz") and first[3].endswith("/mask.nii.gz")
    assert not Path(first[1]).parent.exists()


@pytest.mark.parametrize(
    ("word", "error", "told"),
    [
        ("fails", PredictionError, "status 1: CUDA out of memory"),
        ("no-file", PredictionError, "a mask, found no file"),
        ("shifted", GeometryError, "3"),
        ("undeclared", LabelError, "60"),
    ],
)
def test_what_totalsegmentator_does_wrong_is_told(installed, monkeypatch, word, error, told):
    ready = make_segmenter(TOTAL).prepared(cohort_of({"liver": 1}))
    monkeypatch.setenv("FAKE_TOOL", word)
    with pytest.raises(error, match=told) as caught:
        ready.predict(ct_case())
    assert "case A" in caught.value.where


def test_a_hanging_tool_is_stopped_with_what_it_started(installed, monkeypatch, tmp_path):
    ready = make_segmenter({**TOTAL, "timeout_s": 3}).prepared(cohort_of({"liver": 1}))
    monkeypatch.setenv("FAKE_TOOL", "hangs")
    monkeypatch.setenv("FAKE_CALLS", str(tmp_path / "child"))
    with pytest.raises(PredictionError, match="within 3 s"):
        ready.predict(ct_case())
    assert_ended(int((tmp_path / "child").read_text()))


def assert_ended(process):
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().split()[2]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.05)
    pytest.fail(f"process {process} runs on")


@pytest.mark.parametrize(
    ("settings", "labels", "error", "told"),
    [
        ({}, {"lesion": 1}, LabelError, "labels=own"),
        ({"task": "total_mr"}, {"liver": 1}, SettingsError, "total, liver_lesions"),
        ({"task": "totl"}, {"liver": 1}, SettingsError, "'totl'"),
    ],
)
def test_what_totalsegmentator_cannot_do_for_a_cohort_is_refused_at_once(installed, settings, labels, error, told):
    with pytest.raises(error, match=told):
        make_segmenter({**TOTAL, **settings}).prepared(cohort_of(labels))


@pytest.mark.parametrize("word", ["silent", "garbage", "list", "info-fails"])
def test_an_installation_that_does_not_say_what_it_can_do_is_refused(installed, monkeypatch, word):
    monkeypatch.setenv("FAKE_TOOL", word)
    with pytest.raises(MissingNeedError, match="totalseg_info --json"):
        make_segmenter(TOTAL).prepared(cohort_of({"liver": 1}))


@pytest.mark.parametrize(
    ("settings", "package"), [(TOTAL, "pip install TotalSegmentator"), (MOOSE, "pip install moosez")]
)
def test_a_tool_that_is_not_there_is_refused_with_the_command_that_installs_it(
    monkeypatch, tmp_path, settings, package
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingNeedError, match=package):
        make_segmenter(settings).prepared(cohort_of({"liver": 1}))


def test_a_totalsegmentator_without_its_info_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    install(monkeypatch, tmp_path / "bin", ["TotalSegmentator"])
    with pytest.raises(MissingNeedError, match="upgrade TotalSegmentator"):
        make_segmenter(TOTAL).prepared(cohort_of({"liver": 1}))


@pytest.mark.parametrize("settings", [TOTAL, MOOSE])
def test_a_cohort_without_ct_is_refused(installed, settings):
    with pytest.raises(MissingNeedError, match=r"case with ct for .*found no ct .roles of images: pet"):
        make_segmenter(settings).prepared(cohort_of({"liver": 1}, roles=("pet",)))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({**TOTAL, "fast": "yes"}, "fast"),
        ({**TOTAL, "device": "gpu; rm"}, "device"),
        ({**TOTAL, "labels": "mine"}, "cohort, own"),
        ({**TOTAL, "timeout_s": 0}, "timeout_s"),
        ({**MOOSE, "models": ""}, "clin_ct_organs"),
        ({**MOOSE, "models": "clin_ct_organs clin_ct_organs"}, "each once"),
        ({**MOOSE, "models": "clin_pt_fdg_brain_v1"}, "clin_ct_organs"),
        ({**MOOSE, "models": 3}, "clin_ct_organs"),
        ({**MOOSE, "device": "cuda"}, "auto, cpu"),
        ({**MOOSE, "models": "clin_ct_organs,clin_ct_ribs", "labels": "own"}, "one model"),
    ],
)
def test_wrong_parameters_are_refused(settings, told):
    with pytest.raises(SettingsError, match=told):
        make_segmenter(settings)


def test_labels_of_moose_become_those_of_the_cohort(installed):
    cohort = cohort_of({"liver": 2, "urinary_bladder": 7})
    case = ct_case()
    found = make_segmenter(MOOSE).prepared(cohort).predict(case)
    array = hu(case)
    by_hand = np.select([array >= 200, array >= 0, array >= -200], [0, 2, 7], 0)
    assert np.array_equal(found.mask.layers[0].array, by_hand)
    assert found.notes == ("labels that the cohort does not know became background: brain",)
    assert found.facts == {"tool": "moosez 3.2.2", "models": ["clin_ct_organs"]}
    assert found.measured.peak_memory_mib > 5


def test_masks_of_several_models_that_overlap_are_layers(installed):
    cohort = cohort_of({"liver": 2, "sternum": 3})
    case = ct_case()
    found = make_segmenter({**MOOSE, "models": "clin_ct_organs, clin_ct_ribs"}).prepared(cohort).predict(case).mask
    array = hu(case)
    assert len(found.layers) == 2
    assert np.array_equal(found.mask("liver"), (array >= 0) & (array < 200))
    assert np.array_equal(found.mask("sternum"), array >= 150)


def test_own_labels_of_moose(installed):
    case = ct_case()
    found = make_segmenter({**MOOSE, "labels": "own"}).prepared(cohort_of({"mass": 1})).predict(case).mask
    assert dict(found.scheme.labels) == {"bladder": 3, "brain": 4, "liver": 8}
    assert np.array_equal(found.mask("brain"), hu(case) >= 200)


@pytest.mark.parametrize(
    ("word", "error", "told"),
    [
        ("fails", PredictionError, "Failed to download model"),
        ("outside", PredictionError, "clin_ct_body_composition, found no file; it said: .*All predictions done"),
        ("shifted", GeometryError, "2"),
        ("nameless", FormatError, "organ_indices.json"),
    ],
)
def test_what_moose_does_wrong_is_told(installed, monkeypatch, word, error, told):
    settings = {**MOOSE, "models": "clin_ct_organs clin_ct_body_composition"}
    ready = make_segmenter(settings).prepared(cohort_of({"liver": 1, "skeletal_muscle": 2}))
    monkeypatch.setenv("FAKE_TOOL", word)
    with pytest.raises(error, match=told):
        ready.predict(ct_case())


def test_moose_is_refused_where_the_cohort_knows_none_of_its_labels(installed):
    with pytest.raises(LabelError, match="labels=own"):
        make_segmenter({**MOOSE, "models": "clin_ct_ribs"}).prepared(cohort_of({"liver": 1}))


def test_a_cohort_is_segmented_and_one_bad_case_does_not_stop_the_others(installed, tmp_path, monkeypatch):
    cohort = write_small_cohort(tmp_path / "cohort", ("A", "B"), without=[("B", "ct")])
    done = segment(cohort, make_segmenter({**TOTAL, "labels": "own"}), out=tmp_path / "out")
    assert list(done.failed) == ["B"]
    mask = read_label_map(tmp_path / "out" / "A.nii.gz", done_scheme())
    assert mask.geometry == CT_GRID
    assert np.array_equal(mask.layers[0].array, expected_total(cohort["A"].image("ct").array))
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["labels"]["spinal_cord"] == 79
    assert "version='2.18.0'" in run["words"]


def done_scheme():
    return cohort_of({"liver": 5}).scheme


@pytest.mark.parametrize(
    ("settings", "labels", "held"),
    [
        (TOTAL, {"liver": 1, "tumour": 2, "kidney": 3}, {"liver": 1, "kidney": 3}),
        (MOOSE, {"liver": 2, "sternum": 3, "tumour": 4}, {"liver": 2}),
        (
            {**MOOSE, "models": "clin_ct_organs clin_ct_ribs"},
            {"liver": 2, "sternum": 3, "tumour": 4},
            {"liver": 2, "sternum": 3},
        ),
        ({**MOOSE, "labels": "own"}, {"tumour": 1}, {"bladder": 3, "brain": 4, "liver": 8}),
    ],
)
def test_the_record_lists_the_labels_that_the_masks_can_hold(installed, tmp_path, settings, labels, held):
    small = write_small_cohort(tmp_path / "cohort", ("A",))
    cohort = replace(small, scheme=LabelScheme("mine", labels))
    segment(cohort, make_segmenter(settings), out=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "run.json").read_text())["labels"] == held


def test_another_version_of_the_tool_makes_all_cases_anew(installed, tmp_path, monkeypatch):
    cohort = write_small_cohort(tmp_path / "cohort", ("A",))
    monkeypatch.setenv("FAKE_CALLS", str(tmp_path / "calls"))
    for version in ("2.18.0", "2.18.0", "2.19.0"):
        monkeypatch.setenv("FAKE_VERSION", version)
        segment(cohort, make_segmenter({**TOTAL, "labels": "own"}), out=tmp_path / "out")
    assert len((tmp_path / "calls").read_text().splitlines()) == 2


def test_a_failure_of_the_tool_is_tried_again_and_a_missing_image_is_not(installed, tmp_path, monkeypatch):
    cohort = write_small_cohort(tmp_path / "cohort", ("A", "B", "C"), without=[("B", "ct")])
    monkeypatch.setenv("FAKE_CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("FAKE_TOOL", "no-file")
    segmenter = make_segmenter({**TOTAL, "labels": "own"})
    with pytest.raises(MissingNeedError, match="3 cases without a mask"):
        segment(cohort, segmenter, out=tmp_path / "out")
    monkeypatch.setenv("FAKE_TOOL", "")
    assert list(segment(cohort, segmenter, out=tmp_path / "out").failed) == ["B"]
    assert len((tmp_path / "calls").read_text().splitlines()) == 4


@pytest.mark.real_data
def test_a_mask_that_the_real_program_wrote_is_translated(installed, monkeypatch, tmp_path, real_data):
    """The CT and its mask are those of the tests of TotalSegmentator; the mask names its labels itself."""
    folder = real_data("ct_organs")
    stored = nibabel.load(folder / "example_seg.nii.gz")
    tool = np.asanyarray(stored.dataobj)
    told = dict(re.findall(r'Key="(\d+)".*?CDATA\[(.*?)\]', stored.header.extensions[0].get_content().decode()))
    names = {str(value): name for value, name in enumerate(totalsegmentator.TOTAL, start=1)}
    assert told.items() <= names.items()
    (tmp_path / "total.json").write_text(json.dumps(names))
    monkeypatch.setenv("FAKE_TOTAL", str(tmp_path / "total.json"))
    monkeypatch.setenv("FAKE_MASK", str(folder / "example_seg.nii.gz"))
    ct = read_volume(folder / "example_ct_sm.nii.gz", Unit.HU)
    cohort = cohort_of(dict(scheme("pants").labels))
    found = make_segmenter(TOTAL).prepared(cohort).predict(Case("A", "A", {}, {"ct": lambda: ct})).mask
    values = {name: int(value) for value, name in names.items()}
    for name in ("liver", "spleen", "kidney_left", "aorta", "inferior_vena_cava", "urinary_bladder"):
        assert np.array_equal(found.mask(name), tool == values[name]), name
    lobes = [values["lung_upper_lobe_left"], values["lung_lower_lobe_left"]]
    assert np.array_equal(found.mask("lung_left"), np.isin(tool, lobes))
    assert found.mask("lung_left").any() and found.mask("liver").any()
    assert found.foreground().sum() < (tool > 0).sum()
