"""Labels of a scheme by their names and by those of groups."""

from __future__ import annotations

from collections.abc import Iterable

from oncohort.errors import SettingsError, shown
from oncohort.labels import LabelScheme

_MOST = 40  # names in a message


def named_labels(names: Iterable[str], scheme: LabelScheme) -> tuple[str, ...]:
    """The labels that names stand for, each once; the name of a group stands for its labels.

    A name of a label and of a group is the group, as in scoring.

    Args:
        names: Of labels and groups that the scheme has.
        scheme: Labels and groups.

    Examples:
        >>> scheme = LabelScheme("three", {"head": 1, "tail": 2, "liver": 3}, groups={"pancreas": ("head", "tail")})
        >>> named_labels(["pancreas", "head", "liver"], scheme)
        ('head', 'tail', 'liver')
    """
    return tuple(dict.fromkeys(label for name in names for label in scheme.groups.get(name, (name,))))


def require_named(names: Iterable[str], scheme: LabelScheme, *, where: str) -> None:
    """Raise unless every name is one of a label or a group.

    Args:
        names: As a user typed them.
        scheme: Labels and groups.
        where: What they were typed for.

    Raises:
        SettingsError: A name that is neither; what there is stands in the message.
    """
    unknown = [name for name in dict.fromkeys(names) if name not in scheme.labels and name not in scheme.groups]
    if unknown:
        groups = f"; groups: {shown(scheme.groups, _MOST)}" if scheme.groups else ""
        raise SettingsError(
            expected=f"labels of the cohort: {shown(scheme.labels, _MOST) or 'none'}{groups}",
            found=", ".join(map(repr, unknown)),
            where=where,
            remedy="correct the names",
        )
