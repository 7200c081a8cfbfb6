"""The benchmarks run, their contestants agree, and their tables say what was measured."""

import dataclasses
import importlib

import pytest
from benchmarks.__main__ import main
from benchmarks.contest import Contestant, DisagreementError, Work, run_work, spread
from benchmarks.records import Timing, read_record, save_record
from benchmarks.tables import BEGIN, END, describe, write_tables
from benchmarks.volumes import CT, HARD, KINDS, PERTURBED, make_organs
from benchmarks.works import WORKS


def quick_work(peer_value=1.0, *, module="numpy"):
    """One item, worth 1."""
    return Work(
        name="quick",
        title="a quick work",
        kinds=("plain",),
        make=lambda kind, tiny: None,
        items=lambda _: ("only",),
        items_name="items",
        ours=Contestant("oncohort", lambda data, items: {"only": {"value": 1.0}}, "oncohort", "oncohort"),
        peers=(
            Contestant(
                "peer",
                lambda data, items: {"only": {"value": peer_value}},
                module,
                module,
                compares=frozenset({"value"}),
            ),
        ),
        target_s={"plain": 9.0},
    )


@pytest.mark.parametrize("name", WORKS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_runs_and_agrees_on_small_data(name):
    module, attribute = WORKS[name].split(":")
    work = getattr(importlib.import_module(module), attribute)
    if name == "auc":
        work = dataclasses.replace(work, items=lambda _: range(50))
    timings = run_work(work, budget_s=0.2, tiny=True)
    assert {(timing.kind, timing.contestant) for timing in timings} == {
        (kind, one.name) for kind in work.kinds for one in (work.ours, *work.peers)
    }
    assert all(timing.cpu_s is not None or timing.note for timing in timings)


def test_a_peer_that_is_not_installed_is_named():
    missing = run_work(quick_work(module="no_such_package"), budget_s=1.0)[1]
    assert missing.cpu_s is None
    assert "not installed" in missing.note


def test_a_peer_that_disagrees_stops_the_run():
    with pytest.raises(DisagreementError, match="differs from oncohort by"):
        run_work(quick_work(peer_value=1.5), budget_s=1.0)


def test_volumes_are_the_same_every_time_and_differ_by_kind():
    small = CT.shrunk(8)
    pairs = {kind: make_organs(small, kind) for kind in KINDS}
    again = make_organs(small, HARD)
    assert (pairs[HARD].prediction == again.prediction).all()
    assert pairs[HARD].reference.flags.f_contiguous
    agreement = {kind: float((pair.reference == pair.prediction).mean()) for kind, pair in pairs.items()}
    assert agreement[PERTURBED] > agreement[HARD] > agreement[KINDS[2]]
    only = set(pairs[HARD].reference.flat) ^ set(pairs[HARD].prediction.flat)
    assert len(only) >= 5  # missed and invented


def test_a_part_is_evenly_chosen():
    assert spread(range(10), 5) == [0, 2, 4, 6, 8]
    assert spread("abc", 3) == ["a", "b", "c"]


def test_tables_tell_ratios_and_what_was_scaled_or_not_run(tmp_path):
    timings = [
        Timing("w", "easy", "oncohort", "oncohort 1", 0.1, 4, 4, 10.0, first_s=2.0, target_s=0.2),
        Timing("w", "easy", "other", "other 7.1", 20.0, 2, 4, 300.0, agreement=1e-9),
        Timing("w", "easy", "absent", "", None, 0, 4, None, note="not installed"),
        Timing("w", "hard", "oncohort", "oncohort 1", 0.5, 4, 4, 12.0, first_s=2.0, target_s=0.2),
        Timing("w", "hard", "other", "other 7.1", 1.0, 4, 4, 100.0, agreement=1e-8),
        Timing("w", "hard", "absent", "", None, 0, 4, None, note="not installed"),
    ]
    text = describe(read_record(save_record("w", "the work", timings, tmp_path)))
    assert "| other (7.1) | ~20 (200x) | 1.0 (2x) | 2x to 200x | 300 |" in text
    assert "| absent | not run: not installed | not run: not installed |  |  |" in text
    assert "easy 0.2 s (reached), hard 0.2 s (missed)" in text
    assert "`~`: scaled, from so many of 4: other 2." in text
    assert "1e-08" in text


def test_tables_go_between_the_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    save_record(
        "auc", "the work", [Timing("auc", "k", "oncohort", "oncohort 1", 0.1, 1, 1, 1.0, first_s=1.0)], tmp_path
    )
    write_tables(page, tmp_path, summary_page=page)
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("\nafter\n")
    assert "old" not in page.read_text()


def test_an_unknown_benchmark_is_wrong_usage(capsys):
    assert main(["no-such-work"]) == 64
    assert "there are overlap" in capsys.readouterr().err
