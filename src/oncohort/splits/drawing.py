"""Splits drawn from a table of cases, or taken from what a data set says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from oncohort.errors import SettingsError
from oncohort.splits.assigning import assign_groups
from oncohort.splits.split import Split
from oncohort.splits.strata import mixtures, require_strata

TEST, VALIDATION = ("test", "preliminary"), ("val", "validation")
"""Words of the column `split` that keep a case out of training; `preliminary` is DEEP-PSMA's first test set."""

WORDS = ("train", *VALIDATION, *TEST)
"""All words of the column `split`."""


def draw_split(
    cases: pl.DataFrame,
    *,
    folds: int,
    test_share: float = 0.0,
    strata: Sequence[str] = (),
    seed: int,
    official_test: bool = True,
) -> Split:
    """A test set and folds, drawn by patient with the same mixture of strata in each.

    Args:
        cases: Columns `case`, `patient`, and those of `strata`; `study` and `split` where there are any.
        folds: 2 or more; 1 gives no validation: all but the test set trains.
        test_share: Share of the cases for the test set, from 0 to below 1.
        strata: Columns whose values together are the stratum of a case; a missing value is a value.
        seed: Of the draw.
        official_test: Whether cases that the column `split` calls `test` are the test set, and no other is drawn.

    Raises:
        SettingsError: No such column, too few patients, a case without patient, a share drawn beside an official test
            set, or a word in the column `split` that is not one of `WORDS`.

    Examples:
        >>> cases = pl.DataFrame({"case": ["a1", "a2", "b", "c", "d"], "patient": ["a", "a", "b", "c", "d"]})
        >>> split = draw_split(cases, folds=2, seed=1)
        >>> [len(fold) for fold in split.folds], split.validation(0)[0] in ("a1", "b", "c", "d")
        ([3, 2], True)
    """
    require_drawable(cases, folds=folds, test_share=test_share, strata=strata, seed=seed, official_test=official_test)
    official = _official_test(cases) if official_test else []
    rest = cases.filter(~pl.col("case").is_in(official))
    test = official or _drawn_test(rest, test_share, strata, seed, folds)
    trained = rest.filter(~pl.col("case").is_in(test))
    parts = _parts(trained, [1 / folds] * folds, strata, seed) if folds > 1 else {}
    members = [tuple(case for case, part in parts.items() if part == number) for number in range(folds if parts else 0)]
    return Split(
        patients=_by_case(cases, "patient"),
        test=tuple(test),
        folds=tuple(members),
        train_only=() if parts else tuple(trained["case"]),
        studies=_by_case(cases, "study"),
        seed=seed,
        strata=tuple(strata),
    )


def require_drawable(
    cases: pl.DataFrame,
    *,
    folds: int,
    test_share: float = 0.0,
    strata: Sequence[str] = (),
    seed: int,
    official_test: bool = True,
) -> None:
    """Raise if `draw_split` would refuse these arguments, which it takes in the same way.

    Raises:
        SettingsError: As `draw_split` does.

    Examples:
        >>> require_drawable(pl.DataFrame({"case": ["a", "b"], "patient": ["a", "b"]}), folds=2, seed=1)
    """
    _require_columns(cases, ["case", "patient", *strata])
    without = list(cases.filter(pl.col("patient").is_null())["case"])
    if without:
        raise _wrong("a patient for every case", f"none for {_some(without)}")
    _check_draw(folds, test_share, seed)
    require_strata(cases, strata)
    official = _official_test(cases) if official_test else []
    if official and test_share:
        raise SettingsError(
            expected="no test_share beside an official test set",
            found=f"{test_share:g} and {len(official)} official cases",
            where="split",
            remedy="leave the share out: the official cases are the test set, and the folds hold the others",
        )
    rest = cases.filter(~pl.col("case").is_in(official))
    _require_patients(rest, folds, has_drawn_test=test_share > 0)


def given_split(cases: pl.DataFrame, *, fold_column: str | None = None) -> Split:
    """The split that a data set brings along: its column `split`, and folds by number where it has any.

    Args:
        cases: Columns `case`, `patient` and `split`.
        fold_column: Column with the number of the fold that a case validates; in the other folds it trains.

    Raises:
        SettingsError: No such column, a case whose part is missing or no known word, or a validation case without the
            number of a fold, which would train.
        LeakageError: A patient or a study stands in two parts: the published split leaks.

    Examples:
        >>> cases = pl.DataFrame({"case": ["a", "b"], "patient": ["a", "b"], "split": ["train", "test"]})
        >>> given_split(cases).test
        ('b',)
    """
    _require_columns(cases, ["case", "patient", "split", *([fold_column] if fold_column else [])])
    test = _official_test(cases)
    without = list(cases.filter(pl.col("split").is_null())["case"])
    if without:
        raise _wrong(f"a part ({', '.join(WORDS)}) for every case in the column split", f"none for {_some(without)}")
    others = cases.filter(~pl.col("case").is_in(test))
    validation = tuple(others.filter(pl.col("split").is_in(VALIDATION))["case"])
    folds: list[tuple[str, ...]] = [validation] if validation else []
    if fold_column is not None:
        folds = _numbered_folds(others, fold_column)
    placed = {case for fold in folds for case in fold}
    return Split(
        patients=_by_case(cases, "patient"),
        test=tuple(test),
        folds=tuple(folds),
        train_only=tuple(case for case in others["case"] if case not in placed),
        studies=_by_case(cases, "study"),
        origin="official",
    )


def trained_validation(cases: pl.DataFrame, split: Split) -> tuple[str, ...]:
    """Cases that the column `split` calls validation and that train all the same, in one fold or in all.

    Args:
        cases: Columns `case` and, where the data set says it, `split`.
        split: Of these cases.

    Returns:
        Their ids, in the order of `cases`.

    Examples:
        >>> cases = pl.DataFrame({"case": ["a", "b"], "patient": ["a", "b"], "split": ["train", "val"]})
        >>> trained_validation(cases, draw_split(cases, folds=2, seed=1)), trained_validation(cases, given_split(cases))
        (('b',), ())
    """
    if "split" not in cases.columns:
        return ()
    training = {*split.train_only, *(case for fold in range(len(split.folds)) for case in split.training(fold))}
    return tuple(case for case in cases.filter(pl.col("split").is_in(VALIDATION))["case"] if case in training)


def _numbered_folds(cases: pl.DataFrame, column: str) -> list[tuple[str, ...]]:
    """Validation cases of each fold by its number, those of the official validation set among them."""
    numbers = cases[column]
    if numbers.dtype.is_float():
        numbers = numbers.fill_nan(None)
    if numbers.dtype == pl.String:
        whole = numbers.cast(pl.Int64, strict=False)
        numbers = whole if (whole.is_null() == numbers.is_null()).all() else numbers  # names count in their order
    known = numbers.drop_nulls()
    if (
        column == "split"
        or not len(known)
        or known.dtype.is_nested()
        or (known.dtype.is_float() and (known % 1 != 0).any())
    ):
        raise _wrong(f"numbers of folds in the column {column}", _some(list(known)) or "none for any case but test")
    unplaced = list(cases.filter(numbers.is_null() & pl.col("split").is_in(VALIDATION))["case"])
    if unplaced:
        raise SettingsError(
            expected=f"the number of a fold in the column {column} for every case of the official validation set",
            found=f"none for {_some(unplaced)}, which would train",
            where="split",
            remedy="leave fold_column out, so that the validation cases are the one fold, or give them a number",
        )
    return [tuple(cases.filter(numbers == number)["case"]) for number in known.unique().sort()]


def _official_test(cases: pl.DataFrame) -> list[str]:
    """Cases of the official test set; a word such as `Test` is no reason to train on them."""
    if "split" not in cases.columns:
        return []
    strange = cases.filter(~pl.col("split").is_in(WORDS))["split"].unique().sort()
    if len(strange):
        raise _wrong(f"{', '.join(WORDS)} or nothing in the column split", _some(list(strange)))
    return list(cases.filter(pl.col("split").is_in(TEST))["case"])


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _drawn_test(cases: pl.DataFrame, share: float, strata: Sequence[str], seed: int, folds: int) -> list[str]:
    """Cases of a test set that leaves a patient for every fold."""
    if not share:
        return []
    parts = _parts(cases, [1 - share, share], strata, seed, [folds, 1])
    return [case for case, part in parts.items() if part == 1]


def _parts(
    cases: pl.DataFrame, shares: Sequence[float], strata: Sequence[str], seed: int, least: Sequence[int] | None = None
) -> dict[str, int]:
    groups = list(cases["patient"])
    part = assign_groups(groups, mixtures(cases, strata), shares, seed=seed, least=least)
    return {case: part[group] for case, group in zip(cases["case"], groups, strict=True)}


def _require_patients(cases: pl.DataFrame, folds: int, *, has_drawn_test: bool) -> None:
    """One for every part that is drawn from them."""
    if folds == 1 and not has_drawn_test:
        return
    found = cases["patient"].n_unique()
    if found < folds + has_drawn_test:
        training = f"{folds} folds" if folds > 1 else "training"
        parts = f"{training}{' and a test set' * has_drawn_test}"
        raise _wrong(f"at least {folds + has_drawn_test} patients for {parts}", str(found))


def _by_case(cases: pl.DataFrame, column: str) -> dict[str, str]:
    if column not in cases.columns:
        return {}
    known = cases.filter(pl.col(column).is_not_null())
    return dict(zip(known["case"], known[column], strict=True))


def _check_draw(folds: int, test_share: float, seed: int) -> None:
    if folds < 1:
        raise _wrong("folds of 1 or more", str(folds))
    if not 0 <= test_share < 1:
        raise _wrong("test_share from 0 to below 1", str(test_share))
    if seed < 0:
        raise _wrong("a seed of 0 or more", str(seed))


def _require_columns(cases: pl.DataFrame, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in cases.columns]
    if missing:
        raise _wrong("columns of cases.parquet", f"no {', '.join(missing)}; there are {', '.join(cases.columns)}")


def _wrong(expected: str, found: Any) -> SettingsError:
    return SettingsError(expected=expected, found=str(found), where="split", remedy="correct the setting")
