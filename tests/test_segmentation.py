"""A segmenter over a cohort: one prediction per case, the failed ones listed, nothing done twice."""

import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from oncohort.compute import Measured
from oncohort.errors import FormatError, InputError, MissingNeedError, OutputError, PredictionError, WorkerError
from oncohort.evaluation import evaluate
from oncohort.formats import read_volume
from oncohort.formats.predictions import list_predictions, write_prediction
from oncohort.formats.segmentation_record import RUN_FILE, read_segmentation_record
from oncohort.geometry import Geometry
from oncohort.ingestion import ingest
from oncohort.segmentation import segment
from oncohort.segmenters import LESION_SCHEME, PercentOfMax, PlainSegmenter, Prediction, Threshold
from oncohort.storage import read_json, write_json
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume
from study_files import Watch, save_image, stamps, write_dataset, write_patient


@pytest.fixture
def cohort(tmp_path):
    write_dataset(tmp_path / "data", "A", "B b")
    return ingest("nnunet", tmp_path / "data", out=tmp_path / "cohort")


def test_a_prediction_per_case_on_the_grid_of_the_pet(cohort, tmp_path):
    done = segment(cohort, Threshold(2.5), out=tmp_path / "p")
    assert (done.folder, dict(done.failed)) == (tmp_path / "p", {})
    assert sorted(path.name for path in done.folder.glob("*.nii.gz")) == ["A.nii.gz", "B b.nii.gz"]
    mask = read_volume(done.folder / "B b.nii.gz")
    assert mask.geometry == cohort["B b"]["pet"].geometry
    assert int(mask.array.sum()) == 4 * 3 * 3


def test_the_threshold_itself_is_lesion(cohort, tmp_path):
    at = segment(cohort, Threshold(8.0), out=tmp_path / "at").folder
    above = segment(cohort, Threshold(8.01), out=tmp_path / "above").folder
    assert read_volume(at / "A.nii.gz").array.sum() == 36
    assert read_volume(above / "A.nii.gz").array.sum() == 0


def test_finished_cases_are_not_done_again(cohort, tmp_path):
    segment(cohort, Threshold(2.5), out=tmp_path / "p")
    before, watch = stamps(tmp_path / "p"), Watch()
    segment(cohort, Threshold(2.5), out=tmp_path / "p", progress=watch)
    assert watch.done == {}
    assert stamps(tmp_path / "p") == before


def test_two_processes_write_the_same_files(cohort, tmp_path):
    one = segment(cohort, Threshold(2.5), out=tmp_path / "one").folder
    two = segment(cohort, Threshold(2.5), out=tmp_path / "two", jobs=2).folder
    for path in one.glob("*.nii.gz"):
        assert (two / path.name).read_bytes() == path.read_bytes()


def test_another_segmenter_in_the_same_folder_needs_overwrite(cohort, tmp_path):
    segment(cohort, Threshold(2.5), out=tmp_path / "p")
    other = PercentOfMax(percent=41, seed_suv=4.0, connectivity=18)
    with pytest.raises(OutputError, match=r"Threshold\(suv=2.5\)"):
        segment(cohort, other, out=tmp_path / "p")
    assert not segment(cohort, other, out=tmp_path / "p", overwrite=True).failed


def test_under_a_given_work_the_changed_segmenter_does_all_cases_again(cohort, tmp_path):
    work, watch = {"model": "mine"}, Watch()
    segment(cohort, Threshold(2.5), out=tmp_path / "p", work=work)
    segment(cohort, Threshold(0.5), out=tmp_path / "p", work=work, progress=watch)
    assert watch.done == {"segment": 2}
    assert read_volume(tmp_path / "p" / "A.nii.gz").array.all()


def test_predictions_of_cases_that_are_gone_are_removed(cohort, tmp_path):
    folder = segment(cohort, Threshold(2.5), out=tmp_path / "p").folder
    write_prediction(folder, "gone", Threshold(2.5).segment(cohort["A"]))
    assert (folder / "gone.nii.gz").exists()
    segment(cohort, Threshold(2.5), out=tmp_path / "p")
    assert not (folder / "gone.nii.gz").exists()


def test_a_case_that_can_no_longer_be_read_is_listed_and_its_old_prediction_removed(cohort, tmp_path):
    folder = segment(cohort, Threshold(2.5), out=tmp_path / "p").folder
    (tmp_path / "data" / "imagesTr" / "A_0000.nii.gz").write_bytes(b"damaged")
    done = segment(cohort, Threshold(2.5), out=tmp_path / "p")
    assert set(done.failed) == {"A"}
    assert "A_0000.nii.gz" in done.failed["A"]
    assert [path.name for path in folder.glob("*.nii.gz")] == ["B b.nii.gz"]
    save_image(tmp_path / "data" / "imagesTr" / "A_0000.nii.gz", np.full((12, 10, 8), 9.0, np.float32))
    assert not segment(cohort, Threshold(2.5), out=tmp_path / "p").failed
    assert read_volume(folder / "A.nii.gz").array.all()


def test_cases_without_a_need_are_listed_and_none_with_it_is_an_error(tmp_path):
    write_patient(tmp_path / "data" / "one")
    write_patient(tmp_path / "data" / "two", "P2", prefix="1.3", study="1.3.7", pet_tags={"PatientWeight": None})
    cohort = ingest("dicom", tmp_path / "data", out=tmp_path / "cohort")
    done = segment(cohort, Threshold(2.5), out=tmp_path / "p")
    assert set(done.failed) == {"P2"}
    assert "pet" in done.failed["P2"]
    for path in (tmp_path / "data" / "one").rglob("*.dcm"):
        path.unlink()
    cohort = ingest("dicom", tmp_path / "data", out=tmp_path / "cohort")
    with pytest.raises(MissingNeedError) as caught:
        segment(cohort, Threshold(2.5), out=tmp_path / "p2")
    assert "pet" in caught.value.expected
    assert "P2" in caught.value.where


@dataclass(frozen=True)
class Odd(PlainSegmenter):
    """Everything from an SUV on, with a probability if asked for; case `B b` goes wrong as `wrong` says."""

    suv: float = 2.5
    probable: bool = False
    wrong: str = ""

    name: ClassVar[str] = "odd"
    description: ClassVar[str] = "a segmenter with faults"
    needs: ClassVar[tuple[str, ...]] = ("pet",)
    main: ClassVar[str | None] = None

    def segment(self, case):
        raise NotImplementedError

    def predict(self, case):
        pet = case.image("pet")
        wrong = self.wrong if case.id == "B b" else ""
        raised = {"prediction": PredictionError, "worker": WorkerError, "input": InputError, "format": FormatError}
        if wrong in raised:
            raise raised[wrong](expected="luck", found="none", where=case.id, remedy="try again")
        if wrong == "memory":
            raise MemoryError
        grid = (
            Geometry(pet.geometry.shape, pet.geometry.affine + np.eye(4, k=3)) if wrong == "shifted" else pet.geometry
        )
        mask = LabelMap.from_masks({"lesion": pet.array >= self.suv}, grid, LESION_SCHEME)
        if wrong == "unreadable":
            mask = LabelMap(grid, (Volume(grid, Unit.LABEL, unreadable),), LESION_SCHEME)
        return Prediction(mask, self._probability(pet, wrong), ("hot",), Measured(1.5, 2.5, 3.5), {"suv": self.suv})

    def _probability(self, pet, wrong):
        if not self.probable:
            return None
        share = np.clip(pet.array / 10, 0, 1).astype(np.float32)
        share.flat[0] = {"above": 1.01, "below": -0.1, "nan": np.nan}.get(wrong, 0.5)
        grid = pet.geometry
        if wrong == "elsewhere":
            grid = Geometry(grid.shape, grid.affine + np.eye(4, k=3))
        return Volume.from_array(share, grid, Unit.NONE)


def unreadable():
    raise FormatError(expected="voxels", found="noise", where="mask.nii.gz", remedy="run it again")


WRONG = [
    "prediction",
    "worker",
    "input",
    "format",
    "memory",
    "shifted",
    "unreadable",
    "above",
    "below",
    "nan",
    "elsewhere",
]


@pytest.mark.parametrize("wrong", WRONG)
def test_whatever_goes_wrong_with_a_case_costs_this_case_alone(cohort, tmp_path, wrong):
    segment(cohort, Odd(probable=True), out=tmp_path / "p", work={"model": "mine"})
    done = segment(cohort, Odd(probable=True, wrong=wrong), out=tmp_path / "p", work={"model": "mine"})
    assert list(done.failed) == ["B b"]
    assert done.failed["B b"]
    assert sorted(path.name for path in done.folder.glob("*.nii.gz")) == ["A.nii.gz", "A.prob.nii.gz"]
    table, run = read_segmentation_record(done.folder)
    assert table["failed"].to_list() == [None, done.failed["B b"]]
    assert (run["cases"], run["failed"]) == (2, 1)


@pytest.mark.parametrize("wrong", ["prediction", "worker", "memory"])
def test_failures_of_a_program_are_tried_again(cohort, tmp_path, wrong):
    segment(cohort, Odd(wrong=wrong), out=tmp_path / "p")
    watch = Watch()
    segment(cohort, Odd(wrong=wrong), out=tmp_path / "p", progress=watch)
    assert watch.done == {"segment": 1}


def test_cases_that_cannot_work_are_not_tried_again(cohort, tmp_path):
    segment(cohort, Odd(wrong="shifted"), out=tmp_path / "p")
    before, watch = stamps(tmp_path / "p"), Watch()
    assert list(segment(cohort, Odd(wrong="shifted"), out=tmp_path / "p", progress=watch).failed) == ["B b"]
    assert watch.done == {}
    assert stamps(tmp_path / "p") == before


def test_probabilities_lie_beside_the_masks_and_go_when_they_are_not_asked_for(cohort, tmp_path):
    work = {"model": "mine"}
    folder = segment(cohort, Odd(probable=True), out=tmp_path / "p", work=work).folder
    share = read_volume(folder / "B b.prob.nii.gz")
    assert share.geometry == cohort["B b"]["pet"].geometry
    expected = np.clip(cohort["B b"].image("pet").array / 10, 0, 1)
    expected.flat[0] = 0.5
    assert share.array.dtype == np.float32
    assert np.allclose(share.array, expected)
    assert list(list_predictions(folder)) == ["A", "B b"]
    segment(cohort, Odd(), out=tmp_path / "p", work=work)
    assert sorted(path.name for path in folder.glob("*.nii.gz")) == ["A.nii.gz", "B b.nii.gz"]


def test_a_lost_probability_is_made_again(cohort, tmp_path):
    folder = segment(cohort, Odd(probable=True), out=tmp_path / "p").folder
    (folder / "A.prob.nii.gz").unlink()
    watch = Watch()
    segment(cohort, Odd(probable=True), out=tmp_path / "p", progress=watch)
    assert watch.done == {"segment": 1}
    assert (folder / "A.prob.nii.gz").is_file()


def test_what_every_case_took_is_recorded(cohort, tmp_path):
    done = segment(cohort, Odd(probable=True, wrong="prediction"), out=tmp_path / "p")
    table, run = read_segmentation_record(done.folder)
    first, second = table.to_dicts()
    assert first == {
        **{"case": "A", "patient": "A", "prediction": "A.nii.gz", "probability": "A.prob.nii.gz", "failed": None},
        **{"seconds": 1.5, "peak_memory_mib": 2.5, "device_memory_mib": 3.5, "notes": ["hot"], "facts": '{"suv": 2.5}'},
    }
    assert (second["prediction"], second["device_memory_mib"]) == (None, None)
    assert 0 <= second["seconds"] < 60
    assert done.cases[0].measured == Measured(1.5, 2.5, 3.5)
    assert run["words"] == "Odd(suv=2.5, probable=True, wrong='prediction')"
    assert (run["segmenter"], run["cohort"], run["labels"]) == ("odd", cohort.name, {"lesion": 1})


def test_this_process_is_measured_where_no_program_was(cohort, tmp_path):
    taken = segment(cohort, Threshold(2.5), out=tmp_path / "p").cases[0].measured
    assert 0 < taken.seconds < 60
    assert taken.peak_memory_mib > 10
    assert taken.device_memory_mib is None


def test_the_record_of_a_run_is_gone_while_a_case_is_made_anew(cohort, tmp_path):
    folder = segment(cohort, Threshold(2.5), out=tmp_path / "p").folder
    (folder / "A.nii.gz").unlink()
    seen = []
    segment(cohort, Threshold(2.5), out=folder, progress=lambda _: seen.append((folder / RUN_FILE).exists()))
    assert seen == [False, False]
    assert (folder / RUN_FILE).is_file()


@pytest.mark.parametrize("change", [{"type": "other"}, {"format_version": "2.0"}, {"cases": 7}])
def test_a_record_that_does_not_fit_is_written_anew(cohort, tmp_path, change):
    folder = segment(cohort, Threshold(2.5), out=tmp_path / "p").folder
    write_json(folder / RUN_FILE, {**read_json(folder / RUN_FILE), **change})
    if "cases" not in change:
        with pytest.raises(FormatError, match="another one"):
            read_segmentation_record(folder)
    segment(cohort, Threshold(2.5), out=folder)
    assert read_segmentation_record(folder)[1]["cases"] == 2


def test_what_cannot_be_prepared_leaves_no_folder(cohort, tmp_path):
    class Never(Threshold):
        def prepared(self, cohort):
            raise MissingNeedError(expected="a tool", found="none", where="here", remedy="install it")

    with pytest.raises(MissingNeedError, match="install it"):
        segment(cohort, Never(2.5), out=tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_what_is_prepared_makes_the_masks_and_is_closed(cohort, tmp_path):
    closed = []

    class Bound(Threshold):
        def prepared(self, cohort):
            return replace(self, suv=8.01)

        def close(self):
            closed.append(self.suv)

    folder = segment(cohort, Bound(2.5), out=tmp_path / "p").folder
    assert read_volume(folder / "A.nii.gz").array.sum() == 0
    assert closed == [8.01]
    assert "8.01" in read_segmentation_record(folder)[1]["words"]


def test_scoring_is_not_disturbed_by_the_record_and_the_probabilities(cohort, tmp_path):
    plain = segment(cohort, Odd(), out=tmp_path / "plain").folder
    full = segment(cohort, Odd(probable=True), out=tmp_path / "full").folder
    scores = evaluate(cohort, {"plain": plain, "full": full}, profile="autopet-iii", out=tmp_path / "scores")
    assert scores.run["unmatched"] == {"plain": [], "full": []}
    assert scores.run["findings"] == []
    values = {model: scores.table.filter(model=model)["value"].to_list() for model in ("plain", "full")}
    assert values["plain"] == values["full"]


def test_after_a_kill_the_same_call_continues(cohort, tmp_path):
    """The first case is done and the second hangs when the run is killed; the program goes with it."""
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    program = f"{sys.executable} {script} {{pet}} {{mask}} {{case}} {tmp_path}"
    words = ["segment", cohort.root, "--with", f"command:{program}", "--out", tmp_path / "p", "--json"]
    command = [sys.executable, "-m", "oncohort", *map(str, words)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    hanging = tmp_path / "B b.pid"
    wait_until(lambda: hanging.is_file() and hanging.read_text())
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_until(lambda: not is_alive(hanging.read_text()))
    assert not (tmp_path / "p" / RUN_FILE).exists()
    before = stamps(tmp_path / "p", "A.nii.gz")
    (tmp_path / "go").touch()
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert stamps(tmp_path / "p", "A.nii.gz") == before
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == [
        *(".oncohort", "A.nii.gz", "B b.nii.gz", "cases.parquet", "run.json")
    ]


SLOW = """
import os, sys, time
from pathlib import Path
import nibabel, numpy
pet, mask, case, folder = sys.argv[1:]
Path(folder, f"{case}.pid").write_text(str(os.getpid()))
while case == "B b" and not Path(folder, "go").exists():
    time.sleep(0.05)
image = nibabel.load(pet)
nibabel.save(nibabel.Nifti1Image((numpy.asanyarray(image.dataobj) > 2.5).astype("u1"), image.affine), mask)
"""


def wait_until(question, seconds=60):
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_alive(process):
    status = subprocess.run(["ps", "-o", "stat=", "-p", process], capture_output=True, text=True, check=False).stdout
    return bool(status.strip()) and not status.startswith("Z")
