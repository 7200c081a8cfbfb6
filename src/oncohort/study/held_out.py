"""The split of a study, and which cases are scored because no network was trained on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from oncohort.cohort import Cohort
from oncohort.compute import ProgressCallback, ResultStore
from oncohort.errors import SettingsError
from oncohort.formats.split_file import write_split
from oncohort.splits import Split
from oncohort.splitting import SplitSettings, split_cohort
from oncohort.storage import content_key

SPLIT_FILE = "split.json"

_VERSION = 1  # of the draw; part of every key


@dataclass(frozen=True)
class HeldOut:
    """The cases that a study scores, and why these.

    Args:
        cases: Their ids, sorted.
        reason: A sentence for the report.
        notes: What its reader should know of the split, in sentences.
    """

    cases: tuple[str, ...]
    reason: str
    notes: tuple[str, ...] = ()


def part_study(cohort: Cohort, settings: SplitSettings, *, out: Path, progress: ProgressCallback | None) -> Split:
    """The split of a study: the one that `keep_split` remembered, or a new one; nothing is written.

    It stays as it is while cases, patients, official parts, strata in columns and settings stay; masks that change
    afterwards do not move a case to another part.

    Args:
        cohort: What is parted.
        settings: How.
        out: Folder of the results.
        progress: Called after every mask that is read.

    Raises:
        SettingsError: No such column, or too few patients.
        LeakageError: An official split has a patient or a study on two sides.
    """
    remembered = _store(out).get(_key(cohort, settings))
    if remembered is None:
        return split_cohort(cohort, settings, progress=progress).split
    return Split.from_dict(remembered, where=str(out))


def keep_split(split: Split, cohort: Cohort, settings: SplitSettings, *, out: Path) -> None:
    """Remember the split of a study and write it to `split.json`, in place of an earlier one.

    Args:
        split: What `part_study` gave.
        cohort: What is parted.
        settings: How.
        out: Folder of the results.

    Raises:
        OutputError: The file cannot be written.
    """
    store, key = _store(out), _key(cohort, settings)
    if store.get(key) is None:
        store.put(key, split.to_dict())
    store.prune({key})
    write_split(out / SPLIT_FILE, split)


def _store(out: Path) -> ResultStore:
    return ResultStore(out / ".oncohort" / "split")


def _key(cohort: Cohort, settings: SplitSettings) -> str:
    cases = cohort.tables.cases
    named = ("case", "patient", "study", "split", settings.fold_column, *settings.strata)
    columns = [name for name in dict.fromkeys(named) if name in cases.columns]
    return content_key("split", _VERSION, asdict(settings), columns, cases.select(columns).rows())


def held_out_cases(split: Split, folds: Mapping[str, tuple[str, ...] | None], notes: tuple[str, ...] = ()) -> HeldOut:
    """The cases that no network of a study was trained on: the test set, or else validation cases.

    Args:
        split: Of the study.
        folds: By trained model, the folds that it is trained on; None for all.
        notes: On the split.

    Raises:
        SettingsError: A model names a fold that the split does not have, or there is no case that every model has
            held out.

    Examples:
        >>> split = Split({"a": "a", "b": "b", "c": "c"}, folds=(("a",), ("b",), ("c",)))
        >>> held_out = held_out_cases(split, {"one": ("0", "1"), "two": None})
        >>> held_out.cases
        ('a', 'b')
        >>> held_out.reason
        'The split has no test set, so they are the validation cases of folds 0 and 1, each held out from the training
        of its own fold.'
    """
    known = [str(number) for number in range(len(split.folds))]
    for model, named in folds.items():
        _require_folds(model, named or (), known)
    if split.test:
        return HeldOut(split.part("test"), "They are the test set of the split, which no model was trained on.", notes)
    common = [fold for fold in known if all(named is None or fold in named for named in folds.values())]
    if not common:
        raise _nothing_held_out(folds)
    cases = sorted(case for fold in common for case in split.validation(int(fold)))
    words = f"fold {common[0]}" if len(common) == 1 else f"folds {', '.join(common[:-1])} and {common[-1]}"
    own = "that fold" if len(common) == 1 else "its own fold"
    return HeldOut(
        tuple(cases),
        f"The split has no test set, so they are the validation cases of {words}, "
        f"{'' if len(common) == 1 else 'each '}held out from the training of {own}.",
        notes,
    )


def _require_folds(model: str, named: tuple[str, ...], known: list[str]) -> None:
    strange = [fold for fold in named if fold not in (*known, "all")]
    if strange:
        raise SettingsError(
            expected=f"folds of the split: {', '.join(known) or 'it has none'}",
            found=", ".join(strange),
            where=f"model {model!r}",
            remedy="name folds of split.json, or all of them by leaving `folds` out",
        )


def _nothing_held_out(folds: Mapping[str, tuple[str, ...] | None]) -> SettingsError:
    named = "; ".join(
        f"{model}: {'all of the split' if given is None else ', '.join(given)}" for model, given in folds.items()
    )
    return SettingsError(
        expected="a test set, or a fold that every trained model is trained on: cases that no model has seen",
        found=f"no test set, and folds {named or 'none'}",
        where="[split] of the study",
        remedy="add `test = 0.2` to [split], or train the models on a fold in common",
    )
