"""What a report draws of a case: the projection of the PET, or a sheet of the CT where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from oncohort.cohort import Cohort, CohortFacts, Tables
from oncohort.compute import ResultStore
from oncohort.errors import FormatError
from oncohort.formats import write_label_map
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.study.pictures import draw_cases, drawn_models
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume

GRID = Geometry((12, 12, 12), np.diag([-5.0, -5.0, 5.0, 1.0]))
SCHEME = LabelScheme("lesion", {"lesion": 1})


def lesion() -> LabelMap:
    mask = np.zeros(GRID.shape, bool)
    mask[4:8, 4:8, 4:8] = True
    return LabelMap.from_masks({"lesion": mask}, GRID, SCHEME)


def image(unit: Unit) -> Volume:
    return Volume.from_array(np.full(GRID.shape, 3, np.float32), GRID, unit)


def draw(tmp_path: Path, roles: dict[str, Any]) -> Any:
    """The pictures of one case with these roles, for which model `m` has a mask and model `n` a damaged one."""

    def read(row: Any) -> Any:
        if isinstance(roles[row["role"]], Exception):
            raise roles[row["role"]]
        return roles[row["role"]]

    units = {"pet": "SUVbw", "ct": "HU"}
    rows = [{"case": "A", "role": role, "path": role, "unit": units.get(role, "label")} for role in roles]
    tables = Tables.from_rows({"cases": [{"case": "A", "patient": "A"}], "volumes": rows})
    cohort = Cohort(CohortFacts("c", "test"), SCHEME, tables, read, tmp_path)
    for model in "mn":
        (tmp_path / model).mkdir(parents=True)
    write_label_map(tmp_path / "m" / "A.nii.gz", lesion())
    (tmp_path / "n" / "A.nii.gz").write_bytes(b"damaged")
    models = drawn_models("A", {"m": tmp_path / "m", "n": tmp_path / "n"}, {("m", "A"): "Dice 1.000"})
    store = ResultStore(tmp_path / "store")
    return draw_cases(cohort, {"A": models}, role="lesions", synthetic=True, store=store, jobs=1, progress=None)


def test_a_pet_is_projected(tmp_path: Path) -> None:
    (picture,) = draw(tmp_path, {"pet": image(Unit.SUVBW), "ct": image(Unit.HU), "lesions": lesion()})
    assert (picture.is_sheet, picture.reference) == (False, "drawn")


def test_without_pet_the_ct_is_shown(tmp_path: Path) -> None:
    (picture,) = draw(tmp_path, {"ct": image(Unit.HU), "lesions": lesion()})
    assert (picture.is_sheet, picture.reference) == (True, "drawn")
    assert [(name, note) for name, _, note in picture.models] == [("m", "Dice 1.000"), ("n", "")]
    assert picture.png.startswith(b"\x89PNG")


def test_without_reference_the_sheet_says_so(tmp_path: Path) -> None:
    (picture,) = draw(tmp_path, {"ct": image(Unit.HU)})
    assert picture.reference == "absent"


def test_nothing_that_can_be_read_is_no_picture(tmp_path: Path) -> None:
    broken = FormatError(expected="a volume", found="nothing", where="ct", remedy="none")
    assert draw(tmp_path / "a", {"lesions": lesion()}) == ()
    assert draw(tmp_path / "b", {"ct": broken, "lesions": lesion()}) == ()
