"""A program of the user's own: what it is given, and what its failures cost."""

import sys
from pathlib import Path

import numpy as np
import pytest

from oncohort import ingest, segment, write_phantom_cohort
from oncohort.cohort import Case
from oncohort.errors import GeometryError, InputError, MissingNeedError, PredictionError, SettingsError
from oncohort.geometry import Geometry
from oncohort.segmenters import Threshold, make_segmenter
from oncohort.segmenters.command import Command
from oncohort.units import Unit
from oncohort.volume import Volume
from segmenters.installed import cohort_of
from segmenters.nnunet_models import write_pet_cohort

PROGRAM = f"{sys.executable} {Path(__file__).parent / 'threshold_program.py'} {{pet}} {{mask}}"


@pytest.fixture
def case():
    suv = np.random.default_rng(0).gamma(1.0, 2.0, (9, 8, 7)).astype(np.float32)
    pet = Volume.from_array(suv, Geometry(suv.shape, np.diag([-4.0, -4.0, 3.0, 1.0])), Unit.SUVBW)
    return Case("a b", "a", {}, {"pet": lambda: pet})


def test_the_mask_is_what_the_program_writes(case):
    found = Command(program=f"{PROGRAM} 2.5").segment(case)
    assert np.array_equal(found.mask("lesion"), Threshold(suv=2.5).segment(case).mask("lesion"))
    assert found.geometry == case.image("pet").geometry


def test_time_and_memory_are_those_of_the_program(case):
    taken = Command(program=f"{PROGRAM} 2.5").predict(case).measured
    assert 0 < taken.seconds < 60
    assert 15 < taken.peak_memory_mib < 400
    assert taken.device_memory_mib is None


def test_a_program_that_is_not_there_is_refused_before_any_case():
    cohort = cohort_of({"lesion": 1}, roles=("pet",))
    with pytest.raises(MissingNeedError, match="no-such-program"):
        Command(program="no-such-program {pet} {mask}").prepared(cohort)
    assert Command(program="sh -c true {pet} {mask}").prepared(cohort).needs == ("pet",)
    assert Command(program="{pet} {mask}").prepared(cohort)


def test_roles_that_no_case_has_and_masks_are_refused_before_any_case(tmp_path):
    cohort = write_pet_cohort(tmp_path / "cohort", cases=("A",))
    with pytest.raises(MissingNeedError, match=r"case with pet, mr for segmenter command, found no mr .*ct, pet"):
        Command(program="sh -c true {pet} {mr} {mask}").prepared(cohort)
    assert Command(program="sh -c true {pet} {ct} {mask}").prepared(cohort)
    phantoms = write_phantom_cohort(tmp_path / "phantoms", cases=1, form="nnunet")
    masked = ingest("nnunet", phantoms.data, out=tmp_path / "masked")
    with pytest.raises(SettingsError, match=r"found \{lesions\}, masks of the cohort.*images \(ct, pet\)"):
        Command(program="sh -c true {pet} {lesions} {mask}").prepared(masked)


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        ("fail", PredictionError, "status 1: no GPU"),
        ("silent", PredictionError, "no file"),
        ("shifted", GeometryError, "50"),
    ],
)
def test_a_failure_is_told_with_the_last_words(case, words, error, told):
    with pytest.raises(error, match=told):
        Command(program=f"{PROGRAM} {words}").segment(case)


def test_a_program_that_does_not_end_or_exist_is_told(case):
    with pytest.raises(PredictionError, match=r"within 0\\.2 s".replace("\\\\", "\\")):
        Command(program=f"{sys.executable} -c 'import time; time.sleep(9)' {{pet}} {{mask}}", timeout_s=0.2).segment(
            case
        )
    with pytest.raises(PredictionError, match="no-such-program"):
        Command(program="no-such-program {pet} {mask}").segment(case)
    with pytest.raises(MissingNeedError, match="'ct'"):
        Command(program="x {ct} {mask}").segment(case)


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("", "words"),
        ("model {pet}", "mask"),
        ("model {mask}", "at least one role"),
        ("model '{pet} {mask}", "quotes"),
        ("model {pet {mask}", "role"),
        ("model {pet.__class__} {mask} {0}", "role"),
    ],
)
def test_impossible_programs_are_refused_at_once(program, told):
    with pytest.raises(SettingsError, match=told):
        make_segmenter({"segmenter": "command", "program": program})


def test_no_shell_reads_the_words(case, tmp_path):
    victim = tmp_path / "victim"
    with pytest.raises(InputError):
        Command(program=f"{PROGRAM} 2.5 ; touch {victim}").segment(case)
    assert not victim.exists()


def test_one_bad_case_does_not_stop_the_others(tmp_path):
    phantoms = write_phantom_cohort(tmp_path / "phantoms", cases=2, form="nnunet")
    cohort = ingest("nnunet", phantoms.data, out=tmp_path / "cohort")
    script = tmp_path / "picky.sh"
    script.write_text('case "$3" in *001) exit 7;; esac\nexec "$4" "$5" "$1" "$2" 4.0\n')
    program = PROGRAM.split()
    words = f"sh {script} {{pet}} {{mask}} {{case}} {program[0]} {program[1]}"
    done = segment(cohort, make_segmenter({"segmenter": "command", "program": words}), out=tmp_path / "out")
    assert list(done.failed) == ["SYNTHETIC-001"]
    assert "status 7" in done.failed["SYNTHETIC-001"]
    assert [path.name for path in done.folder.glob("*.nii.gz")] == ["SYNTHETIC-002.nii.gz"]


def test_a_program_beside_the_current_folder_is_found_from_the_folder_of_its_own(case, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "beside.py").write_bytes(Path(PROGRAM.split()[1]).read_bytes())
    monkeypatch.chdir(tmp_path / "here")
    beside = Command(program=f"{sys.executable} ../beside.py {{pet}} {{mask}} 2.5")
    assert beside.segment(case).mask("lesion").any()
    assert [path.resolve() for path in beside.inputs][1:] == [tmp_path / "beside.py"]
    cohort = cohort_of({"lesion": 1}, roles=("pet",))
    assert beside.prepared(cohort).words[1] == str(tmp_path / "here" / ".." / "beside.py")
    with pytest.raises(MissingNeedError, match=r"here/missing"):
        Command(program="./missing {pet} {mask}").prepared(cohort)
