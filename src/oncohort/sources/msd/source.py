"""One task of the Medical Segmentation Decathlon, referenced where it lies.

`dataset.json` lists which image and label belong together, and names the modalities, which lie along the fourth axis
of an image where there are several. A case needs its image; a label that cannot be used is refused alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from oncohort.compute import ProgressCallback
from oncohort.formats.nnunet_raw import RawDataset, read_dataset
from oncohort.layouts import msd as layout
from oncohort.sources.msd.conversion import convert_msd
from oncohort.sources.msd.listing import MsdCase, list_msd
from oncohort.sources.nnunet.names import is_lesion, label_role, label_scheme
from oncohort.sources.protocol import CasePlan, FileStamp, SourcePlan, refuse_regions
from oncohort.sources.referenced import Row, finding
from oncohort.sources.walking import refused_row, walk_folder

_NNUNET_IMAGE = re.compile(r".*_\d{4}\.(?:nii|nii\.gz|mha)")
_LOOKED_AT = 200


@dataclass(frozen=True)
class MsdSource:
    """Reads the folder of one task; nothing is copied.

    Examples:
        >>> MsdSource().name
        'msd'
    """

    name: str = layout.NAME
    description: str = "Medical Segmentation Decathlon, one task: dataset.json, imagesTr, labelsTr, imagesTs"

    def detect(self, path: Path) -> bool:
        """Whether images without a channel number stand in `imagesTr` or `imagesTs` beside `dataset.json`."""
        if not (path / layout.DATASET_FILE).is_file():
            return False
        names = [name for folder in layout.IMAGE_FOLDERS.values() for name in _images_in(path / folder)]
        return bool(names) and not any(map(_NNUNET_IMAGE.fullmatch, names))

    def plan(
        self,
        path: Path,
        *,
        roi: Sequence[str] | None = None,
        known: Mapping[str, str] | None = None,
        progress: ProgressCallback | None = None,
    ) -> SourcePlan:
        """The cases of the folder `path`, by `dataset.json` and file names; headers are read by `convert`.

        Args:
            path: The folder that holds `dataset.json`.
            roi: Must be None; labels have names in `dataset.json`.
            known: Not needed; ids are file names.
            progress: Not called; listing is quick.

        Raises:
            FormatError: There is no usable `dataset.json`.
            LabelError: Two labels share an integer.
            SettingsError: Regions were asked for by name.
        """
        refuse_regions(roi, self.name, path, why="the labels of dataset.json are all kept")
        root = path.absolute()
        dataset = read_dataset(root)
        listing = list_msd(root, walk_folder(root), dataset.facts)
        if listing.dataset is not None and not listing.cases:
            why = "the description of a task, and there is no case"
            listing.refused.append(refused_row(root, listing.dataset.path, "not part of the layout", why))
        release = dataset.facts.get("release", dataset.facts.get("relase"))  # misspelt in some tasks
        return SourcePlan(
            cases=tuple(_plans(root, dataset, listing.cases, listing.dataset, listing.findings)),
            refused=tuple(sorted(listing.refused, key=lambda row: (row["path"], row["reason"]))),
            scheme=label_scheme(dataset),
            version=None if release is None else str(release),
        )

    def convert(self, case_plan: CasePlan, folder: Path) -> dict[str, Any]:
        """Rows that refer to the files of one case, after their headers were read; `folder` gets nothing."""
        return convert_msd(case_plan)


def _images_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in islice(folder.iterdir(), _LOOKED_AT) if _is_image(entry.name)]
    except OSError:
        return []


def _is_image(name: str) -> bool:
    return name.endswith((".nii.gz", ".nii", ".mha")) and not name.startswith(".")


def _plans(
    root: Path,
    dataset: RawDataset,
    cases: Sequence[MsdCase],
    shared: FileStamp | None,
    findings: Sequence[Row],
) -> Iterator[CasePlan]:
    facts = dataset.facts
    licence = facts.get("licence") or facts.get("license")
    general = (*findings, *_label_findings(dataset))
    for position, case in enumerate(cases):
        files = [case.image, *([case.label] if case.label else []), *([shared] if shared else [])]
        yield CasePlan(
            case=case.name,
            patient=case.name,
            row={
                "case": case.name,
                "patient": case.name,
                "split": case.split,
                "licence": None if licence is None else str(licence),
                "task": str(facts.get("name", root.name)),
                "reference": None if facts.get("reference") is None else str(facts["reference"]),
            },
            files=tuple(files),
            work={
                "root": str(root),
                "image": case.image.path,
                "label": case.label and case.label.path,
                "channels": list(dataset.channels.values()),
                "role": label_role(dataset),
            },
            findings=(*(general if position == 0 else ()), *_unlabelled(case)),
        )


def _label_findings(dataset: RawDataset) -> Iterator[Row]:
    lesions = [name for name in dataset.labels if is_lesion(name)]
    if lesions and label_role(dataset) == "organs":
        yield finding(
            "msd_lesions_among_organs",
            evidence=f"labels {', '.join(lesions)} stand beside others, so the role of the masks is organs",
            remedy="score these labels by name",
            path=layout.DATASET_FILE,
            severity="info",
        )


def _unlabelled(case: MsdCase) -> Iterator[Row]:
    if case.label is None and case.split == "train":
        yield finding(
            "msd_no_label",
            evidence="a training image without label",
            remedy="fetch the label, or leave the case out of scoring",
            path=Path(case.image.path).name,
            case=case.name,
        )
