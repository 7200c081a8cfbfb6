"""Markdown tables of the last run, written between two marks of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.records import FOLDER, Record, Timing, read_record
from benchmarks.works import WORKS

BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def write_tables(page: Path, folder: Path = FOLDER, *, summary_page: Path = Path("README.md")) -> None:
    """Put the tables of all records into the page, and the summary of them into the README.

    Raises:
        FileNotFoundError: Nothing has been run yet.
    """
    records = [read_record(folder / f"{name}.json") for name in WORKS if (folder / f"{name}.json").is_file()]
    if not records:
        raise FileNotFoundError(f"expected records of a run in {folder}, found none; run make bench")
    _replace(page, "\n\n".join(map(describe, records)))
    if BEGIN in summary_page.read_text():
        _replace(summary_page, summarise(records))


def _replace(page: Path, text: str) -> None:
    before, rest = page.read_text().split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


def describe(record: Record) -> str:
    """Title, one table, and what the numbers are made of."""
    kinds = list(dict.fromkeys(timing.kind for timing in record.timings))
    ours = {timing.kind: timing for timing in record.timings if timing.is_ours}
    names = dict.fromkeys(timing.contestant for timing in record.timings)
    header = ["CPU seconds (ratio to Oncohort)", *kinds, "worst and best ratio", "peak memory, MiB"]
    rows = [_row(name, [_find(record, name, kind) for kind in kinds], ours) for name in names]
    lines = [f"### {_capital(record.title)}", "", *_table(header, rows), "", *_footnotes(record, ours)]
    return "\n".join(lines)


def summarise(records: Sequence[Record]) -> str:
    """One row per work: Oncohort's seconds, and the worst and best ratio of every peer."""
    rows = []
    for record in records:
        ours = {timing.kind: timing for timing in record.timings if timing.is_ours}
        peers = dict.fromkeys(timing.contestant for timing in record.timings if not timing.is_ours)
        ratios = {name: _ratios([_find(record, name, kind) for kind in ours], ours) for name in peers}
        listed = "; ".join(f"{name} {_span(found)}" for name, found in ratios.items() if found)
        times = " / ".join(seconds(timing.cpu_s) for timing in ours.values())
        rows.append([record.title, times, listed])
    newest = max(record.date for record in records)
    header = [
        "work",
        "Oncohort, CPU s on each kind of data",
        "how many times that others take, worst to best",
    ]
    return "\n".join(
        [*_table(header, rows), "", f"Measured on {newest}; {records[-1].machine}; one thread for everybody."]
    )


def _row(name: str, timings: Sequence[Timing], ours: dict[str, Timing]) -> list[str]:
    version = next((timing.version for timing in timings if timing.version), "")
    known = version and version.split()[0] not in ("oncohort", "numpy", "scipy")
    label = f"**{_capital(name)}**" if name == "oncohort" else f"{name} ({version.split()[-1]})" if known else name
    cells = [_cell(timing, ours[timing.kind]) for timing in timings]
    memory = [timing.memory_mib for timing in timings if timing.memory_mib is not None]
    return [
        label,
        *cells,
        _span(_ratios(timings, ours)) if name != "oncohort" else "",
        f"{max(memory):.0f}" if memory else "",
    ]


def _cell(timing: Timing, ours: Timing) -> str:
    if timing.cpu_s is None:
        return f"not run: {timing.note}"
    if timing.is_ours:
        return f"**{seconds(timing.cpu_s)}**"
    mark = "~" if timing.is_scaled else ""
    return f"{mark}{seconds(timing.cpu_s)} ({ratio(timing.cpu_s / _seconds(ours))})"


def _seconds(timing: Timing) -> float:
    assert timing.cpu_s is not None
    return max(timing.cpu_s, 1e-6)


def _ratios(timings: Iterable[Timing], ours: dict[str, Timing]) -> list[float]:
    return [timing.cpu_s / _seconds(ours[timing.kind]) for timing in timings if timing.cpu_s is not None]


def _span(ratios: Sequence[float]) -> str:
    return f"{ratio(min(ratios))} to {ratio(max(ratios))}" if ratios else ""


def _footnotes(record: Record, ours: dict[str, Timing]) -> list[str]:
    first = next(timing.first_s for timing in ours.values())
    checked = [timing.agreement for timing in record.timings if timing.agreement is not None]
    lines = [f"Measured on {record.date}. First call, with compilation: {seconds(first)} s."]
    targets = [f"{kind} {timing.target_s:g} s ({_verdict(timing)})" for kind, timing in ours.items() if timing.target_s]
    if targets:
        lines.append(f"Goal: {', '.join(targets)}.")
    if checked:
        lines.append(f"Largest difference of any value from a peer of the same definition: {max(checked):.0e}.")
    scaled = [timing for timing in record.timings if timing.is_scaled and timing.cpu_s is not None]
    if scaled:
        names = dict.fromkeys(timing.contestant for timing in scaled)
        parts = [
            f"{name} {_parts([timing.items_run for timing in scaled if timing.contestant == name])}" for name in names
        ]
        lines.append(f"`~`: scaled, from so many of {scaled[0].items}: {', '.join(parts)}.")
    return [" ".join(lines)]


def _parts(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low} to {high}"


def _verdict(timing: Timing) -> str:
    return "reached" if _seconds(timing) <= (timing.target_s or 0) else "missed"


def _find(record: Record, name: str, kind: str) -> Timing:
    return next(timing for timing in record.timings if timing.contestant == name and timing.kind == kind)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def seconds(value: float | None) -> str:
    """Two significant digits below ten seconds, whole seconds above."""
    if value is None:
        return "not run"
    if value >= 10:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def ratio(value: float) -> str:
    return f"{value:.0f}x" if value >= 10 else f"{value:.2g}x"
