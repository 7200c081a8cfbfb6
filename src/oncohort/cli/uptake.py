"""SUV: how a PET, a table or a cohort gets its numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from oncohort.cli.output import ExitCode, Json, print_json, say, show_table
from oncohort.errors import SettingsError
from oncohort.formats import open_cohort
from oncohort.suv_review import SeriesReview, review_cohort_suv, review_suv, suv_page

_SHOWN = 50


def suv(
    path: Path,
    *,
    recipe: Literal["suv", "autopet-compat"] = "suv",
    page: Path | None = None,
    json: Json = False,
) -> int:
    """Show how every PET becomes SUV: factor, rule, tags, and what other rules would change in percent.

    Args:
        path: A folder of DICOM files, a table (.csv, .xlsx) whose columns are DICOM keywords, or a cohort folder.
        recipe: Rules: suv, or autopet-compat, which reproduces the published autoPET values.
        page: Write a page (.html) that shows the odd ones first.
        json: Print one machine-readable document on stdout.
    """
    is_cohort = (path / "cohort.json").is_file()
    if is_cohort and recipe != "suv":
        raise SettingsError(
            expected="no --recipe beside a cohort, whose records say by which its PET were made",
            found=recipe,
            where=str(path),
            remedy="name the folder of DICOM files",
        )
    reviews = review_cohort_suv(open_cohort(path)) if is_cohort else review_suv(path, recipe=recipe)
    if json:
        print_json({"path": str(path), "recipe": recipe, "series": [one.to_dict() for one in reviews]})
    _show(path, reviews)
    if page is not None:
        suv_page(
            page,
            path.absolute().name,
            reviews,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            oncohort=version("oncohort"),
        )
        say(f"page: {page}")
    if all(one.factors is None for one in reviews):
        return ExitCode.NOTHING
    return ExitCode.REFUSED if any(one.refusal for one in reviews) else ExitCode.DONE


def _show(path: Path, reviews: tuple[SeriesReview, ...]) -> None:
    rows = [[one.name, one.rule or "refused", _factor(one), one.winner, len(one.remarks)] for one in reviews[:_SHOWN]]
    show_table(f"SUV of {path}", ["PET", "rule", "factor", "reference time", "remarks"], rows)
    if len(reviews) > _SHOWN:
        say(f"and {len(reviews) - _SHOWN} more, see --json or --page")
    for one in [one for one in reviews if one.is_odd][:_SHOWN]:
        say(f"{one.name}: {'; '.join(one.remarks)}")
    if len(reviews) == 1:
        _show_one(reviews[0])


def _show_one(one: SeriesReview) -> None:
    for name, value in one.record.items():
        if name not in ("alternatives", "warnings"):
            say(f"{name}: {value}")
    for text in one.alternative_lines:
        say(f"instead, {text}")


def _factor(one: SeriesReview) -> str:
    if one.factors is None:
        return ""
    low, high = one.factors
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
