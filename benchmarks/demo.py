"""The demo: eight synthetic patients from DICOM to the report, in one process."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.timing import peak_memory_mib, show, timed
from oncohort.study import make_demo, run


def measure_demo() -> None:
    print("demo: 8 synthetic patients, DICOM to report, 1 process")
    with TemporaryDirectory() as folder:
        study, writing = timed(lambda: _make(Path(folder)))
        _, running = timed(lambda: _run(study))
        _, again = timed(lambda: _run(study))
    show("write the patients", writing)
    show("run the study (first)", running)
    show("run it again, nothing changed", again)
    print(f"  peak memory {peak_memory_mib():.0f} MiB")


def _make(folder: Path) -> Path:
    return make_demo(folder / "demo")


def _run(study: Path) -> None:
    run(study)
