"""The segmenter nnunet with a worker that needs no nnU-Net: what it refuses, what it asks, what it makes of answers."""

import os
import pickle
import platform
import signal
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from tests.segmenters.fake_nnunet import DEADLY, ENDLESS, FAILING, SHIFTED
from tests.segmenters.nnunet_models import (
    FOLDER,
    GRID,
    MODULE,
    fake_nnunet,
    requests,
    write_model,
    write_pet_cohort,
    write_run,
)

from oncohort import segment
from oncohort.cohort import Case
from oncohort.errors import (
    FormatError,
    GeometryError,
    LabelError,
    MissingNeedError,
    PredictionError,
    SettingsError,
    WorkerError,
)
from oncohort.formats.predictions import find_prediction, read_prediction
from oncohort.formats.segmentation_record import read_segmentation_record
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.segmenters.nnunet import Nnunet, held_worker
from oncohort.units import Unit
from oncohort.volume import Volume


@pytest.fixture(autouse=True)
def worker(monkeypatch):
    yield from fake_nnunet(monkeypatch)


@pytest.fixture
def cohort(tmp_path):
    return write_pet_cohort(tmp_path / "cohort")


def predicted(model, cohort, case="A", **settings):
    return Nnunet(str(model), **settings).prepared(cohort).predict(cohort[case])


def test_the_mask_is_what_the_model_writes_on_the_grid_of_the_first_channel(cohort, tmp_path):
    found = predicted(write_model(tmp_path), cohort)
    suv = cohort["A"].image("pet").array
    assert np.array_equal(found.mask.mask("lesion"), suv >= 2.0)
    assert found.mask.geometry == GRID
    assert found.mask.scheme == cohort.scheme
    assert (found.probability, found.notes) == (None, ())
    assert (found.measured.seconds, found.measured.peak_memory_mib) == (1.5, 321.0)
    assert found.facts == {"folds": ["0"], "device": "cpu"}


def test_channels_are_given_in_the_order_of_the_model(cohort, tmp_path):
    model = write_model(tmp_path, {"0": "noNorm", "1": "CT"}, folds={"0": "40"})
    found = predicted(model, cohort, channels="pet,ct")
    assert np.array_equal(found.mask.mask("lesion"), cohort["A"].image("ct").array >= 40)
    assert Nnunet(str(model), channels=["pet", "ct"]).prepared(cohort).needs == ("pet", "ct")
    named = write_model(tmp_path / "named", {"0": "CT", "1": "SUV"})
    assert Nnunet(str(named)).prepared(cohort).needs == ("ct", "pet")


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".mha"])
def test_the_files_have_the_ending_that_the_model_reads(cohort, tmp_path, ending):
    model = write_model(tmp_path, file_ending=ending)
    found = predicted(model, cohort, probabilities="any")
    assert np.array_equal(found.mask.mask("lesion"), cohort["A"].image("pet").array >= 2.0)
    assert found.probability.array.max() > 0
    images = [Path(path) for path in requests(model)[0]["images"]]
    assert [path.suffix for path in images] == [".mha" if ending == ".mha" else ".nii"]
    assert not images[0].parent.exists()


def test_folds_are_an_ensemble(cohort, tmp_path):
    model = write_model(tmp_path, folds={"0": "1.0", "1": "2.0", "2": "6.0", "all": "100"})
    suv = cohort["A"].image("pet").array
    assert np.array_equal(predicted(model, cohort).mask.mask("lesion"), suv >= 3.0)
    assert np.array_equal(predicted(model, cohort, folds="2").mask.mask("lesion"), suv >= 6.0)
    assert np.array_equal(predicted(model, cohort, folds=[0, 1]).mask.mask("lesion"), suv >= 1.5)
    assert predicted(model, cohort, folds="all").facts["folds"] == ["all"]


def test_folds_that_are_not_finished_are_left_out_and_noted(cohort, tmp_path):
    model = write_model(tmp_path, folds={"0": "1.0", "1": "2.0", "2": "6.0", "3": "1.0", "all": "100"})
    finished = repr(Nnunet(str(model), folds="0,2").prepared(cohort))
    for fold in ("1", "3"):
        (model / f"fold_{fold}" / "checkpoint_final.pth").unlink()
    found = predicted(model, cohort)
    assert found.facts["folds"] == ["0", "2"]
    assert found.notes == ("not finished, so not used: folds 1, 3 of the model",)
    assert repr(Nnunet(str(model)).prepared(cohort)) != finished
    for fold in ("0", "2"):
        (model / f"fold_{fold}" / "checkpoint_final.pth").unlink()
    assert predicted(model, cohort).facts["folds"] == ["all"]


def test_probabilities_are_those_of_the_outputs_of_a_label(cohort, tmp_path):
    labels = {"background": 0, "tumour": 1, "node": 2, "ignore": 3}
    scheme = LabelScheme("two", {"node": 7, "tumour": 3})
    cohort = write_pet_cohort(tmp_path / "two", scheme=scheme)
    model = write_model(tmp_path, labels=labels)
    suv = cohort["A"].image("pet").array
    for word, heads in (("any", [1, 2]), ("node", [2]), ("tumour", [1])):
        found = predicted(model, cohort, probabilities=word)
        assert requests(model)[-1]["probability"]["heads"] == heads
        assert np.allclose(found.probability.array, np.clip(suv / 10 * sum(heads), 0, 1), atol=2 / 65535)
        assert found.probability.array.dtype == np.float32
        assert (found.probability.unit, found.probability.geometry) == (Unit.PROBABILITY, GRID)
    with pytest.raises(SettingsError, match="tumour"):
        predicted(model, cohort, probabilities="liver")


def test_one_process_holds_the_model_from_case_to_case(cohort, tmp_path):
    model = write_model(tmp_path)
    prepared = Nnunet(str(model)).prepared(cohort)
    for case in cohort:
        prepared.predict(case)
    assert len(requests(model, "load")) == 1
    process = {request["pid"] for request in requests(model)}
    assert len(process) == 1
    prepared.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pop(), 0)
    prepared.predict(cohort["A"])
    assert len(requests(model, "load")) == 2


def test_the_process_of_another_model_ends(cohort, tmp_path):
    first, second = write_model(tmp_path / "1"), write_model(tmp_path / "2", folds={"0": "3.0"})
    one, two = Nnunet(str(first)).prepared(cohort), Nnunet(str(second)).prepared(cohort)
    suv = cohort["A"].image("pet").array
    assert np.array_equal(two.predict(cohort["A"]).mask.mask("lesion"), suv >= 3.0)
    assert np.array_equal(one.predict(cohort["A"]).mask.mask("lesion"), suv >= 2.0)
    assert len(held_worker._HELD) == 1


def test_a_prepared_model_can_be_sent_to_another_process(cohort, tmp_path):
    prepared = Nnunet(str(write_model(tmp_path))).prepared(cohort)
    again = pickle.loads(pickle.dumps(prepared))
    assert repr(again) == repr(prepared)
    assert again.predict(cohort["A"]).mask.mask("lesion").any()


def test_the_repr_changes_with_all_that_a_mask_depends_on(cohort, tmp_path):
    model = write_model(tmp_path, folds={"0": "2.0", "1": "3.0"})
    before = repr(Nnunet(str(model)).prepared(cohort))
    assert repr(Nnunet(str(model)).prepared(cohort)) == before
    others = [{"folds": "0"}, {"mirroring": False}, {"step": 0.75}, {"labels": "own"}, {"probabilities": "any"}]
    texts = {before, *(repr(Nnunet(str(model), **other).prepared(cohort)) for other in others)}
    (model / "fold_1" / "checkpoint_final.pth").write_text("4.0")
    texts.add(repr(Nnunet(str(model)).prepared(cohort)))
    assert len(texts) == len(others) + 2
    (tmp_path / "elsewhere").mkdir()
    moved = (tmp_path / FOLDER).rename(tmp_path / "elsewhere" / "model")
    assert repr(Nnunet(str(moved)).prepared(cohort)) in texts


class TestRefusedBeforeAnythingIsComputed:
    """`prepared` raises, and no case was given to the model."""

    def refused(self, model, cohort, error, match, **settings):
        before = requests(model)
        with pytest.raises(error, match=match):
            Nnunet(str(model), **settings).prepared(cohort)
        assert requests(model) == before

    @pytest.mark.parametrize("name", ["dataset.json", "plans.json", "fold_0/checkpoint_final.pth"])
    def test_a_file_is_missing(self, cohort, tmp_path, name):
        model = write_model(tmp_path)
        (model / name).unlink()
        self.refused(model, cohort, FormatError, Path(name).name.replace(".", r"\."))

    def test_another_checkpoint_is_there(self, cohort, tmp_path):
        model = write_model(tmp_path)
        file = model / "fold_0" / "checkpoint_final.pth"
        file.rename(file.with_name("checkpoint_best.pth"))
        self.refused(model, cohort, FormatError, r"checkpoint_best\.pth")
        assert predicted(model, cohort, checkpoint="checkpoint_best.pth").mask

    def test_a_fold_that_is_named_is_not_finished(self, cohort, tmp_path):
        model = write_model(tmp_path, folds={"0": "1.0", "1": "2.0"})
        (model / "fold_1" / "checkpoint_final.pth").unlink()
        self.refused(model, cohort, FormatError, "fold_1", folds="0,1")
        found = predicted(model, cohort, folds="0")
        assert (found.facts["folds"], found.notes) == (["0"], ())
        self.refused(model, cohort, SettingsError, "folds among 0, 1", folds="2")
        (model / "fold_0" / "checkpoint_final.pth").unlink()
        self.refused(model, cohort, FormatError, "fold_0, fold_1")

    def test_a_recorded_fold_has_lost_its_weights(self, cohort, tmp_path):
        run = write_run(tmp_path / "run", cohort, {"0": ("1.0", ("A",)), "1": ("2.0", ("B",))})
        (run / FOLDER / "fold_1" / "checkpoint_final.pth").unlink()
        self.refused(run, cohort, FormatError, "fold_1")

    def test_the_folder_is_none_or_holds_several(self, cohort, tmp_path):
        self.refused(tmp_path / "nowhere", cohort, FormatError, "no folder")
        (tmp_path / "empty").mkdir()
        self.refused(tmp_path / "empty", cohort, FormatError, "none of these")
        model = write_model(tmp_path / "Dataset001")
        assert Nnunet(str(tmp_path / "Dataset001")).prepared(cohort)
        (model.parent / "nnUNetTrainer__nnUNetPlans__2d").mkdir()
        self.refused(tmp_path / "Dataset001", cohort, SettingsError, "2: .*2d.*3d_fullres")

    def test_it_was_trained_with_other_channels(self, cohort, tmp_path):
        model = write_model(tmp_path, {"0": "CT", "1": "PET"})
        self.refused(model, cohort, SettingsError, "2 channels", channels="pet")
        unknown = write_model(tmp_path / "x", {"0": "T1", "1": "FLAIR"})
        self.refused(unknown, cohort, SettingsError, "T1, FLAIR.*channels=ct,pet")
        self.refused(unknown, cohort, SettingsError, "channels=pet,pet", channels="pet,pet")
        self.refused(unknown, cohort, MissingNeedError, "no t1, flair .roles of images: ct, pet.", channels="t1,flair")

    def test_the_cohort_has_another_unit_throughout(self, cohort, tmp_path):
        model = write_model(tmp_path, {"0": "noNorm"})
        becquerel = write_pet_cohort(tmp_path / "becquerel", pet_unit=Unit.BQML)
        self.refused(model, becquerel, MissingNeedError, "all cases.*found pet in Bq/ml.*pet=Bq/ml", channels="pet")
        self.refused(model, cohort, MissingNeedError, "found pet in SUVbw.*pet=SUVbw", channels="pet=Bq/ml")
        self.refused(model, cohort, SettingsError, "units among HU, SUVbw.*found suv", channels="pet=suv")
        found = predicted(model, becquerel, channels="pet=Bq/ml")
        assert np.array_equal(found.mask.mask("lesion"), becquerel["A"].image("pet").array >= 2.0)
        assert Nnunet(str(model), channels=["pet=Bq/ml"]).needs == ("pet",)

    def test_no_label_is_one_of_the_cohort(self, cohort, tmp_path):
        model = write_model(tmp_path, labels={"background": 0, "rib": 1})
        self.refused(model, cohort, SettingsError, "labels=rib=lesion, or labels=own")
        self.refused(model, cohort, SettingsError, "NAME=LABEL", labels="rib=bone")
        self.refused(model, cohort, SettingsError, "NAME=LABEL", labels="lesion=rib")
        self.refused(model, cohort, SettingsError, "NAME=LABEL", labels="mine")
        assert predicted(model, cohort, labels="rib=lesion").mask.mask("lesion").any()

    def test_it_is_the_second_stage_of_a_cascade(self, cohort, tmp_path):
        stage = {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"}
        plans = {"configurations": {"3d_lowres": {}, "3d_fullres": {}, "3d_cascade_fullres": stage}}
        model = write_model(tmp_path, plans=plans)
        assert Nnunet(str(model)).prepared(cohort)
        cascade = model.rename(tmp_path / "nnUNetTrainer__nnUNetPlans__3d_cascade_fullres")
        self.refused(cascade, cohort, SettingsError, "masks of 3d_lowres")

    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", '{"configurations": []}', '{"configurations": {"3d_fullres": 1}}']
    )
    def test_the_plans_are_none(self, cohort, tmp_path, text):
        model = write_model(tmp_path)
        (model / "plans.json").write_text(text)
        self.refused(model, cohort, FormatError, r"plans\.json")

    def test_the_plans_inherit_in_a_circle(self, cohort, tmp_path):
        circle = {"3d_fullres": {"inherits_from": "a"}, "a": {"inherits_from": "3d_fullres"}}
        assert Nnunet(str(write_model(tmp_path, plans={"configurations": circle}))).prepared(cohort)

    @pytest.mark.parametrize(
        ("words", "error", "match"),
        [
            ("unsafe", SettingsError, "found code.*trust=true"),
            ("lacks", SettingsError, r"no package pear.*pip install 'oncohort\[train\]'"),
            ("broken", PredictionError, "size mismatch"),
        ],
    )
    def test_what_the_process_refuses_is_passed_on(self, cohort, tmp_path, words, error, match):
        model = write_model(tmp_path, folds={"0": "1.0", "1": words})
        self.refused(model, cohort, error, match)
        with pytest.raises(error):
            segment(cohort, Nnunet(str(model)), out=tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_trust_is_told_to_the_process(self, cohort, tmp_path):
        model = write_model(tmp_path, folds={"0": "unsafe"})
        assert predicted(model, cohort, trust=True).mask.mask("lesion").any()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", ""),
        ("model", None),
        ("step", 0),
        ("step", 1.5),
        ("device", "tpu"),
        ("mirroring", 1),
        ("trust", "yes"),
        ("training_cases", "false"),
        ("checkpoint", "../x.pth"),
        ("checkpoint", "a\\b.pth"),
        ("checkpoint", ".."),
        ("checkpoint", ""),
        ("labels", ""),
        ("probabilities", True),
    ],
)
def test_impossible_parameters_are_refused_at_once(name, value):
    with pytest.raises(SettingsError, match=name):
        Nnunet(**{"model": "run", name: value})


class TestCasesThatFailAlone:
    def test_a_case_without_an_image(self, cohort, tmp_path):
        prepared = Nnunet(str(write_model(tmp_path))).prepared(cohort)
        with pytest.raises(MissingNeedError, match="pet"):
            prepared.predict(Case("X", "x", {}, {}))

    def test_a_pet_or_a_ct_in_another_unit(self, cohort, tmp_path):
        ones = np.ones(GRID.shape, np.float32)
        volumes = {"pet": cohort["A"]["pet"], "ct": cohort["A"]["ct"]}
        for channels, role, remedy in (("", "pet", "SUVbw"), ("pet", "pet", "pet=Bq/ml"), ("ct", "ct", "ct=Bq/ml")):
            odd = {**volumes, role: Volume.from_array(ones, GRID, Unit.BQML)}
            case = Case("X", "x", {}, {one: lambda found=found: found for one, found in odd.items()})
            model = write_model(tmp_path / f"{channels}{role}", {"0": "noNorm" if channels else "PET"})
            with pytest.raises(MissingNeedError, match=f"case X: expected {role} in .*found {role} in Bq/ml.*{remedy}"):
                Nnunet(str(model), channels=channels).prepared(cohort).predict(case)

    def test_channels_on_two_grids(self, cohort, tmp_path):
        ct = Volume.from_array(np.zeros((3, 3, 3), np.int16), Geometry((3, 3, 3), np.eye(4)), Unit.HU)
        prepared = Nnunet(str(write_model(tmp_path, {"0": "PET", "1": "CT"}))).prepared(cohort)
        pet = cohort["A"].image("pet")
        with pytest.raises(GeometryError, match="oncohort harmonise"):
            prepared.predict(Case("X", "x", {}, {"pet": lambda: pet, "ct": lambda: ct}))

    def test_a_failure_leaves_the_process_as_it_is_and_a_death_begins_another(self, tmp_path):
        words = {"A": FAILING, "B": DEADLY, "D": SHIFTED}
        cohort = write_pet_cohort(tmp_path / "cohort", cases=("A", "B", "C", "D"), words=words)
        model = write_model(tmp_path)
        prepared = Nnunet(str(model)).prepared(cohort)
        with pytest.raises(PredictionError, match="three is not four"):
            prepared.predict(cohort["A"])
        assert len(requests(model, "load")) == 1
        with pytest.raises(WorkerError, match="status 7: out of memory, says a library"):
            prepared.predict(cohort["B"])
        assert prepared.predict(cohort["C"]).mask.mask("lesion").any()
        assert len(requests(model, "load")) == 2
        with pytest.raises(GeometryError):
            prepared.predict(cohort["D"])

    def test_the_record_names_the_versions_of_what_was_called(self, cohort, tmp_path):
        model = write_model(tmp_path)
        out = segment(cohort, Nnunet(str(model)), out=tmp_path / "out").folder
        _, run = read_segmentation_record(out)
        assert run["versions"] == {
            "nnunetv2": "2.8.9",
            "torch": "0",
            "python": platform.python_version(),
            "oncohort": version("oncohort"),
        }

    def test_the_others_are_predicted(self, tmp_path):
        cohort = write_pet_cohort(tmp_path / "cohort", words={"A": FAILING, "B": DEADLY})
        done = segment(cohort, Nnunet(str(write_model(tmp_path)), probabilities="lesion"), out=tmp_path / "out")
        assert sorted(done.failed) == ["A", "B"]
        assert sorted(path.name for path in done.folder.glob("*.nii.gz")) == ["C.nii.gz", "C.prob.nii.gz"]
        assert held_worker._HELD == {}

    def test_an_integer_that_the_model_does_not_have(self, tmp_path):
        labels = {"background": 0, "lesion": 1, "ignore": 2}  # the fake writes 2 as if it were a label
        cohort = write_pet_cohort(tmp_path / "cohort")
        with pytest.raises(LabelError, match="2"):
            predicted(write_model(tmp_path, labels=labels), cohort)

    def test_an_interrupt_ends_the_process(self, tmp_path):
        former = signal.signal(signal.SIGUSR1, signal.default_int_handler)
        cohort = write_pet_cohort(tmp_path / "cohort", words={"A": ENDLESS})
        model = write_model(tmp_path)
        prepared = Nnunet(str(model)).prepared(cohort)

        def stop():
            while not requests(model):
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGUSR1)

        threading.Thread(target=stop, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            prepared.predict(cohort["A"])
        signal.signal(signal.SIGUSR1, former)
        assert held_worker._HELD == {}
        assert prepared.predict(cohort["B"]).mask.mask("lesion").any()


def is_alive(process):
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


SEGMENT = """
import sys
from oncohort import open_cohort, segment
from oncohort.segmenters.nnunet import Nnunet, held_worker
held_worker.MODULE = sys.argv[4]
segment(open_cohort(sys.argv[1]), Nnunet(sys.argv[2]), out=sys.argv[3])
"""


def test_a_killed_run_leaves_no_process_and_continues(tmp_path):
    cohort = write_pet_cohort(tmp_path / "cohort", words={"B": ENDLESS})
    model = write_model(tmp_path)
    words = [sys.executable, "-c", SEGMENT, str(cohort.root), str(model), str(tmp_path / "out"), MODULE]
    with subprocess.Popen(words) as process:
        while len(requests(model)) < 2:  # A is done, B does not end
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    worker = requests(model)[-1]["pid"]
    until = time.monotonic() + 10
    while is_alive(worker) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(worker)
    assert find_prediction(tmp_path / "out", "A")
    (model / "go").touch()
    subprocess.run(words, check=True)
    assert len(requests(model)) == 4  # A, B, then B again and C
    assert all(find_prediction(tmp_path / "out", case) for case in cohort.case_ids)


def test_several_processes_give_the_same_masks(cohort, tmp_path):
    model = write_model(tmp_path)
    one = segment(cohort, Nnunet(str(model)), out=tmp_path / "one")
    two = segment(cohort, Nnunet(str(model)), out=tmp_path / "two", jobs=2)
    for case in cohort.case_ids:
        first, second = (read_prediction(find_prediction(done.folder, case)) for done in (one, two))
        assert np.array_equal(first.layers[0].array, second.layers[0].array)


def test_of_another_model_nothing_is_known_of_its_cases(cohort, tmp_path):
    prepared = Nnunet(str(write_model(tmp_path))).prepared(cohort)
    assert prepared.seen is None


def test_before_it_is_prepared_it_says_so(cohort):
    with pytest.raises(SettingsError, match="prepared for a cohort"):
        Nnunet("run").predict(cohort["A"])
    assert Nnunet("run", channels="ct,pet").needs == ("ct", "pet")
