"""One case of the Decathlon: headers read, channels named, rows made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oncohort.errors import FormatError, GeometryError
from oncohort.formats.nifti_completeness import require_complete
from oncohort.formats.nifti_header import NiftiHeader
from oncohort.formats.nnunet_raw import RawDataset
from oncohort.formats.row_files import channel_record
from oncohort.geometry import Geometry
from oncohort.sources.header_rows import header_row
from oncohort.sources.nnunet.names import channel_roles
from oncohort.sources.protocol import CasePlan
from oncohort.sources.referenced import Refusal, Row, as_stored, finding, refuse_case
from oncohort.sources.walking import refused_row
from oncohort.units import Unit

_UNITS = {"ct": Unit.HU}


def convert_msd(plan: CasePlan) -> dict[str, Any]:
    """Rows of one case: `case`, `volumes`, `refused`, `findings`.

    An image that cannot be used refuses the case, a label only itself.
    """
    root, image, label = Path(plan.work["root"]), plan.work["image"], plan.work["label"]
    header = _image_header(image, plan.work["channels"])
    if isinstance(header, Refusal):
        return refuse_case(plan, root, [Path(path) for path in (image, label) if path], Path(image), header)
    sizes = {stamp.path: stamp.bytes for stamp in plan.files}
    rows = _image_rows(plan, header, sizes[image])
    if label is None:
        return {"case": dict(plan.row), "volumes": rows, "refused": [], "findings": []}
    mask = _label_grid(label, header.geometry)
    if isinstance(mask, Refusal):
        lost = finding(
            "msd_no_label",
            evidence=f"the label is refused ({mask.reason})",
            remedy="fetch the label again, or leave the case out of scoring",
            path=Path(label).name,
            case=plan.case,
        )
        refused = [refused_row(root, label, mask.reason, mask.detail)]
        return {"case": dict(plan.row), "volumes": rows, "refused": refused, "findings": [lost]}
    size = sizes[label]
    rows.append(header_row(plan.case, plan.work["role"], label, unit=Unit.LABEL, grid=mask, scale=None, size=size))
    return {"case": dict(plan.row), "volumes": rows, "refused": [], "findings": []}


def _image_header(path: str, channels: Sequence[str]) -> NiftiHeader | Refusal:
    header = _header(path)
    if isinstance(header, Refusal):
        return header
    held = header.shape[3] if len(header.shape) == 4 else 1
    if held != len(channels):
        names = ", ".join(channels)
        return Refusal("other channels", f"{held} along the fourth axis, dataset.json names {len(channels)} ({names})")
    return header


def _label_grid(path: str, image: Geometry) -> Geometry | Refusal:
    header = _header(path)
    if isinstance(header, Refusal):
        return header
    if len(header.shape) != 3:
        return Refusal("unreadable", f"shape {header.shape} instead of three axes")
    try:
        image.require_same_grid(header.geometry, what="the label", where=path)
    except GeometryError as error:
        return Refusal("other grid", str(error))
    return header.geometry


def _header(path: str) -> NiftiHeader | Refusal:
    try:
        return require_complete(path)
    except FormatError as error:
        return Refusal("unreadable", str(error))
    except GeometryError as error:
        return Refusal("impossible grid", str(error))


def _image_rows(plan: CasePlan, header: NiftiHeader, size: int) -> list[Row]:
    names = dict(enumerate(plan.work["channels"]))
    rows = []
    for channel, role in channel_roles(RawDataset(names, {})).items():
        rule = f"as stored; modality {channel} is named {names[channel]!r}"
        scale = as_stored(rule) if len(header.shape) == 3 else channel_record(channel, rule)
        unit = _UNITS.get(role.split(".")[0], Unit.NONE)
        path, grid = plan.work["image"], header.geometry
        rows.append(header_row(plan.case, role, path, unit=unit, grid=grid, scale=scale, size=size))
    return rows
