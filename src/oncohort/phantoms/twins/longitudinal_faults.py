"""Known faults of the longitudinal CT set, and those that a download can have."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

from oncohort.layouts import longitudinal_ct as layout
from oncohort.phantoms.twins.damage import Plant, displaced, find_file, lost, stray, truncated
from oncohort.phantoms.twins.protocol import Fault, WrittenCase
from oncohort.storage import read_json, write_bytes, write_json


def _old_names(written: WrittenCase) -> Path:
    """The first release doubled the middle of the names."""
    for name in sorted(name for name in written.files if name.endswith(".nii.gz")):
        old = written.root / name
        _, side, what, number = old.name.removesuffix(".nii.gz").split("_")
        new = old.with_name(f"{written.name}_{side}_{what}_{side}_img_{number}.nii.gz")
        write_bytes(new, old.read_bytes())
        written.remove(old)
        written.add(new)
    return find_file(written, "_BL_img_BL_img_00.nii.gz")


def _rewritten(columns: tuple[str, ...], edit: Callable[[dict[str, str]], None]) -> Plant:
    """Write the sheet anew with these columns, after every row was edited."""

    def plant(written: WrittenCase) -> Path:
        path = find_file(written, f"{written.name}.csv")
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        for row in rows:
            edit(row)
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        write_bytes(path, text.getvalue().encode())
        return path

    return plant


def _with_cell(column: str, value: str) -> Plant:
    def edit(row: dict[str, str]) -> None:
        if row["lesion_id"] == "1":
            row[column] = value

    return _rewritten((*layout.OLD_COLUMNS, *layout.NEW_COLUMNS), edit)


def _old_columns(written: WrittenCase) -> Path:
    return _rewritten(layout.OLD_COLUMNS, lambda row: None)(written)


def _clicked(ending: str, name: str, point: list[float]) -> Plant:
    """Add a click."""

    def plant(written: WrittenCase) -> Path:
        path = find_file(written, ending)
        values = read_json(path)
        values["points"].append({"point": point, "name": name})
        write_json(path, values)
        return path

    return plant


def _broken_clicks(written: WrittenCase) -> Path:
    path = find_file(written, "_BL_00.json")
    write_json(path, {"points": "none"})
    return path


FAULTS: tuple[Fault, ...] = (
    Fault("old_names", 1, "finding", "longitudinal_release", _old_names),
    Fault("old_columns", 2, "finding", "longitudinal_release", _old_columns),
    Fault("missing_mask", 2, "finding", "longitudinal_no_label", lost("_FU_mask_00.nii.gz", "_FU_img_00.nii.gz")),
    Fault("missing_scan", 3, "finding", "longitudinal_missing_scan", lost("_FU_img_01.nii.gz", ".csv")),
    Fault("broken_clicks", 3, "refused", "unreadable prompts", _broken_clicks),
    Fault("unknown_topology", 4, "finding", "longitudinal_topology", _with_cell("topology_class", "VANISHED")),
    Fault("point_that_is_none", 4, "finding", "longitudinal_sheet", _with_cell("cog_bl", "left upper lobe")),
    Fault("unknown_lesion_type", 5, "finding", "longitudinal_lesion_type", _with_cell("lesion_type", "Toe")),
    Fault("mask_on_other_grid", 5, "refused", "other grid", displaced("_BL_mask_00.nii.gz")),
    Fault(
        "click_on_no_lesion", 6, "finding", "longitudinal_click_lesion", _clicked("_BL_00.json", "88", [9.0, 9.0, 9.0])
    ),
    Fault("click_outside", 6, "finding", "prompt_outside_grid", _clicked("_FU_00.json", "lesion 1", [900.0, 9.0, 9.0])),
    Fault("missing_sheet", 7, "finding", "longitudinal_no_sheet", lost(".csv", "_BL_img_00.nii.gz")),
    Fault("truncated_image", 8, "refused", "unreadable", truncated("_FU_img_00.nii.gz")),
    Fault("stray_file", 8, "refused", "not part of the layout", stray("inputsTr/readme.txt")),
)
