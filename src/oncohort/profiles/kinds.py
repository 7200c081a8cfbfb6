"""Which parts of a profile go with masks, and which with boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncohort.profiles.boxes import BOX_COUNTS, BOX_RATIOS

if TYPE_CHECKING:
    from oncohort.profiles.schema import Profile


def check_kind(profile: Profile) -> None:
    """Raise if a profile has a part that its kind does not know, or lacks one that it needs.

    Raises:
        ValueError: With the part.
    """
    if profile.kind == "masks":
        _check_masks(profile)
    else:
        _check_boxes(profile)


def _check_masks(profile: Profile) -> None:
    given = [name for name in ("boxes", "box_metric") if getattr(profile, name)]
    if given:
        raise ValueError(f"{', '.join(given)} belongs to a profile of boxes: kind is boxes")
    if any(rule.name == "froc_cpm" for rule in profile.cohort_metric):
        if not profile.has_lesion_table:
            raise ValueError("froc_cpm is computed from the table of lesions: components.table is true")
        if profile.missing == "skip":
            raise ValueError("froc_cpm counts the lesions of every case: missing is worst or error")


def _check_boxes(profile: Profile) -> None:
    if profile.boxes is None:
        raise ValueError("a profile of boxes needs the part boxes")
    given = [name for name in ("components", "steps") if getattr(profile, name) is not None]
    given += ["target.image"] if profile.target.image is not None else []
    given += ["target.group_means"] if profile.target.group_means else []
    given += ["target.truth"] if profile.target.truth_column is not None else []
    given += ["missing skip"] if profile.missing == "skip" else []
    if given:
        raise ValueError(f"{', '.join(given)} belongs to a profile of masks")
    unknown = [rule.name for rule in profile.metric if rule.name not in BOX_COUNTS]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is not measured on boxes; there are {', '.join(BOX_COUNTS)}")
    if any(rule.only is not None for rule in profile.metric):
        raise ValueError("only belongs to a profile of masks")
    if profile.box_metric and "reference_lesions" not in profile.metrics:
        raise ValueError("box_metric is computed from reference_lesions: add the metric")
    unknown = [rule.name for rule in profile.cohort_metric if rule.name not in BOX_RATIOS]
    if unknown:
        raise ValueError(
            f"cohort_metric {', '.join(unknown)} is not computed from boxes; there are {', '.join(BOX_RATIOS)}, "
            "and box_metric"
        )
    if profile.unit != "case":
        raise ValueError("boxes are pooled over all cases: unit is case")
