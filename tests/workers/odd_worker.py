"""A worker that behaves badly when asked to."""

import multiprocessing
import os
import subprocess
import sys
import time

from oncohort.workers.serving import Refusal, serve


def _shout(request):
    print("printed by a library", flush=True)
    subprocess.run([sys.executable, "-c", "print('printed by a child')"], check=True)
    yield {"event": "stage", "value": float("nan"), "kept": [1.5, {"low": float("-inf")}]}
    yield {"event": "done", "text": request["text"]}


def _refuse(request):
    yield {"event": "stage"}
    raise Refusal(expected="a pear", found="an apple", where="basket", remedy="swap it")


def _fail(request):
    yield {"event": "stage"}
    raise ValueError("three is not four")


def _lack(request):
    raise ModuleNotFoundError("No module named 'pear'", name="pear")
    yield


def _die(request):
    sys.stderr.write("the last words of a library\n")
    sys.stderr.flush()
    os._exit(7)
    yield


def _sleep(request):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield {"event": "stage", "processes": [os.getpid(), child.pid]}
    time.sleep(600)


def _sum(request):
    yield {"event": "done", "sum": sum(request["numbers"]), "mark": os.environ.get("ODD_MARK")}


def _child(numbers, answers):
    answers.put(sum(numbers))


def _fork(request):
    """As augmenters of nnU-Net are started, while requests are read by a thread."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=_child, args=(request["numbers"], answers), daemon=True)
    process.start()
    yield {"event": "done", "sum": answers.get(timeout=20)}


def _leave(request):
    """Die and leave a child that holds the output open."""
    child = os.fork()
    if not child:
        time.sleep(600)
    yield {"event": "stage", "processes": [child]}
    os._exit(3)


HANDLERS = {
    "fork": _fork,
    "leave": _leave,
    "shout": _shout,
    "refuse": _refuse,
    "fail": _fail,
    "lack": _lack,
    "die": _die,
    "sleep": _sleep,
    "sum": _sum,
}

if __name__ == "__main__":
    serve(lambda: HANDLERS, extra="fruit")
