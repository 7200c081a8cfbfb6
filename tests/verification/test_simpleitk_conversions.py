"""SimpleITK's conversions: right where the series is regular, silent where it is not."""

import pytest
import SimpleITK
from converted_series import ct, noise, pet

from oncohort.cli.app import run_command
from oncohort.formats.dicom.index import index_files
from oncohort.sources.walking import walk_folder
from oncohort.verification import verify_conversion

pytestmark = pytest.mark.filterwarnings("ignore")


def convert(files, out):
    image = SimpleITK.ReadImage([str(path) for path in files])
    SimpleITK.WriteImage(image, str(out))
    return out


def ordered(folder):
    """Files by series, sorted by z as SimpleITK wants them."""
    series = index_files(walk_folder(folder).files).series
    return [
        [one.path for one in sorted(headers, key=lambda one: one.image.position_mm[2])] for headers in series.values()
    ]


@pytest.mark.real_data
@pytest.mark.parametrize(
    "folder", ["sts001_wholebody_pet", "sts_petct/dicom/STS_003/CT", "sts_petct/dicom/STS_003/PET", "lung_pet_ct_dx"]
)
def test_regular_series_are_right(real_data, tmp_path, folder):
    name, _, below = folder.partition("/")
    scans = real_data(name) / below
    for number, files in enumerate(ordered(scans)):
        verdict = verify_conversion(scans, convert(files, tmp_path / f"{number}.nii.gz"))
        assert (verdict.status, verdict.findings) == ("equal", ())


@pytest.mark.real_data
def test_a_tilted_gantry_is_accepted_in_silence_and_cannot_be_proven(real_data, tmp_path):
    """14.0 degrees: SimpleITK writes a grid with right angles all the same."""
    found = []
    for number, files in enumerate(ordered(real_data("hard_ct"))):
        if len(files) < 2:
            continue
        image = convert(files, tmp_path / f"{number}.nii.gz")
        folder = tmp_path / f"series{number}"
        folder.mkdir()
        for position, path in enumerate(files):
            (folder / str(position)).symlink_to(path)
        found += [(one.cause, one.text) for one in verify_conversion(folder, image).findings]
    assert {cause for cause, _ in found} == {"no_volume"}
    assert any("gantry tilt" in text and "14.0 degrees" in text for _, text in found)


def test_our_convert_is_proven_with_its_sidecar(tmp_path, capsys):
    ct(tmp_path / "scan" / "ct")
    pet(tmp_path / "scan" / "pet", noise(3), slope=lambda k: 3e-8 if k < 4 else 4e-8)
    assert run_command(["convert", str(tmp_path / "scan"), "--out", str(tmp_path / "out")]) == 0
    images = sorted((tmp_path / "out").glob("*.nii.gz"))
    assert len(images) == 2
    for image in images:
        verdict = verify_conversion(tmp_path / "scan", image)
        assert (verdict.status, verdict.findings) == ("equal", ())
        assert verdict.sidecar
        assert verdict.fields
    assert {"InjectedRadioactivity", "InjectionStart", "PatientWeight"} <= {one.name for one in verdict.fields}
