"""Everything that can go wrong, in one tree.

::

    OncohortError
    ├── InputError            what came in cannot be used
    │   ├── FormatError       a file is not what it claims to be
    │   ├── GeometryError     two grids differ, or one is impossible
    │   ├── LabelError        a label has no name, or a name no label
    │   ├── SuvRefusal        an SUV cannot be computed honestly
    │   ├── MissingNeedError  a case lacks what a model or step needs
    │   ├── PredictionError   a prediction cannot be made or scored
    │   ├── LeakageError      a patient stands on both sides of a split
    │   ├── WorkerError       a program in a process of its own has failed
    │   └── SettingsError     a study, profile or recipe file is wrong
    └── OutputError           the result cannot be written

Each message answers four questions: what was expected, what was found,
where, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class OncohortError(Exception):
    """Base of all errors that Oncohort raises on purpose.

    Args:
        expected: What would have been right.
        found: What was there instead.
        where: File, case or setting concerned.
        remedy: What the reader can do now.

    Examples:
        >>> print(OncohortError(expected="a mask", found="a CT", where="a.nii.gz", remedy="name the mask"))
        a.nii.gz: expected a mask, found a CT. Remedy: name the mask.
    """

    def __init__(self, *, expected: str, found: str, where: str, remedy: str) -> None:
        self.expected = expected
        self.found = found
        self.where = where
        self.remedy = remedy
        super().__init__(f"{where}: expected {expected}, found {found}. Remedy: {remedy.rstrip('.')}.")

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the trip between processes."""
        return _rebuild, (type(self), self.__dict__)


def _rebuild(kind: type[OncohortError], state: dict[str, Any]) -> OncohortError:
    known = {name: value for name, value in state.items() if not name.startswith("_")}
    return kind(**known)


class InputError(OncohortError):
    """What came in cannot be used."""


class FormatError(InputError):
    """A file is not what it claims to be."""


class GeometryError(InputError):
    """Two grids differ, or one is impossible."""


class LabelError(InputError):
    """A label has no name, or a name no label."""


class SuvRefusal(InputError):  # noqa: N818 - a refusal is a result that users look up by this name
    """An SUV cannot be computed honestly; `code` names the reason in one word.

    Examples:
        >>> SuvRefusal(code="weight_missing", expected="PatientWeight", found="none",
        ...            where="series 1", remedy="add the weight").code
        'weight_missing'
    """

    def __init__(self, *, code: str, expected: str, found: str, where: str, remedy: str) -> None:
        super().__init__(expected=expected, found=found, where=where, remedy=remedy)
        self.code = code


class MissingNeedError(InputError):
    """A case lacks what a model or step needs."""


class PredictionError(InputError):
    """A prediction cannot be made or scored."""


class SettingsError(InputError):
    """A study, profile or recipe file is wrong."""


class LeakageError(InputError):
    """A patient, a study or a case stands on both sides of a split."""


class WorkerError(InputError):
    """A program in a process of its own has failed."""


class OutputError(OncohortError):
    """The result cannot be written."""


def shown(names: Iterable[object], most: int = 5, *, between: str = ", ") -> str:
    """The first of a list as the words of a message, and how many more there are.

    Examples:
        >>> shown(["a", "b", "c"], most=2), shown([1, 2]), shown([])
        ('a, b and 1 more', '1, 2', '')
    """
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return between.join(listed[:most]) + more
