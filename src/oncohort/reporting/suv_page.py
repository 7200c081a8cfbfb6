"""The page that shows how every PET of a cohort became SUV, the odd ones first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from oncohort.reporting.data import Provenance
from oncohort.reporting.html import fill_template
from oncohort.reporting.numbers import DASH


@dataclass(frozen=True)
class SuvLine:
    """One PET of the page.

    Args:
        name: Case and role, series or row.
        where: Folder or file.
        rule: Of the factor; "" if it was refused.
        factors: Smallest and largest factor; None if it was refused.
        reference_time: Which candidate was taken, "" without one.
        minutes: From injection to reference time.
        dose_mbq: Injected activity.
        weight_kg: Body weight.
        spread_percent: How far the candidates for the reference time lie apart.
        alternatives: What other rules would change, a line each.
        remarks: Refusal, warnings and doubts.
        is_refused: Whether there is no SUV.
    """

    name: str
    where: str
    rule: str = ""
    factors: tuple[float, float] | None = None
    reference_time: str = ""
    minutes: float | None = None
    dose_mbq: float | None = None
    weight_kg: float | None = None
    spread_percent: float | None = None
    alternatives: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    is_refused: bool = False


def render_suv(title: str, lines: Sequence[SuvLine], provenance: Provenance) -> str:
    """The page as text: one file that loads nothing from elsewhere.

    Args:
        title: Of the cohort or folder.
        lines: A PET each, in the order of the cohort.
        provenance: How the numbers came about.

    Examples:
        >>> render_suv("trial", [SuvLine("A pet", "a")], Provenance("2026-01-01T00:00:00Z"))[:15]
        '<!DOCTYPE html>'
    """
    return fill_template(
        "suv.html.j2",
        title=title,
        odd=[line for line in lines if line.remarks],
        lines=lines,
        rules=Counter(line.rule for line in lines if line.rule).most_common(),
        refused=sum(line.is_refused for line in lines),
        data=_Holder(provenance),
        factor=_factor,
        number=_number,
    )


@dataclass(frozen=True)
class _Holder:
    provenance: Provenance


def _factor(factors: tuple[float, float] | None) -> str:
    """A factor, or the smallest and the largest.

    Examples:
        >>> _factor((2.429030e-4, 2.429030e-4)), _factor((1.0, 1.0)), _factor(None)
        ('2.429030e-04', '1', '–')
    """
    if factors is None:
        return DASH
    low, high = ("1" if one == 1 else f"{one:.6e}" for one in factors)
    return low if low == high else f"{low} to {high}"


def _number(value: float | None, digits: int) -> str:
    return DASH if value is None else f"{value:.{digits}f}"
