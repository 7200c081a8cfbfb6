"""Reviews as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from oncohort.reporting.data import Provenance
from oncohort.reporting.suv_page import SuvLine, render_suv
from oncohort.storage import write_bytes
from oncohort.suv_review.oddities import NUMBERS
from oncohort.suv_review.review import SeriesReview


def suv_page(out: str | Path, title: str, reviews: Sequence[SeriesReview], *, created_at: str, oncohort: str) -> None:
    """Write the page of reviews to the file `out`.

    Args:
        out: The file.
        title: Of the page.
        reviews: From `review_suv` or `review_cohort_suv`.
        created_at: ISO 8601.
        oncohort: Version that made them.

    Raises:
        OutputError: The file cannot be written.
    """
    provenance = Provenance(created_at, versions={"oncohort": oncohort})
    write_bytes(out, render_suv(title, [_line(one) for one in reviews], provenance).encode())


def _line(one: SeriesReview) -> SuvLine:
    spread = one.record.get("reference_time", {}).get("spread_percent")
    return SuvLine(
        name=one.name,
        where=one.where,
        rule=one.rule,
        factors=one.factors,
        reference_time=one.winner,
        minutes=NUMBERS["minutes since injection"](one),
        dose_mbq=NUMBERS["injected MBq"](one),
        weight_kg=one.part("weight_kg"),
        spread_percent=spread,
        alternatives=one.alternative_lines,
        remarks=one.remarks,
        is_refused=one.factors is None,
    )
