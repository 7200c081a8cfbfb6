"""What every twin does: the same bytes each time, every file named synthetic, a killed run continued."""

from pathlib import Path
from typing import get_args

import pytest

from oncohort.cli.data import Form
from oncohort.compute import Progress
from oncohort.errors import InputError
from oncohort.formats.gzip_members import read_bytes
from oncohort.phantoms.twins import TWINS, write_twin
from oncohort.phantoms.twins.nifti_files import affine_in
from oncohort.storage import read_json, sha256_file

NOTICE = b"SYNTHETIC digital phantom, not a person"
SHARED = {
    "dataset.json",
    "metadata.xlsx",
    "metadata.csv",
    "splits_final.json",
    "psma_metadata.csv",
    "fdg_metadata.csv",
    "statistics-clinical-20201221.xlsx",
    "CT-details.xlsx",
    "PT-details.xlsx",
}
"""Files that hold rows of all cases."""


def digests(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("name", TWINS)
def test_one_patient_is_the_first_of_two_byte_by_byte(name, twin, tmp_path):
    small = digests(write_twin(name, tmp_path / "out", cases=1, size="tiny").data)
    large = digests(twin(name).data)
    own = {path for path in small if Path(path).name not in SHARED}
    assert {path: small[path] for path in own} == {path: large[path] for path in own}
    assert len(large) > len(small)


@pytest.mark.parametrize("name", TWINS)
def test_every_image_and_the_truth_say_synthetic(name, twin):
    written = twin(name)
    truth = read_json(written.truth)
    assert truth["synthetic"] is True and truth["form"] == name and truth["planted"] == []
    assert [patient["case"] for patient in truth["patients"]] == list(written.cases)
    assert NOTICE in (written.folder / "NOTICE.txt").read_bytes()
    images = [*written.data.rglob("*.nii.gz"), *written.data.rglob("*.dcm")]
    assert images
    for path in images:
        assert NOTICE in (path.read_bytes() if path.suffix == ".dcm" else read_bytes(path, 348))


def test_lost_files_are_written_again_and_nothing_else(tmp_path):
    out = tmp_path / "out"
    data = write_twin("msd", out, cases=2, size="tiny", with_faults=True).data
    before = digests(data)
    seen: list[Progress] = []
    write_twin("msd", out, cases=2, size="tiny", with_faults=True, progress=seen.append)
    assert seen == []
    (data / "labelsTr" / "pancreas_002.nii.gz").unlink()
    write_twin("msd", out, cases=2, size="tiny", with_faults=True, progress=seen.append)
    assert seen[-1].done == 1
    assert digests(data) == before


def test_what_is_no_twin_is_refused_with_the_names(tmp_path):
    with pytest.raises(InputError, match="pants, msd, autopet"):
        write_twin("pantz", tmp_path / "out")
    with pytest.raises(InputError, match="1 to 999"):
        write_twin("msd", tmp_path / "out", cases=0)
    with pytest.raises(InputError, match="small, tiny"):
        write_twin("msd", tmp_path / "out", size="huge")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_offers_every_twin():
    assert get_args(Form) == ("dicom", "nnunet", *TWINS)


def test_faults_of_a_twin_have_names_of_their_own_and_a_case_of_the_first_eight():
    for twin in TWINS.values():
        names = [fault.name for fault in twin.faults]
        assert len(set(names)) == len(names)
        assert all(1 <= fault.number <= 8 and fault.answer for fault in twin.faults)


def test_a_header_that_was_written_is_read_back(twin):
    image = next(twin("msd").data.rglob("imagesTr/*.nii.gz"))
    assert affine_in(image)[3].tolist() == [0.0, 0.0, 0.0, 1.0]
    assert affine_in(image)[0, 0] == 4.0  # tiny: every second voxel of 2 mm
