"""Ingest of 24 real patients (3278 DICOM files); needs ONCOHORT_DATA."""

import os
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.timing import peak_memory_mib, show, timed
from oncohort.ingestion import ingest

_NAME = "sts_petct"


def measure_ingest() -> None:
    print("ingest: 24 sarcoma patients, CT, PET and structure sets, 1 process")
    root = Path(os.environ.get("ONCOHORT_DATA") or "/nonexistent")
    with TemporaryDirectory() as folder:
        data = _unpacked(root, Path(folder))
        if data is None:
            print(f"  not measured: ONCOHORT_DATA holds neither {_NAME} nor {_NAME}.zip")
            return
        cohort, first = timed(lambda: ingest("dicom", data, out=Path(folder) / "cohort"))
        _, again = timed(lambda: ingest("dicom", data, out=Path(folder) / "cohort"))
    show(f"ingest {len(cohort)} cases (first)", first)
    show("ingest again, nothing changed", again)
    print(f"  peak memory {peak_memory_mib():.0f} MiB")


def _unpacked(root: Path, folder: Path) -> Path | None:
    if (root / _NAME / "dicom").is_dir():
        return root / _NAME / "dicom"
    archive = root / f"{_NAME}.zip"
    if not archive.is_file():
        return None
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder / "data")
    return folder / "data" / _NAME / "dicom"
