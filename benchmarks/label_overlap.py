"""Dice, IoU and volumes of many labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks import peers_overlap as peers
from benchmarks.contest import Contestant, Values, Work
from benchmarks.volumes import CT, KINDS, WHOLE_BODY_CT, LabelPair, Size, make_organs
from oncohort.metrics import METRICS, MaskPair, Matching, PairSettings, compare_labels

SETTINGS = PairSettings(connectivity=18, matching=Matching("any-overlap"))
_METRICS = ("dice", "jaccard", "volume_difference_ml", "volume_difference_percent")


def ours(pair: LabelPair, labels: Sequence[int]) -> Values:
    return {
        label: {name: METRICS[name].formula(masks) for name in _METRICS}
        for label, masks in compared(pair, labels).items()
    }


def compared(pair: LabelPair, labels: Sequence[int]) -> Mapping[int, MaskPair]:
    """A pair of masks per label."""
    structures = {str(label): [label] for label in labels}
    pairs = compare_labels(pair.reference, pair.prediction, structures, spacing_mm=pair.spacing_mm, settings=SETTINGS)
    return {int(name): masks for name, masks in pairs.items()}


def _work(name: str, size: Size, contestants: tuple[Contestant, ...], target_s: float) -> Work:
    shape = "x".join(map(str, size.shape))
    return Work(
        name=name,
        title=f"Dice, IoU, volumes of {size.organs + size.tumours} labels, {shape}",
        kinds=KINDS,
        make=lambda kind, tiny: make_organs(size.shrunk(8) if tiny else size, kind),
        items=lambda pair: pair.labels,
        items_name="labels",
        ours=Contestant("oncohort", ours, "oncohort", "oncohort"),
        peers=contestants,
        target_s=dict.fromkeys(KINDS[:2], target_s),
    )


_FAST = (peers.SIMPLEITK, peers.BINCOUNT)
OVERLAP = _work("overlap", CT, (peers.NNUNET, peers.MONAI, peers.MEDPY, peers.PANOPTICA, *_FAST, peers.NAIVE), 0.05)
OVERLAP_WHOLE_BODY = _work("overlap-whole-body", WHOLE_BODY_CT, (peers.NNUNET, *_FAST, peers.NAIVE), 0.2)
