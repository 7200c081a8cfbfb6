"""A case that cannot be written leaves nothing; what has changed is written again."""

import json
import pickle

import numpy as np
import pytest
from memory_cohorts import GRID, cohort_of, ct, masks, pet

from oncohort.errors import InputError, LabelError
from oncohort.exporting import export_cohort
from oncohort.exports import (
    BidsPetExport,
    Channel,
    CocoExport,
    CsvExport,
    LabelMapping,
    Masks,
    MhaExport,
    MonaiExport,
    NnDetectionExport,
    NnunetExport,
    PantsExport,
    VocExport,
)
from oncohort.exports.labels import mapped
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.volume import LabelMap

TWO = LabelScheme("two", {"liver": 1, "veins": 2})
OVERLAP = {"liver": (0, 3, 0, 3, 0, 3), "veins": (2, 4, 0, 3, 0, 3)}


def files_under(folder):
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if ".oncohort" not in path)


EXPORTS = [
    NnunetExport(1, "A", (Channel.usual("pet"),), label_role="organs", images="copy", fingerprint=True),
    MhaExport({"pet": "pet"}, Masks("organs")),
    MonaiExport(("pet",), Masks("organs"), images="copy"),
    NnDetectionExport(1, "A", ("pet",), masks=Masks("organs")),
    BidsPetExport(ct_role=None, masks=Masks("organs"), activity="if-known"),
]


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)
def test_a_case_whose_labels_overlap_is_left_out_whole(export, tmp_path):
    good = masks(TWO, liver=(0, 2, 0, 2, 0, 2), veins=(3, 5, 3, 5, 0, 2))
    volumes = {"good": {"pet": pet(), "organs": good}, "bad": {"pet": pet(), "organs": masks(TWO, **OVERLAP)}}
    done = export_cohort(cohort_of(volumes, scheme=TWO), export, out=tmp_path / "out")
    assert done.cases == ("good",)
    assert "overlap" in done.failed["bad"]
    written = files_under(tmp_path / "out")
    assert not [path for path in written if "bad" in path]
    assert [path for path in written if "good" in path]
    record = next((tmp_path / "out").rglob("oncohort.json"))
    assert "bad" not in json.loads(record.read_text())["cases"]


@pytest.mark.parametrize("export", [*EXPORTS, PantsExport("pet", "organs", others="write")], ids=lambda one: one.name)
def test_a_case_without_masks_is_left_out_with_the_role(export, tmp_path):
    good = masks(TWO, liver=(0, 2, 0, 2, 0, 2))
    volumes = {"good": {"pet": pet(), "organs": good}, "bad": {"pet": pet()}}
    done = export_cohort(cohort_of(volumes, scheme=TWO), export, out=tmp_path / "out")
    assert "organs" in done.failed["bad"]
    assert done.cases == ("good",)


def test_what_an_earlier_call_wrote_of_a_case_that_fails_now_is_gone(tmp_path):
    volumes = {case: {"pet": pet(), "organs": masks(TWO, liver=(0, 2, 0, 2, 0, 2))} for case in ("a", "b")}
    export = MhaExport({"pet": "pet"}, Masks("organs"))
    export_cohort(cohort_of(volumes, scheme=TWO), export, out=tmp_path / "out")
    assert len(files_under(tmp_path / "out")) == 5
    del volumes["b"]["organs"]
    done = export_cohort(cohort_of(volumes, scheme=TWO), export, out=tmp_path / "out")
    assert list(done.failed) == ["b"]
    assert files_under(tmp_path / "out") == [
        "images/pet/a.mha",
        "images/tumor-lesion-segmentation/a.mha",
        "oncohort.json",
    ]


def test_channels_on_other_grids_are_refused(tmp_path):
    other = Geometry(GRID.shape, np.diag([1.0, 1.0, 1.0, 1.0]))
    volumes = {"a": {"pet": pet(), "ct": ct(other), "lesions": masks(lesion=(0, 1, 0, 1, 0, 1))}}
    for export in (MonaiExport(("pet", "ct"), Masks()), NnDetectionExport(1, "A", ("pet", "ct"), masks=Masks())):
        with pytest.raises(InputError, match="ct on the grid of"):
            export_cohort(cohort_of(volumes), export, out=tmp_path / export.name)


def test_layers_are_joined_where_the_chosen_labels_do_not_overlap():
    both = masks(TWO, **OVERLAP)
    assert len(both.layers) == 2
    only = mapped(both, LabelMapping.gapless(TWO, only=["veins"]), where="case a")
    assert np.array_equal(only.array, both.mask("veins"))
    with pytest.raises(LabelError, match=r"9 voxels with two labels, the first \(2, 0, 0\) with 1 and 2"):
        mapped(both, LabelMapping.gapless(TWO), where="case a")


def test_masks_with_integers_of_their_own_are_mapped_by_name():
    own = LabelScheme("own", {"veins": 1, "liver": 7})
    mapping = LabelMapping.gapless(TWO)
    found = mapped(masks(own, liver=(0, 1, 0, 1, 0, 1), veins=(1, 2, 0, 1, 0, 1)), mapping, where="case a")
    assert found.array[:3, 0, 0].tolist() == [1, 2, 0]


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)
def test_an_interrupted_call_continues_and_ends_as_one_that_was_not(export, tmp_path):
    volumes = {case: {"pet": pet(), "organs": masks(TWO, liver=(0, 2, 0, 2, 0, 2))} for case in ("a", "b")}
    cohort = cohort_of(volumes, scheme=TWO)
    whole = export_cohort(cohort, export, out=tmp_path / "whole").folder
    masks_of_b = volumes["b"].pop("organs")
    volumes["b"]["organs"] = _Interrupting(masks_of_b)
    with pytest.raises(KeyboardInterrupt):
        export_cohort(cohort, export, out=tmp_path / "cut")
    cut = tmp_path / "cut"
    first = files_under(cut)
    assert first
    assert set(first) < set(files_under(whole))
    before = {path: (cut / path).stat().st_mtime_ns for path in first}
    volumes["b"]["organs"] = masks_of_b
    export_cohort(cohort, export, out=cut)
    assert files_under(cut) == files_under(whole)
    assert {path: (cut / path).stat().st_mtime_ns for path in first} == before
    for path in files_under(whole):
        assert (cut / path).read_bytes() == (whole / path).read_bytes(), path


class _Interrupting(LabelMap):
    """A label map whose reading the user interrupts."""

    def __init__(self, found):
        super().__init__(found.geometry, self._stop, found.scheme)

    @staticmethod
    def _stop():
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "export", [*EXPORTS, PantsExport(), CocoExport(), VocExport(), CsvExport()], ids=lambda export: export.name
)
def test_exports_travel_between_processes_and_say_what_they_are(export):
    again = pickle.loads(pickle.dumps(export))
    assert again == export
    assert json.loads(json.dumps(again.settings())) == export.settings()
    assert export.settings()["export"] == export.name
    assert export.description
