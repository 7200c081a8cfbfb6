"""Run the benchmarks, each in a process of its own, one after the other.

python -m benchmarks                    all of them
python -m benchmarks overlap auc        some
python -m benchmarks --tiny ...         on small data: do they run, do the contestants agree
python -m benchmarks --budget 10 ...    seconds per peer and kind of data before it is run on a part and scaled
python -m benchmarks --markdown         tables of the last run, into docs/performance.md
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from benchmarks.works import OTHERS, WORKS

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)
_PAGE = Path("docs/performance.md")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=f"Benchmarks: {', '.join(_all())}.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--tiny", action="store_true", help="small data, and no record is kept")
    parser.add_argument("--budget", type=float, default=60.0, metavar="SECONDS", help="per peer and kind of data")
    parser.add_argument("--markdown", action="store_true", help=f"write the tables of the last run into {_PAGE}")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in _all()]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(_all())}", file=sys.stderr)
        return 64
    if chosen.markdown:
        import_module("benchmarks.tables").write_tables(_PAGE)
        return 0
    if os.environ.get("ONCOHORT_BENCHMARK") and len(chosen.names) == 1:
        return _run(chosen.names[0], chosen)
    return _run_each(chosen.names or list(WORKS if chosen.tiny else _all()), arguments)


def _all() -> dict[str, str]:
    return {**WORKS, **OTHERS}


def _run_each(names: list[str], arguments: list[str]) -> int:
    """Each in a fresh process with one thread and an empty compile cache."""
    flags = [argument for argument in arguments if argument not in names]
    codes = []
    for name in names:
        with tempfile.TemporaryDirectory() as cache:
            extra = {"NUMBA_CACHE_DIR": cache, "PANOPTICA_CITATION_REMINDER": "False", "ONCOHORT_BENCHMARK": name}
            command = [sys.executable, "-m", "benchmarks", name, *flags]
            codes.append(subprocess.call(command, env={**os.environ, **ONE_THREAD, **extra}))
    return max(codes)


def _run(name: str, chosen: argparse.Namespace) -> int:
    module, attribute = _all()[name].split(":")
    found = getattr(import_module(module), attribute)
    if name in OTHERS:
        found()
        return 0
    timings = import_module("benchmarks.contest").run_work(found, budget_s=chosen.budget, tiny=chosen.tiny)
    if not chosen.tiny:
        import_module("benchmarks.records").save_record(name, found.title, timings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
