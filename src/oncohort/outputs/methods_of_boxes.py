"""What a profile of boxes compares and computes, in running words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from oncohort.outputs.words import listed
from oncohort.profiles import BoxMetric, BoxProtocol, Profile

_IMAGES: Final = {
    "slice": "Boxes are matched within a slice; all slices of a series that holds boxes are images",
    "series": "Boxes are matched within a series; every series that holds boxes is an image",
    "scan": "Boxes are matched within a scan, which is one image with all of its reconstructions",
}

_PIXELS: Final = {
    "inclusive": "both numbers of a box are pixels inside, so that an edge is stop - start + 1",
    "half-open": "a box ends before its second number, so that an edge is stop - start",
}

_MATCHING: Final = {
    "voc": "the closest reference decides, and a second prediction on it is false (VOC)",
    "coco": "a prediction takes the closest reference that is free and close enough (COCO)",
    "luna": "a reference is found by its best prediction, and further hits on it are ignored (LUNA16)",
}

_WITHOUT: Final = {
    "count": "images without reference take part, and what is predicted there is false",
    "skip": "images without reference are left out",
}

_UNBOXED: Final = {
    "count": "A case without any reference box is free of lesions",
    "unscored": "A case without any reference box is not labelled and not scored",
}

_NUMBERS: Final = {
    "box_ap": "average precision, {reading}",
    "box_map": "mean average precision over IoU {first:g} to {last:g} in steps of {step:g}, {reading}",
    "froc_cpm": "mean sensitivity at {rates} false boxes per image",
    "froc_sensitivity": "sensitivity at {rates} false boxes per image",
}


def box_sentences(profile: Profile, names: Mapping[str, str]) -> Iterator[str]:
    """The sentences about boxes, in order; none for a profile of masks.

    Args:
        profile: The protocol.
        names: Name in running words of every metric by its column.

    Examples:
        >>> from oncohort.profiles import load_profile
        >>> profile = load_profile("lung-dx-3d")
        >>> next(box_sentences(profile, {}))
        'Boxes are matched within a scan, which is one image with all of its reconstructions'
    """
    boxes = profile.boxes
    if boxes is None:
        return
    yield _IMAGES[boxes.image]
    yield f"Boxes have {boxes.dimension} dimensions; {_PIXELS[boxes.pixel_rule]}"
    yield from _lesions(boxes)
    most = "" if boxes.max_detections is None else f", at most {boxes.max_detections} per image and class"
    yield f"Predictions take their turn by falling score{most}; {_WITHOUT[boxes.images_without_reference]}"
    hit = _hit(boxes.hit, boxes.threshold)
    yield f"Unless said otherwise a prediction hits if {hit}; {_MATCHING[boxes.matching]}"
    yield _UNBOXED[boxes.cases_without_boxes]
    lowest = "all predictions" if boxes.confusion_score is None else f"predictions from {boxes.confusion_score:g} on"
    yield f"Classes are confused whatever the class of a match, with {lowest}"
    if profile.box_metric:
        entries = "; ".join(_number(rule, boxes, names) for rule in profile.box_metric)
        yield f"From all boxes by falling score, and for each class where there are several: {entries}"


def _lesions(boxes: BoxProtocol) -> Iterator[str]:
    if boxes.linking is None:
        return
    yield (
        f"Boxes on slices up to {boxes.linking.maximum_steps} steps apart are linked to lesions at an IoU of at least "
        f"{boxes.linking.minimum_iou:g} (assignment with the greatest sum)"
    )
    if boxes.linking.merge_iou is not None:
        yield (
            f"Lesions of several reconstructions are one at an IoU3D of at least {boxes.linking.merge_iou:g}, and its "
            "box is the one round all readings"
        )


def _hit(hit: str, threshold: float) -> str:
    if hit == "iou":
        return f"the IoU is at least {threshold:g}"
    return f"the centres are closer than {threshold:g} times the longest edge of the reference box"


def _number(rule: BoxMetric, boxes: BoxProtocol, names: Mapping[str, str]) -> str:
    span = rule.iou_range.model_dump() if rule.iou_range is not None else dict.fromkeys(("first", "last", "step"), 0.0)
    reading = f"{rule.interpolation or boxes.interpolation} interpolation"
    words = _NUMBERS[rule.name].format(reading=reading, rates=listed(f"{rate:g}" for rate in rule.rates), **span)
    if rule.threshold is not None:
        words += f", if {_hit(rule.hit or boxes.hit, rule.threshold)}"
    if rule.matching is not None:
        words += f", {_MATCHING[rule.matching]}"
    return f'{names[rule.column]} ("{rule.column}": {words})'
