"""Twins on disk: synthetic cohorts in the layouts of published data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from oncohort.compute import ProgressCallback, ResultStore, map_items
from oncohort.errors import InputError
from oncohort.layouts.phantom import TRUTH_FILE
from oncohort.phantoms.cohort import MOST_CASES, NOTICE, FilesStand, PhantomCohort
from oncohort.phantoms.twins.protocol import Size, TwinCase
from oncohort.phantoms.twins.registry import TWINS
from oncohort.storage import claim_folder, content_key, write_bytes, write_json

NOTICE_FILE = "NOTICE.txt"
_VERSION = 1  # of what is written; part of every key


def write_twin(  # noqa: PLR0913 - the keywords are the verb's flags
    name: str,
    out: str | Path,
    *,
    cases: int = 8,
    seed: int = 2026,
    with_faults: bool = False,
    size: Size = "small",
    overwrite: bool = False,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
) -> PhantomCohort:
    """A synthetic cohort in the layout of a published data set, in the folder `out`.

    `out/<name>` holds the data with the published names, columns and quirks;
    `out/phantom.json` is written last and says what is true; `out/NOTICE.txt`
    says that nobody was scanned. With faults, `planted` in `phantom.json`
    lists each with its file and with what a reader should say. The same
    arguments give the same bytes, and a larger cohort starts with the patients
    of a smaller one.

    Args:
        name: One of `TWINS`.
        out: A new folder, or one with the same work, which is then continued.
        cases: Patients, 1 to 999. From 8 on, every fault is planted.
        seed: Chooses the patients.
        with_faults: Plant the known faults of the real set.
        size: "tiny" takes every second voxel along each axis.
        overwrite: Replace other work of Oncohort in `out`.
        jobs: Processes.
        progress: Called after every patient.

    Raises:
        InputError: The name, the number of cases or the size is not known here.
        OutputError: `out` holds something else or cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     written = write_twin("msd", f"{there}/twin", cases=1, size="tiny")
        ...     sorted(path.name for path in written.data.iterdir())
        ['dataset.json', 'imagesTr', 'labelsTr']
    """
    _check(name, cases, size)
    twin = TWINS[name]
    work = {"verb": "phantom", "twin": name, "cases": cases, "seed": seed, "faults": with_faults, "size": size}
    folder = claim_folder(out, {**work, "version": _VERSION}, overwrite=overwrite)
    root = folder.absolute() / name
    tasks = [_Task(name, TwinCase(number, seed, size, root), with_faults) for number in range(1, cases + 1)]
    rows = map_items(
        _write_case,
        tasks,
        keys=[content_key(_VERSION, name, seed, size, with_faults, task.case.number) for task in tasks],
        store=ResultStore(folder / ".oncohort" / "results"),
        is_valid=FilesStand(root),
        jobs=jobs,
        progress=progress,
        label="phantoms",
    )
    twin.write_cohort(root, rows)
    write_bytes(folder / NOTICE_FILE, _notice(name).encode())
    write_json(folder / TRUTH_FILE, _truth(name, seed, rows))
    return PhantomCohort(folder, root, folder / TRUTH_FILE, twin.source, tuple(row["case"] for row in rows))


@dataclass(frozen=True)
class _Task:
    name: str
    case: TwinCase
    with_faults: bool


def _write_case(task: _Task) -> dict[str, Any]:
    twin = TWINS[task.name]
    written = twin.write_case(task.case)
    planted = []
    for fault in twin.faults if task.with_faults else ():
        if fault.number == task.case.number:
            path = fault.plant(written).relative_to(written.root).as_posix()
            planted.append({"fault": fault.name, "path": path, "expect": fault.expect, "answer": fault.answer})
    sizes = {name: (written.root / name).stat().st_size for name in sorted(written.files)}
    facts = {"sex": task.case.sex, "age_years": task.case.age_years, "seed": task.case.patient_seed}
    return {
        "case": written.name,
        **facts,
        **written.truth,
        "sheet": written.sheet,
        "planted": planted,
        "files": sizes,
    }


def _truth(name: str, seed: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    hidden = {"files", "sheet", "planted"}
    return {
        "type": "oncohort.phantom_cohort",
        "format_version": "1.0",
        "synthetic": True,
        "notice": NOTICE,
        "seed": seed,
        "form": name,
        "source": TWINS[name].source,
        "data": name,
        "patients": [{key: value for key, value in row.items() if key not in hidden} for row in rows],
        "planted": [{"case": row["case"], **fault} for row in rows for fault in row["planted"]],
    }


def _notice(name: str) -> str:
    return f"""{NOTICE}.

The files under {name}/ were made by `oncohort phantom {name}`. They have the names and the
form of a published data set and none of its content: no person was scanned, and no image,
label or cell of a sheet comes from it. They are for testing software. phantom.json says
what is true of them.
"""


def _check(name: str, cases: int, size: str) -> None:
    def wrong(expected: str, found: Mapping[str, Any]) -> InputError:
        what, value = next(iter(found.items()))
        return InputError(expected=expected, found=repr(value), where="phantom twin", remedy=f"change {what}")

    if name not in TWINS:
        raise wrong(f"one of {', '.join(TWINS)}", {"the name": name})
    if not 1 <= cases <= MOST_CASES:
        raise wrong(f"1 to {MOST_CASES} cases", {"the number": cases})
    if size not in get_args(Size):
        raise wrong(f"one of {', '.join(get_args(Size))}", {"size": size})
