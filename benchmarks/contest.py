"""One work, several contestants on the same arrays: who takes how long, and whether they agree.

A work is run on every kind of data in turn. Oncohort goes first, then every peer, and Oncohort again after each of
them; its time is the median. Everything runs in one process with one thread. A peer whose cost grows with the number
of items (labels, structures, draws) and that would take longer than the budget is run on some of them, evenly chosen;
its time is scaled, and the record says from how many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, util
from statistics import median
from typing import Any

from benchmarks.records import Timing
from benchmarks.timing import extra_memory_mib, show, timed

Values = Mapping[Any, Mapping[str, float]]
_QUICK_S = 3.0


@dataclass(frozen=True)
class Contestant:
    """Somebody who does the work.

    Args:
        name: As the table shows it.
        run: Called with the data and the items; gives named values per item.
        module: What must be importable.
        package: Whose version is printed.
        linear: Its cost grows with the number of items, so that a share of them tells the whole.
        compares: The values that have the same definition as ours; others are not compared.
        tolerance: How far these may be from ours.
        skips: Kinds of data that it cannot do, with the reason.
    """

    name: str
    run: Callable[[Any, Sequence[Any]], Values]
    module: str = "numpy"
    package: str = "numpy"
    linear: bool = True
    compares: frozenset[str] = frozenset()
    tolerance: float = 1e-6
    skips: tuple[tuple[str, str], ...] = ()

    @property
    def version(self) -> str:
        """Name and version of the package; empty where it is not installed."""
        return f"{self.package} {metadata.version(self.package)}" if util.find_spec(self.module) else ""


@dataclass(frozen=True)
class Work:
    """Something that somebody wants computed.

    Args:
        name: What `python -m benchmarks` calls it.
        title: What is computed, of what.
        kinds: Kinds of data.
        make: Data of a kind; small if `tiny`.
        items: What the cost is counted in.
        items_name: What they are called.
        ours: Oncohort's way.
        peers: The others.
        target_s: CPU seconds that Oncohort must reach, by kind.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    make: Callable[[str, bool], Any]
    items: Callable[[Any], Sequence[Any]]
    items_name: str
    ours: Contestant
    peers: tuple[Contestant, ...]
    target_s: Mapping[str, float]


class DisagreementError(AssertionError):
    """A peer of the same definition gives another number."""


def run_work(work: Work, *, budget_s: float, tiny: bool = False) -> list[Timing]:
    """Run every contestant on every kind of data, print as it goes, and give the records."""
    print(f"{work.name}: {work.title}; 1 thread", flush=True)
    small = work.make(work.kinds[0], True)
    _, first = timed(lambda: work.ours.run(small, work.items(small)))
    show("oncohort, first call (compiles)", first)
    for peer in work.peers:
        if peer.version:
            peer.run(small, work.items(small))  # imports
    records = []
    for kind in work.kinds:
        print(f" {kind}")
        records += _run_kind(work, kind, work.make(kind, tiny), budget_s)
    return [record.with_first_s(first.cpu_s) if record.is_ours else record for record in records]


def _run_kind(work: Work, kind: str, data: Any, budget_s: float) -> list[Timing]:
    items = list(work.items(data))
    expected, cost = timed(lambda: work.ours.run(data, items))
    ours = [cost.cpu_s]
    memory = extra_memory_mib(lambda: work.ours.run(data, items))
    show("oncohort", cost, f"peak memory +{memory or 0:.0f} MiB")
    peers = []
    for peer in work.peers:
        peers.append(_run_peer(work, peer, kind, data, items, expected, budget_s))
        if ours[0] < _QUICK_S:
            ours += [timed(lambda: work.ours.run(data, items))[1].cpu_s for _ in range(3)]
    middle = median(ours)
    print(f"  oncohort, median of {len(ours)}: {middle:.3f} s CPU; target {work.target_s.get(kind, float('nan'))}")
    own = Timing(
        work.name,
        kind,
        "oncohort",
        work.ours.version,
        middle,
        len(items),
        len(items),
        memory,
        target_s=work.target_s.get(kind),
    )
    return [own, *peers]


def _run_peer(
    work: Work, peer: Contestant, kind: str, data: Any, items: list[Any], expected: Values, budget_s: float
) -> Timing:
    reason = dict(peer.skips).get(kind) or (None if peer.version else "not installed: make bench installs it")
    if reason:
        print(f"  {peer.name:<44} not run: {reason}", flush=True)
        return Timing(work.name, kind, peer.name, peer.version, None, 0, len(items), None, note=reason)
    part, cpu_s = _measure(peer, data, items, budget_s)
    worst = disagreement(expected, part.found, peer.compares)
    if worst > peer.tolerance:
        names = sorted(peer.compares)
        raise DisagreementError(f"{work.name}, {kind}: {peer.name} differs from oncohort by {worst:.3g} in {names}")
    number = len(part.items)
    scaled = "" if number == len(items) else f"scaled from {number} of {len(items)} {work.items_name}; "
    agreed = f"largest difference {worst:.0e}" if peer.compares else "other definitions"
    print(
        f"  {peer.name:<44} {cpu_s:7.2f} s CPU  {scaled}{agreed}, peak memory +{part.memory_mib or 0:.0f} MiB",
        flush=True,
    )
    agreement = worst if peer.compares else None
    return Timing(
        work.name, kind, peer.name, peer.version, cpu_s, number, len(items), part.memory_mib, agreement=agreement
    )


@dataclass(frozen=True)
class _Part:
    """What came of some of the items: values, CPU seconds of a warm call, peak memory of a call."""

    items: list[Any]
    found: Values
    cpu_s: float
    memory_mib: float | None


def _measure(peer: Contestant, data: Any, items: list[Any], budget_s: float) -> tuple[_Part, float]:
    """The largest part of the items that the budget allows, and CPU seconds of all of them."""
    if not peer.linear or len(items) == 1:
        part = _measure_part(peer, data, items)
        return part, part.cpu_s
    one = _measure_part(peer, data, [items[len(items) // 2]], calls=1)
    if one.cpu_s > budget_s:
        return one, one.cpu_s * len(items)
    number = min(len(items), max(2, int(budget_s / max(one.cpu_s, 1e-9))))
    part = _measure_part(peer, data, spread(items, number))
    per_item = max(0.0, (part.cpu_s - one.cpu_s) / (number - 1))  # a fixed part is not multiplied
    return part, part.cpu_s + (len(items) - number) * per_item


def _measure_part(peer: Contestant, data: Any, items: list[Any], calls: int = 3) -> _Part:
    kept: dict[str, Any] = {}

    def call() -> None:
        kept["found"], kept["cost"] = timed(lambda: peer.run(data, items))

    memory = extra_memory_mib(call)
    times = [kept["cost"].cpu_s]
    while times[0] < _QUICK_S and len(times) < calls:
        call()
        times.append(kept["cost"].cpu_s)
    return _Part(items, kept["found"], median(times), memory)


def spread(items: Sequence[Any], number: int) -> list[Any]:
    """That many of the items, evenly chosen."""
    return [items[n * len(items) // number] for n in range(number)]


def disagreement(expected: Values, found: Values, names: frozenset[str]) -> float:
    """The largest difference between two answers, in the named values that both define."""
    differences = [
        abs(float(expected[item][name]) - float(value[name]))
        for item, value in found.items()
        for name in names & value.keys()
        if item in expected
    ]
    return max((difference for difference in differences if not math.isnan(difference)), default=0.0)
