"""Map a function over items with resume, progress and spawned processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from oncohort.compute.journal import ResultJournal
from oncohort.compute.store import ResultStore
from oncohort.errors import OncohortError

Item = TypeVar("Item")

_THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


@dataclass(frozen=True)
class Progress:
    """How far a run is: items done of total, and the seconds since it began.

    Examples:
        >>> Progress(done=2, total=8, label="scoring", elapsed_s=3.0).remaining_s
        9.0
    """

    done: int
    total: int
    label: str
    elapsed_s: float

    @property
    def remaining_s(self) -> float | None:
        """Seconds left at the present pace; None before the first item."""
        if self.done == 0:
            return None
        return self.elapsed_s / self.done * (self.total - self.done)


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class _Task:
    position: int
    key: str


def map_items(  # noqa: PLR0913 - the five choices of a resumable map, all by keyword
    function: Callable[[Item], Any],
    items: Sequence[Item],
    *,
    keys: Sequence[str],
    store: ResultStore | ResultJournal | None = None,
    is_valid: Callable[[Any], bool] | None = None,
    jobs: int = 1,
    progress: ProgressCallback | None = None,
    label: str = "",
) -> list[Any]:
    """Results of `function` for every item, in the order of the items.

    Keys that `store` knows are not computed again, unless `is_valid` rejects
    the stored result. Every new result is stored as soon as it is there, so a
    killed run continues. An exception stops the map; finished results stay.

    Args:
        function: Picklable when `jobs` is above 1; takes one item, returns a JSON-able value.
        items: What to work on.
        keys: One key per item that names all that its result depends on.
        store: Where finished results are remembered.
        is_valid: Says whether a remembered result still stands (its files exist).
        jobs: Processes; 1 stays in this one. Others are spawned with one thread each.
        progress: Called after every item.
        label: Shown with the progress.

    Returns:
        One result per item, whatever the number of jobs.

    Raises:
        OncohortError: A spawned process was killed, most likely for lack of memory.

    Examples:
        >>> map_items(abs, [-1, 2, -3], keys=["a", "b", "c"])
        [1, 2, 3]
    """
    started = time.monotonic()
    results: list[Any] = [None] * len(items)
    tasks = []
    for position, (_, key) in enumerate(zip(items, keys, strict=True)):
        known = store.get(key) if store is not None else None
        if known is not None and (is_valid is None or is_valid(known)):
            results[position] = known
        else:
            tasks.append(_Task(position, key))
    if progress is not None and tasks:
        progress(Progress(0, len(tasks), label, 0.0))
    for finished, (task, result) in enumerate(_run(function, items, tasks, jobs), start=1):
        results[task.position] = result
        if store is not None:
            store.put(task.key, result)
        if progress is not None:
            progress(Progress(finished, len(tasks), label, time.monotonic() - started))
    return results


def _run(
    function: Callable[[Item], Any], items: Sequence[Item], tasks: list[_Task], jobs: int
) -> Iterator[tuple[_Task, Any]]:
    if jobs <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, function(items[task.position])
        return
    with _single_threaded_children(), _pool(min(jobs, len(tasks))) as pool:
        futures = {pool.submit(function, items[task.position]): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise _process_died(jobs) from error
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _process_died(jobs: int) -> OncohortError:
    return OncohortError(
        expected="worker processes that live until the end",
        found="one that was ended from outside (out of memory?)",
        where=f"{jobs} jobs",
        remedy="run the same command with fewer --jobs; finished items are kept",
    )


def _pool(jobs: int) -> ProcessPoolExecutor:
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(max_workers=jobs, mp_context=spawn, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """Let this process end when the one that spawned it is gone; a killed run leaves no workers behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent,), daemon=True).start()


def _wait_and_end(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


class _single_threaded_children:  # noqa: N801 - a context manager reads like a verb
    """Give spawned processes one thread each, then restore the environment."""

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in _THREAD_SETTINGS}
        os.environ.update(dict.fromkeys(_THREAD_SETTINGS, "1"))

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
