"""A label map whose numbering is one of several, told by files that hold single structures.

PanTS publishes the same 28 structures as one file each and joined in one map,
and copies of the map number them in two ways. What decides: a voxel of the map
that has the integer of a structure lies in the file of that structure. Only
structures whose integers differ can tell; a map without them reads the same in
every numbering.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.errors import FormatError, LabelError
from oncohort.formats.nifti import integer_labels, read_nifti
from oncohort.formats.structure_files import is_plain_name, read_mask
from oncohort.geometry import Geometry
from oncohort.labels import LabelScheme
from oncohort.layouts.labels import scheme as published_scheme
from oncohort.units import Unit
from oncohort.volume import LabelMap, Volume, integers_in

TOLD_NUMBERING = "numbering told by the structure files"
"""The `rule` in the column `scale` of such a label map."""

AGREES, DIFFERS = 0.9, 0.5
"""Least share of voxels inside their structures for the numbering that holds; highest for every other."""

Masks = Mapping[str, NDArray[np.bool_]]


def told_record(data_set: str, variants: Sequence[str], folder: str, evidence: Mapping[str, str]) -> dict[str, Any]:
    """What the column `scale` holds.

    Args:
        data_set: Name in the label registry.
        variants: Names of its numberings; the map is given in the first.
        folder: Where the files of the structures lie.
        evidence: Their names by structure, of those whose integers differ between the numberings.

    Examples:
        >>> told_record("pants", ["combined A", "combined B"], "/masks", {"veins": "veins.nii.gz"})["rule"]
        'numbering told by the structure files'
    """
    return {
        "rule": TOLD_NUMBERING,
        "data_set": data_set,
        "variants": list(variants),
        "folder": folder,
        "evidence": dict(evidence),
    }


def read_told_numbering(path: Path, record: Mapping[str, Any], geometry: Geometry) -> LabelMap:
    """The label map at `path`, in the first of the numberings that `record` names.

    The numbering is told when the voxels are asked for.

    Raises:
        FormatError: The record is damaged, or the file has no usable header; when the layers are asked for: a file
            cannot be read.
        GeometryError: The map lies on another grid than `geometry`.
        LabelError: When the layers are asked for: the files do not tell the numbering.
    """
    schemes, files = _parsed(path, record)
    volume = read_nifti(path)
    geometry.require_same_grid(volume.geometry, what="the mask", where=str(path))
    wanted = next(iter(schemes.values()))

    def layers() -> tuple[Volume, ...]:
        array = integer_labels(volume, path).array
        masks = {name: read_mask(file, geometry) for name, file in files.items()}
        held = tell_numbering(array, {name: scheme.labels for name, scheme in schemes.items()}, masks, str(path))
        renumbered = _renumbered(array, schemes[held].labels, wanted.labels)
        return (Volume.from_array(renumbered, geometry, Unit.LABEL),)

    return LabelMap(geometry, layers, wanted)


def tell_numbering(array: NDArray[Any], numberings: Mapping[str, Mapping[str, int]], masks: Masks, where: str) -> str:
    """Which numbering a label map has.

    Args:
        array: Integers (i, j, k).
        numberings: Integer by structure, by name of the numbering.
        masks: Voxels (i, j, k) of single structures.
        where: What errors call the map.

    Raises:
        LabelError: No numbering, or more than one, agrees with the masks.

    Examples:
        >>> array = np.array([[[22, 22, 23, 0]]])
        >>> numberings = {"A": {"veins": 22, "lesion": 23}, "B": {"veins": 23, "lesion": 22}}
        >>> tell_numbering(array, numberings, {"lesion": np.array([[[1, 1, 0, 0]]]) > 0}, "map")
        'B'
    """
    first = next(iter(numberings))
    doubtful = {name for name in numberings[first] if len({each[name] for each in numberings.values()}) > 1}
    if not integers_in(array) & {each[name] for each in numberings.values() for name in doubtful}:
        return first
    shares = {name: _share_inside(array, each, masks) for name, each in numberings.items()}
    agreeing = [name for name, share in shares.items() if share is not None and share >= AGREES]
    if len(agreeing) == 1 and all(_differs(share) for name, share in shares.items() if name != agreeing[0]):
        return agreeing[0]
    found = ", ".join(
        f"{name}: {'no voxel to compare' if share is None else f'{share:.0%}'}" for name, share in shares.items()
    )
    raise LabelError(
        expected=f"one numbering that puts at least {AGREES:.0%} of the voxels into the files of their structures",
        found=found,
        where=where,
        remedy="use the files of the single structures, or add those that are missing",
    )


def _share_inside(array: NDArray[Any], numbering: Mapping[str, int], masks: Masks) -> float | None:
    """Share of the voxels numbered as one of the structures that lie inside it; None without such voxels."""
    numbered = inside = 0
    for name, mask in masks.items():
        is_numbered = array == numbering[name]
        numbered += int(np.count_nonzero(is_numbered))
        inside += int(np.count_nonzero(is_numbered & mask))
    return inside / numbered if numbered else None


def _differs(share: float | None) -> bool:
    return share is None or share <= DIFFERS


def _renumbered(array: NDArray[Any], held: Mapping[str, int], wanted: Mapping[str, int]) -> NDArray[Any]:
    if dict(held) == dict(wanted):
        return array
    table = np.arange(max(int(array.max()), *held.values()) + 1, dtype=array.dtype)
    for name, value in held.items():
        table[value] = wanted[name]
    renumbered: NDArray[Any] = table[array]
    return renumbered


def _parsed(path: Path, record: Mapping[str, Any]) -> tuple[dict[str, LabelScheme], dict[str, Path]]:
    try:
        schemes = {str(name): published_scheme(str(record["data_set"]), str(name)) for name in record["variants"]}
        folder, evidence = Path(str(record["folder"])), dict(record["evidence"])
        if not schemes or not all(map(is_plain_name, evidence.values())):
            raise ValueError("no numberings, or files outside the folder")  # noqa: TRY301 - one message for all damage
        known = next(iter(schemes.values()))
        return schemes, {known.name_of(known.value(name)): folder / file for name, file in evidence.items()}
    except (AttributeError, KeyError, TypeError, ValueError, LabelError) as error:
        raise FormatError(
            expected="data set, numberings and evidence of the mask in volumes.parquet",
            found=str(error)[:200],
            where=str(path),
            remedy="ingest again",
        ) from error
