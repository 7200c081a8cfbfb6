"""Study files, small inputs for them, and what a run leaves behind as plain values."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from dicom_files import square, write_pet, write_series, write_structures
from oncohort.formats import write_nifti
from oncohort.geometry import Geometry
from oncohort.phantoms import write_phantom_cohort
from oncohort.units import Unit
from oncohort.volume import Volume

THRESHOLD = {"name": "suv-2.5", "segmenter": "threshold", "suv": 2.5}
PERCENT = {"name": "41-percent", "segmenter": "percent-of-max", "percent": 41, "seed_suv": 4.0, "connectivity": 18}
RESAMPLE = {"resample": {"role": "ct", "onto": "pet", "interpolation": "linear", "fill": -1024}}
GRID = Geometry((12, 10, 8), np.diag([-4.0, -4.0, 5.0, 1.0]))


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory) -> Path:
    """The raw data set folder of three synthetic patients; copy it before changing it."""
    return write_phantom_cohort(tmp_path_factory.mktemp("phantoms"), cases=3, form="nnunet").data


def settings(**changes: Any) -> dict[str, Any]:
    """The settings of a small study; a section given as None is left out."""
    values: dict[str, Any] = {
        "study": {"name": "small", "out": "results"},
        "cohort": {"source": "nnunet", "path": "data"},
        "model": [THRESHOLD, PERCENT],
        "evaluation": {"profile": "autopet-iii"},
        "ranking": {"bootstrap": 50, "seed": 7},
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def save_study(path: Path, **changes: Any) -> Path:
    """Write a study file with `settings(**changes)`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_toml(settings(**changes)), encoding="utf-8")
    return path


def _toml(values: Mapping[str, Any]) -> str:
    tables = [(f"[[{name}]]", one) for name, many in values.items() if isinstance(many, list) for one in many]
    tables = [*((f"[{name}]", one) for name, one in values.items() if isinstance(one, dict)), *tables]
    return "\n".join("\n".join([head, *(f"{key} = {_value(v)}" for key, v in one.items())]) for head, one in tables)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


def copy_study(folder: Path, phantoms: Path, **changes: Any) -> Path:
    """A study file beside its own copy of the phantoms."""
    shutil.copytree(phantoms, folder / "data")
    return save_study(folder / "study.toml", **changes)


def save_image(path: Path, array: np.ndarray, grid: Geometry = GRID, unit: Unit = Unit.SUVBW) -> Path:
    """Write one NIfTI file."""
    write_nifti(path, Volume.from_array(array, grid, unit))
    return path


def write_dataset(root: Path, *cases: str) -> Path:
    """A raw data set of tiny PET images, each with a lesion of SUV 8 in a body of SUV 1."""
    for case in cases:
        pet = np.ones(GRID.shape, np.float32)
        pet[2:6, 3:6, 2:5] = 8.0
        save_image(root / "imagesTr" / f"{case}_0000.nii.gz", pet)
        save_image(root / "labelsTr" / f"{case}.nii.gz", (pet > 4).astype(np.uint8), unit=Unit.LABEL)
    facts = {"channel_names": {"0": "PET"}, "labels": {"background": 0, "lesion": 1}, "file_ending": ".nii.gz"}
    (root / "dataset.json").write_text(json.dumps({**facts, "numTraining": len(cases)}))
    return root


def write_patient(
    folder: Path,
    patient: str = "P1",
    *,
    prefix: str = "1.2",
    study: str = "1.2.7",
    date: str = "20250101",
    pet_tags: Mapping[str, Any] | None = None,
) -> Path:
    """CT, PET and a lesion drawn on the PET, as DICOM files of a patient."""
    tags = {"PatientID": patient, "StudyInstanceUID": study, "StudyDate": date, "FrameOfReferenceUID": f"{prefix}.8"}
    tags["SpecificCharacterSet"] = "ISO_IR 192"
    i, j, k = np.indices((6, 5, 4))
    stored = (1000 + 9000 * ((i - 2) ** 2 + (j - 2) ** 2 + (k - 1) ** 2 < 4)).astype(np.int16)
    write_series(folder / "ct", uid=f"{prefix}.3", shape=(6, 5, 4), tags=tags)
    write_pet(folder / "pet", uid=f"{prefix}.4", shape=(6, 5, 4), stored=stored, tags={**tags, **(pet_tags or {})})
    write_structures(
        folder / "rtstruct.dcm",
        {"GTV": [square(-9, -15, 34), square(-9, -15, 38)]},
        series=f"{prefix}.4",
        uid=f"{prefix}.9",
        **tags,
    )
    return folder


class Watch:
    """A progress callback that counts what was done by stage, whatever the numbers of the stage say."""

    def __init__(self) -> None:
        self.done: dict[str, int] = {}

    def __call__(self, progress: Any) -> None:
        if progress.done and progress.label != "reading headers":
            self.done[progress.label] = progress.done


_MEASURED = ("seconds", "peak_memory_mib", "device_memory_mib")


def leftovers(out: Path) -> dict[str, Any]:
    """Everything that a run leaves behind, times and the page aside: tables as rows, other files as bytes."""
    found: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_dir() or ".oncohort" in path.parts or name == "report.html":
            continue
        if path.suffix == ".parquet":
            found[name] = pl.read_parquet(path, glob=False).drop(_MEASURED, strict=False).to_dicts()
        elif path.suffix == ".json":
            found[name] = {key: value for key, value in json.loads(path.read_text()).items() if key != "created_at"}
        else:
            found[name] = path.read_bytes()
    return found


def stamps(folder: Path, pattern: str = "*") -> dict[str, int]:
    """Modification times of the files below a folder."""
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob(pattern)) if path.is_file()}
