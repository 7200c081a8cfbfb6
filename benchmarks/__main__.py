"""Run the benchmarks, each in a process of its own, one after the other."""

import subprocess
import sys

from benchmarks.demo import measure_demo
from benchmarks.ingest import measure_ingest
from benchmarks.lesion_metrics import measure_lesion_metrics

BENCHMARKS = {"demo": measure_demo, "ingest": measure_ingest, "lesion-metrics": measure_lesion_metrics}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 64
    if len(names) == 1:
        BENCHMARKS[names[0]]()
        return 0
    codes = [subprocess.call([sys.executable, "-m", "benchmarks", name]) for name in names or BENCHMARKS]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
