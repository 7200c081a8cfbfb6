"""Pooled voxel ASSD and HD95, and NSD, of many structures."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import peers_surface as peers
from benchmarks.contest import Contestant, Values, Work
from benchmarks.label_overlap import compared
from benchmarks.volumes import CT, HARD, KINDS, PERTURBED, LabelPair, make_organs
from oncohort.metrics import METRICS, Presence


def ours(pair: LabelPair, labels: Sequence[int]) -> Values:
    result = {}
    for label, masks in compared(pair, labels).items():
        if masks.presence is Presence.BOTH_PRESENT:
            result[label] = {
                "assd_mm": METRICS["assd_mm"].formula(masks),
                "hd95_mm": METRICS["hd95_mm"].formula(masks),
                "nsd": METRICS["nsd"].formula(masks, tolerance_mm=peers.TOLERANCE_MM),
            }
    return result


SURFACES = Work(
    name="surfaces",
    title=f"ASSD and HD95 (pooled voxels) and NSD (elements, {peers.TOLERANCE_MM:g} mm) of 31 structures, 512x512x300",
    kinds=KINDS,
    make=lambda kind, tiny: make_organs(CT.shrunk(8) if tiny else CT, kind),
    items=lambda pair: pair.labels,
    items_name="structures",
    ours=Contestant("oncohort", ours, "oncohort", "oncohort"),
    peers=(
        peers.MONAI,
        peers.SURFACE_DISTANCE,
        peers.BOXED_SURFACE_DISTANCE,
        peers.PANOPTICA,
        peers.TRANSFORM,
        peers.TREE,
    ),
    target_s={PERTURBED: 0.9, HARD: 1.5},
)
