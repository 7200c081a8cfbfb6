"""Reference and prediction of every structure, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.evaluation.structures import Structures, labels_in
from oncohort.metrics import MaskPair, Matching, PairSettings, compare_all_labels, compare_labels, compare_masks
from oncohort.metrics.label_arrays import are_bytes
from oncohort.profiles import Components, Profile
from oncohort.volume import LabelMap, Volume

UNUSED = Components(connectivity=26, matching="any-overlap")
"""Of profiles without lesions: no metric looks at it."""


def compare(
    reference: LabelMap,
    prediction: LabelMap | None,
    profile: Profile,
    *,
    structures: Structures | None = None,
    image: Volume | None = None,
) -> dict[str, MaskPair]:
    """Reference and prediction of every structure of a profile, counted together.

    Masks that overlap lie in layers; a structure is what any layer holds of it.

    Args:
        reference: Labels on the reference grid.
        prediction: Labels on the same grid; None for an empty one.
        profile: Says what a lesion is, and whether all labels together are one structure.
        structures: Labels by structure, from `find_structures`; none for every label that occurs, called by its
            integer. Not needed if all labels are one.
        image: Where uptake is measured, on the same grid.

    Raises:
        FormatError: A file behind the masks cannot be read.

    Examples:
        >>> from oncohort.geometry import Geometry
        >>> from oncohort.labels import LabelScheme
        >>> from oncohort.profiles import load_profile
        >>> grid = Geometry((2, 2, 2), np.eye(4))
        >>> scheme = LabelScheme("organs", {"liver": 1, "spleen": 2})
        >>> liver = LabelMap.from_masks({"liver": np.ones((2, 2, 2), bool)}, grid, scheme)
        >>> pairs = compare(liver, liver, load_profile("organs"), structures={"liver": (1,), "spleen": (2,)})
        >>> [(name, str(pair.presence)) for name, pair in pairs.items()]
        [('liver', 'both_present'), ('spleen', 'both_empty')]
    """
    voxels = [layer.array for layer in reference.layers]
    predicted = [np.zeros_like(voxels[0])] if prediction is None else [layer.array for layer in prediction.layers]
    shared: dict[str, Any] = {
        "spacing_mm": reference.geometry.spacing_mm,
        "settings": _settings(profile, voxels, predicted),
        "image": None if image is None else image.array,
    }
    if profile.target.structure is not None:
        settings: PairSettings = shared["settings"]
        masks = [
            layers[0] if by_number else _foreground(layers)
            for layers, by_number in (
                (voxels, settings.reference_instances),
                (predicted, settings.prediction_instances),
            )
        ]
        return {profile.target.structure: compare_masks(masks[0], masks[1], **shared)}
    if structures:
        return _compare_structures(voxels, predicted, structures, shared)
    layers = [*voxels, *predicted]
    if len(layers) == 2 and are_bytes(*layers):
        return {str(label): pair for label, pair in compare_all_labels(*layers, **shared).items()}
    held = sorted({value for layer in layers for value in labels_in(layer)} - {0})
    return _compare_structures(voxels, predicted, {str(value): (value,) for value in held}, shared)


def _settings(profile: Profile, reference: Sequence[NDArray[Any]], prediction: Sequence[NDArray[Any]]) -> PairSettings:
    """How lesions are told apart; masks in several layers, which overlap, hold no lesion numbers."""
    components = profile.components or UNUSED
    is_numbered = components.instances == "both" or (components.instances and int(reference[0].max(initial=0)) > 1)
    return PairSettings(
        connectivity=components.connectivity,
        matching=Matching(components.matching, threshold=components.threshold),
        reference_instances=bool(is_numbered) and len(reference) == 1,
        prediction_instances=components.instances == "both" and len(prediction) == 1,
    )


def _foreground(layers: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """What any layer holds; a single layer of bytes is given back as it is."""
    if len(layers) == 1 and layers[0].dtype in (np.bool_, np.uint8):
        return layers[0]
    mask = layers[0] > 0
    for layer in layers[1:]:
        np.logical_or(mask, layer, out=mask)
    return mask


def _compare_structures(
    reference: Sequence[NDArray[Any]],
    prediction: Sequence[NDArray[Any]],
    structures: Structures,
    shared: Mapping[str, Any],
) -> dict[str, MaskPair]:
    """All structures that lie in one layer of each side at once; others from their masks."""
    groups: dict[tuple[int, int], dict[str, tuple[int, ...]]] = {}
    spread: dict[str, tuple[int, ...]] = {}
    held = _labels_held(reference), _labels_held(prediction)
    for name, values in structures.items():
        places = [[n for n, labels in enumerate(side) if labels.intersection(values)] or [0] for side in held]
        if len(places[0]) == len(places[1]) == 1:
            groups.setdefault((places[0][0], places[1][0]), {})[name] = values
        else:
            spread[name] = values
    pairs = {
        name: pair
        for (first, second), group in groups.items()
        for name, pair in compare_labels(reference[first], prediction[second], group, **shared).items()
    }
    for name, values in spread.items():
        pairs[name] = compare_masks(_mask(reference, values), _mask(prediction, values), **shared)
    return {name: pairs[name] for name in structures}


def _labels_held(layers: Sequence[NDArray[Any]]) -> list[set[int]]:
    """The labels of each layer; one layer alone need not be looked through."""
    return [set()] if len(layers) == 1 else [labels_in(layer) for layer in layers]


def _mask(layers: Sequence[NDArray[Any]], values: Sequence[int]) -> NDArray[np.bool_]:
    mask = np.isin(layers[0], values)
    for layer in layers[1:]:
        np.logical_or(mask, np.isin(layer, values), out=mask)
    return mask
