"""Structured reports as the 15th column of PanTS' sheet holds them, `_x000D_` before every end of a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from oncohort.phantoms.twins.anatomy import ABDOMEN
from oncohort.phantoms.twins.pancreas import Abdomen
from oncohort.phantoms.twins.scene import Mask

_BREAK = "_x000D_\n"


def structured_report(abdomen: Abdomen) -> str:
    """Findings organ by organ, lesions of the pancreas with place, size and volume, and the impression."""
    lines = ["SYNTHETIC REPORT", "FINDINGS:"]
    for title, name in (("Spleen", "spleen"), ("Liver", "liver")):
        lines += [f"{title}:", f"Normal size (volume: {_volume(abdomen, abdomen.scene.mask(ABDOMEN[name])):.1f} cc)."]
    lines += ["Pancreas:", f"Normal size (volume: {_volume(abdomen, abdomen.pancreas):.1f} cc)."]
    lines.append(f"Mean HU value: {_density(abdomen, abdomen.pancreas)}.")
    lines += _lesions(abdomen)
    left, right = (_volume(abdomen, abdomen.scene.mask(ABDOMEN[f"kidney_{side}"])) for side in ("left", "right"))
    volumes = (
        f"right kidney volume: {right:.1f} cc; left kidney volume: {left:.1f} cc; total volume: {left + right:.1f} cc"
    )
    lines += ["Kidney:", f"Normal size ({volumes}).", "IMPRESSION:"]
    lines += [
        f"A hypoattenuating pancreas ({lesion['organ'].split()[1]}) mass ({_size(lesion)})." for lesion in abdomen.truth
    ] or ["No pancreatic lesion."]
    return _BREAK.join(lines)


def _lesions(abdomen: Abdomen) -> list[str]:
    lines = ["Pancreas lesions:"] if abdomen.truth else []
    for lesion, mask in zip(abdomen.truth, abdomen.lesions, strict=True):
        image = int(np.flatnonzero(mask.any(axis=(1, 2))).mean())
        lines += [
            f"Pancreas lesion {lesion['lesion']}:",
            f"Location: {lesion['organ']}.",
            f"Size: {_size(lesion)} (image {image}).",
            f"Volume: {lesion['mask_ml']:.1f} cc.",
            f"Enhancement relative to pancreas: Hypoattenuating (HU value is {_density(abdomen, mask)}).",
        ]
    return lines


def _size(lesion: Mapping[str, Any]) -> str:
    radii = lesion["radii_mm"]
    first, second = sorted((float(radii[0]), float(radii[1])), reverse=True)
    return f"{first / 5:.1f} x {second / 5:.1f} cm"


def _volume(abdomen: Abdomen, mask: Mask) -> float:
    return float(mask.sum()) * abdomen.grid.voxel_ml


def _density(abdomen: Abdomen, mask: Mask) -> str:
    values = abdomen.ct[mask].astype(np.float64)
    return f"{values.mean():.1f}+/-{values.std():.1f}"
