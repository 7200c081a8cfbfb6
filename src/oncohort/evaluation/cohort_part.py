"""The cases of a cohort that are to be scored, all or some."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from oncohort.cohort import Cohort
from oncohort.results import Scores


@dataclass(frozen=True)
class CohortPart:
    """A cohort, cut down to the cases that are to be scored.

    Args:
        cohort: With these cases alone.
        others: Ids of the cases that were left out.
        is_whole: Whether all cases are to be scored because none was chosen.
    """

    cohort: Cohort
    others: frozenset[str]
    is_whole: bool

    @staticmethod
    def of(cohort: Cohort, cases: Iterable[str] | None) -> CohortPart:
        """The part of a cohort that `cases` names; None for all of it.

        Raises:
            InputError: There is no such case, or none is named.
        """
        if cases is None:
            return CohortPart(cohort, frozenset(), is_whole=True)
        part = cohort.only(cases)
        return CohortPart(part, frozenset(cohort.case_ids) - frozenset(part.case_ids), is_whole=False)

    @property
    def known(self) -> tuple[str, ...]:
        """Ids of all cases of the whole cohort."""
        return (*self.cohort.case_ids, *sorted(self.others))

    def record(self, scores: Scores) -> Scores:
        """The scores with `chosen` in their run: the cases asked for, and of how many; a note says it first."""
        if self.is_whole:
            return scores
        chosen = {"cases": list(self.cohort.case_ids), "of": len(self.known)}
        note = f"{len(self.cohort)} of the {len(self.known)} cases of the cohort were chosen to be scored."
        return replace(scores, run={**scores.run, "chosen": chosen, "notes": [note, *scores.run["notes"]]})
