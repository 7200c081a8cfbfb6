"""ENHANCE.PET 1.6k as it is published, referenced where it lies.

A case is one id of four digits: its CT, its PET and one label map with a layer for each group of labels. The groups
overlap (skeletal muscle covers the gluteus), and each numbers its labels from 1; a label map of layers holds them all
under one scheme, so that the benchmark scores a case at once. A case needs its CT; a PET or a mask that cannot be used
is refused alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.compute import ProgressCallback
from oncohort.errors import InputError, SettingsError
from oncohort.formats.group_files import GroupFile, group_record
from oncohort.layouts import enhance_pet as layout
from oncohort.sources.enhance_pet.facts import Known, read_facts, usable_shared
from oncohort.sources.enhance_pet.listing import Listing, find_base, list_files
from oncohort.sources.protocol import CasePlan, FileStamp, SourcePlan
from oncohort.sources.referenced import Refusal, Row, as_stored, finding, open_image, refuse_case, stamp, volume_row
from oncohort.sources.walking import refused_row
from oncohort.units import Unit
from oncohort.volume import Volume


@dataclass(frozen=True)
class EnhancePetSource:
    """Reads the published folder, of either version, whole or in part; nothing is copied.

    Examples:
        >>> EnhancePetSource().name
        'enhance-pet'
    """

    name: str = layout.NAME
    description: str = "ENHANCE.PET 1.6k: imaging-data/images, imaging-data/ground-truth, two sheets, labels.json"

    def detect(self, path: Path) -> bool:
        """Whether `path`, or the only folder in it that does, has masks of a known group or images beside a sheet."""
        return find_base(path) is not None

    def plan(
        self,
        path: Path,
        *,
        roi: Sequence[str] | None = None,
        known: Mapping[str, str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> SourcePlan:
        """The cases of the folder `path`, by names and sheets; headers are read by `convert`.

        Args:
            path: The folder with the sheets, or one above it.
            roi: Must be None; labels have names.
            known: Not needed; ids are file names.
            progress: Not called; listing is quick.

        Raises:
            InputError: The folder has not this layout.
            SettingsError: Regions were asked for by name.
        """
        base = find_base(path.absolute())
        if roi is not None or base is None:
            raise _cannot(path, roi)
        listing = list_files(path.absolute(), base)
        facts = read_facts(listing)
        _refuse_contradicted(listing, facts)
        _refuse_without_ct(listing)
        for name, why in facts.unreadable.items():
            listing.refuse(listing.shared[name], "unreadable", why)
        plans = tuple(_plans(listing, facts))
        if not plans:
            for file in usable_shared(listing, facts):
                listing.refuse(file, "not part of the layout", "a file of the whole set, and there is no case")
        return SourcePlan(
            cases=plans,
            refused=tuple(sorted(listing.refused, key=lambda row: (row["path"], row["reason"]))),
            scheme=facts.scheme,
            version=facts.version,
            meta={"groups": sorted(listing.groups), "image_folders": sorted(listing.image_folders)},
        )

    def convert(self, case_plan: CasePlan, folder: Path) -> dict[str, Any]:
        """Rows that refer to the files of one case; `folder` gets nothing.

        A CT that is damaged refuses the case; a PET or mask that is damaged, or a mask on another grid than the CT,
        is refused alone.
        """
        work = case_plan.work
        root = Path(work["root"])
        ct_path = root / work["ct"]
        ct = open_image(ct_path, Unit.HU)
        if isinstance(ct, Refusal):
            names = [work["ct"], *([work["pet"]] if work["pet"] else []), *work["masks"].values()]
            return refuse_case(case_plan, root, [root / name for name in names], ct_path, ct)
        result = _Result(case_plan.case, root)
        result.volumes.append(volume_row(case_plan.case, "ct", ct_path, ct, as_stored("HU as stored")))
        if work["pet"]:
            result.add_pet(work["pet"], work["pet_units"])
        result.add_masks(work, ct)
        return {
            "case": dict(case_plan.row),
            "volumes": result.volumes,
            "refused": result.refused,
            "findings": [],
            "structures": result.structures,
        }


class _Result:
    """Rows of one case as its files are opened."""

    def __init__(self, case: str, root: Path) -> None:
        self.case, self.root = case, root
        self.volumes: list[Row] = []
        self.refused: list[dict[str, str]] = []
        self.structures: list[Row] = []

    def add_pet(self, name: str, units: str | None) -> None:
        unit = Unit(layout.PET_UNITS.get(_letters(units), Unit.NONE))
        volume = self._open(name, unit, None)
        if volume is not None:
            rule = f"as stored; the sheet says {units}" if units else "as stored; no sheet says the unit"
            self.volumes.append(volume_row(self.case, "pet", self.root / name, volume, as_stored(rule)))

    def add_masks(self, work: Mapping[str, Any], ct: Volume) -> None:
        files: dict[str, GroupFile] = {}
        masks_folder = self.root / work["masks_folder"]
        first: tuple[Path, Volume] | None = None
        size = 0
        for group, name in work["masks"].items():
            volume = self._open(name, Unit.LABEL, ct)
            self.structures.append(_file_row(self.case, group, is_there=volume is not None))
            if volume is not None:
                known = layout.GROUPS[group]
                path = self.root / name
                files[group] = GroupFile(path.relative_to(masks_folder).as_posix(), known.offset, max(known.labels))
                size += path.stat().st_size
                first = first or (path, volume)
        self.structures += [
            _file_row(self.case, group, is_there=False) for group in layout.GROUPS if group not in work["masks"]
        ]
        if first is not None:
            row = volume_row(self.case, "organs", first[0], first[1], group_record(files, tuple(work["not_drawn"])))
            self.volumes.append({**row, "path": str(masks_folder), "bytes": size})

    def _open(self, name: str, unit: Unit, ct: Volume | None) -> Volume | None:
        volume = open_image(self.root / name, unit, None if ct is None else ct.geometry)
        if isinstance(volume, Refusal):
            self.refused.append(refused_row(self.root, self.root / name, volume.reason, volume.detail))
            return None
        return volume


def _file_row(case: str, group: str, *, is_there: bool) -> Row:
    return {
        "case": case,
        "volume": "organs",
        "structure": group,
        "lesion": None,
        "measure": "file",
        "value": float(is_there),
        "unit": "1",
    }


def _letters(text: str | None) -> str:
    return "".join(character for character in (text or "").lower() if character.isalpha())


def _refuse_contradicted(listing: Listing, facts: Known) -> None:
    for case, masks in listing.masks.items():
        for group in facts.contradicted & set(masks):
            detail = f"{layout.LABELS_FILE} gives the integers of {layout.GROUPS[group].model} to other labels"
            listing.refuse(listing.masks[case].pop(group), "other numbering", detail)


def _refuse_without_ct(listing: Listing) -> None:
    for case in listing.cases():
        if "ct" not in listing.images.get(case, {}):
            for file in listing.files(case):
                listing.refuse(file, "no CT", f"case {case} has no CT, on which everything else was drawn")
            listing.images.pop(case, None)
            listing.masks.pop(case, None)


def _plans(listing: Listing, facts: Known) -> Iterator[CasePlan]:
    shared = [stamp(path) for path in usable_shared(listing, facts)]
    rows = {case: facts.row(case) for case in listing.cases()}
    general = (*facts.findings, *_about_pets(listing, rows))
    for position, case in enumerate(listing.cases()):
        first = general if position == 0 else ()
        yield _plan(listing, facts, rows[case], shared, (*first, *_missing(listing, case)))


def _plan(listing: Listing, facts: Known, row: Row, shared: Sequence[FileStamp], findings: tuple[Row, ...]) -> CasePlan:
    case = row["case"]
    images = {role: _relative(listing, path) for role, path in listing.images[case].items()}
    masks = listing.masks.get(case, {})
    return CasePlan(
        case=case,
        patient=row["patient"],
        row=row,
        files=tuple([*map(stamp, listing.files(case)), *shared]),
        work={
            "root": str(listing.root),
            "ct": images["ct"],
            "pet": images.get("pet"),
            "pet_units": row.get("pet_units"),
            "masks_folder": _relative(listing, listing.masks_folder),
            "masks": {group: _relative(listing, masks[group]) for group in layout.GROUPS if group in masks},
            "not_drawn": facts.not_drawn(case),
        },
        findings=findings,
    )


def _relative(listing: Listing, path: Path) -> str:
    return path.relative_to(listing.root).as_posix()


def _missing(listing: Listing, case: str) -> Iterable[Row]:
    """Files that other cases have and this one lacks."""
    groups = [layout.GROUPS[group].folder for group in layout.GROUPS if group in listing.groups]
    has = {layout.GROUPS[group].folder for group in listing.masks.get(case, {})}
    lacking = [folder for folder in groups if folder not in has]
    if any(name.startswith("PT") for name in listing.image_folders) and "pet" not in listing.images[case]:
        lacking.insert(0, "PT")
    if lacking:
        yield finding(
            "enhance_pet_missing",
            case=case,
            path=f"{case}.nii.gz",
            evidence=f"no usable file in {', '.join(lacking)}",
            remedy="fetch the files again; every id has one in each folder",
        )


def _about_pets(listing: Listing, rows: Mapping[str, Row]) -> Iterable[Row]:
    """PETs whose unit is not known or is no activity."""
    units = Counter(
        str(row.get("pet_units") or "no unit")
        for case, row in rows.items()
        if "pet" in listing.images[case] and _letters(row.get("pet_units")) not in layout.PET_UNITS
    )
    for unit, count in sorted(units.items()):
        yield finding(
            "enhance_pet_no_suv",
            path=layout.SHEETS["pet"],
            evidence=f"PETs with {unit}, which is neither Bq/ml nor SUV: {count}",
            remedy="use CT and masks alone, or give the unit in cases.csv (column pet_units); no SUV is guessed",
        )


def _cannot(path: Path, roi: Sequence[str] | None) -> InputError:
    if roi is not None:
        return SettingsError(
            expected=f"no regions by name for source {layout.NAME!r}",
            found=", ".join(roi),
            where=str(path),
            remedy="leave out --roi; all labels are kept",
        )
    return InputError(
        expected=f"{layout.DATA_FOLDER}/{layout.IMAGES_FOLDER} and {layout.DATA_FOLDER}/{layout.MASKS_FOLDER}",
        found="none of the known folders",
        where=str(path),
        remedy="name the folder that holds the sheets; unpack archives first",
    )
