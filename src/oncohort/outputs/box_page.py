"""What the page of a profile of boxes says beside settings and metrics of cases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from oncohort.outputs.formulas import BOX_FORMULAS
from oncohort.profiles import BoxMetric, BoxProtocol, Profile

SYMBOLS: Final = (
    "R are the boxes of the reference in a case, P the predicted ones, all at the threshold and by the matching that "
    "`boxes` names and whatever their score; a lesion is one of these boxes. [More on boxes](../boxes.md)."
)

EMPTY: Final = (
    "What a metric is worth where a case has no box, or where there is no usable prediction (no row for the case, or "
    "one on a slice or volume that the case does not have). `measured` is the formula; `undefined` is no value, with "
    "the reason in the scores; `as P empty` is what a prediction without boxes would score there."
)

RANKED: Final = (
    "From all boxes by falling score, for each class by itself and as the mean over the classes that have a value, "
    "which is ranked. A case without usable prediction adds its boxes to those that are missed, and a model with such "
    "a case is behind all others."
)


def ranked_rows(profile: Profile) -> Iterator[tuple[str, ...]]:
    """Column, weight, settings and formula of every metric of boxes by falling score."""
    if profile.boxes is None:
        return
    for rule in profile.box_metric:
        named = "" if rule.column == rule.name else f"`{rule.name}`: "
        yield (
            f"`{rule.column}`",
            f"{rule.weight:g}",
            _hit(rule, profile.boxes),
            rule.matching or profile.boxes.matching,
            _reading(rule, profile.boxes),
            f"{named}{BOX_FORMULAS[rule.name]}",
        )


def _hit(rule: BoxMetric, boxes: BoxProtocol) -> str:
    if rule.iou_range is not None:
        return f"IoU {rule.iou_range.first:g} to {rule.iou_range.last:g}, step {rule.iou_range.step:g}"
    view = rule.views(boxes)[0]
    return f"IoU >= {view.threshold:g}" if view.hit == "iou" else f"centres < {view.threshold:g} longest edge of R"


def _reading(rule: BoxMetric, boxes: BoxProtocol) -> str:
    if not rule.is_sweep:
        return rule.interpolation or boxes.interpolation
    return f"{', '.join(f'{rate:g}' for rate in rule.rates)} per {boxes.image}"
