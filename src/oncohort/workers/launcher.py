"""A small process between Oncohort and a program that it calls; it is run as a file and imports nothing of Oncohort.

The peak memory that a system counts for a child begins with that of the process that started it, so a large parent
hides what a small child takes: this one is small. It also outlives its parent just long enough to end the program.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any


def main() -> None:
    """Run the words after the first two arguments; report on the file descriptor that the first one names.

    The second argument is a JSON object of environment variables that the program gets besides those that there are.
    When the program ends, or the standard input of this process does, the whole process group is ended.
    """
    report, variables, *words = sys.argv[1:]
    try:
        child = subprocess.Popen(  # noqa: S603 - the words of the caller, without a shell
            words, stdin=subprocess.DEVNULL, env={**os.environ, **json.loads(variables)}
        )
    except OSError as error:
        _end(int(report), {"error": error.strerror or str(error)})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _, status, usage = os.wait4(child.pid, 0)
    _end(int(report), {"status": os.waitstatus_to_exitcode(status), "maxrss": usage.ru_maxrss})


def _end_with_parent() -> None:
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


def _end(report: int, said: dict[str, Any]) -> None:
    os.write(report, json.dumps(said).encode())
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
