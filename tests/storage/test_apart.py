import pytest

from oncohort.errors import OutputError
from oncohort.storage import require_apart


@pytest.fixture
def there(tmp_path):
    (tmp_path / "cohort" / "volumes").mkdir(parents=True)
    (tmp_path / "cohort" / "volumes" / "a.nii.gz").write_text("voxels")
    (tmp_path / "other").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("out", "read"),
    [
        ("cohort", "cohort"),
        ("cohort/volumes/..", "cohort"),
        (".", "cohort"),
        ("cohort", "cohort/volumes/a.nii.gz"),
        ("link", "cohort"),
        ("link", "cohort/volumes/a.nii.gz"),
        ("cohort", "link"),
        ("cohort", "link/volumes/a.nii.gz"),
        ("other", "other/file"),
        ("cohort", "other/file"),
    ],
)
def test_an_output_that_is_or_holds_an_input_is_refused(there, monkeypatch, out, read):
    (there / "link").symlink_to(there / "cohort")
    (there / "other" / "file").symlink_to(there / "cohort" / "volumes" / "a.nii.gz")
    monkeypatch.chdir(there)
    for given, asked in ((out, read), (there / out, read), (out, there / read)):
        with pytest.raises(OutputError, match="apart from what is read") as caught:
            require_apart(given, [there / "absent", asked])
        assert caught.value.found.endswith(str(asked))


@pytest.mark.parametrize("out", ["new", "other", "cohort/scores", "cohort/volumes/a.nii.gz", "cohort2"])
def test_other_outputs_are_taken(there, out):
    (there / "cohort2").mkdir()
    (there / "cohort" / "scores").mkdir()
    require_apart(there / out, [there / "cohort", there / "cohort" / "volumes" / "a.nii.gz"])


def test_what_is_not_there_cannot_be_lost(there, monkeypatch):
    monkeypatch.chdir(there / "cohort")
    require_apart(".", ["threshold", "x" * 5000, there / "cohort" / "gone.nii.gz"])
    (there / "cohort" / "hanging").symlink_to("nowhere")
    with pytest.raises(OutputError):
        require_apart(".", ["hanging"])
