"""Strata of cases: what their values are, and whether patients can be balanced by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import polars as pl

from oncohort.errors import SettingsError, shown


def volume_class(volume_ml: float | None, edges_ml: Sequence[float]) -> str:
    """The stratum of a lesion volume: `unknown`, `none`, or the number of edges that it reaches.

    Examples:
        >>> [volume_class(volume, (10.0, 100.0)) for volume in (None, 0.0, 3.0, 10.0, 500.0)]
        ['unknown', 'none', 'class 0', 'class 1', 'class 2']
    """
    if volume_ml is None:
        return "unknown"
    if volume_ml == 0:
        return "none"
    return f"class {sum(volume_ml >= edge for edge in edges_ml)}"


def mixtures(cases: pl.DataFrame, strata: Sequence[str]) -> list[tuple[str, ...]]:
    """The stratum of every case: its values in the columns `strata`, as text.

    Examples:
        >>> mixtures(pl.DataFrame({"tracer": ["FDG", None], "x": [1, 2]}), ["tracer", "x"])
        [('FDG', '1'), ('None', '2')]
    """
    return [tuple(map(str, row)) for row in cases.select(strata).rows()] if strata else [()] * len(cases)


def require_strata(cases: pl.DataFrame, strata: Sequence[str]) -> None:
    """Raise if a stratum is named twice, or holds measured numbers instead of classes.

    A column of numbers with a fraction is refused where it has more values than half of the patients that have one:
    as text each of them would be a stratum of its own, and none could be balanced.

    Args:
        cases: Column `patient`, and those of `strata`.
        strata: Names of columns.

    Raises:
        SettingsError: Naming the column and the remedy.

    Examples:
        >>> cases = pl.DataFrame({"patient": ["a", "b", "c", "d"], "phase": [0.0, 1.0, 0.0, 1.0]})
        >>> require_strata(cases, ["phase"])
    """
    twice = [name for name, count in Counter(strata).items() if count > 1]
    if twice:
        raise _wrong("every stratum once", f"{shown(twice)} named twice", "name it once")
    for name in strata:
        if cases[name].dtype.is_float():
            _require_classes(name, cases.filter(pl.col(name).is_not_nan() & pl.col(name).is_not_null()))


def thin_strata(cases: pl.DataFrame, strata: Sequence[str]) -> int:
    """How many strata are those of one patient alone, which no draw can balance.

    Args:
        cases: Column `patient`, and those of `strata`.
        strata: Names of columns; their values together are the stratum of a case.

    Examples:
        >>> cases = pl.DataFrame({"patient": ["a", "a", "b", "c"], "day": ["1", "2", "3", "3"]})
        >>> thin_strata(cases, ["day"])
        2
    """
    owners: dict[tuple[str, ...], set[str]] = {}
    for mixture, patient in zip(mixtures(cases, strata), cases["patient"], strict=True):
        owners.setdefault(mixture, set()).add(patient)
    return sum(len(patients) == 1 for patients in owners.values())


def _require_classes(name: str, known: pl.DataFrame) -> None:
    values, patients = known[name].n_unique(), known["patient"].n_unique()
    if values > max(2, patients / 2):
        raise _wrong(
            f"classes in the stratum {name}",
            f"{values} different numbers for {patients} patients, so that few could be balanced",
            "make a column of classes from it and name that one, or leave it out",
        )


def _wrong(expected: str, found: str, remedy: str) -> SettingsError:
    return SettingsError(expected=expected, found=found, where="split", remedy=remedy)
