"""Every source by its name, and the one that knows a folder."""

from __future__ import annotations

from pathlib import Path

from oncohort.errors import InputError
from oncohort.sources.autopet.source import AutopetSource
from oncohort.sources.deep_psma.source import DeepPsmaSource
from oncohort.sources.dicom.source import DicomSource
from oncohort.sources.enhance_pet.source import EnhancePetSource
from oncohort.sources.longitudinal_ct.source import LongitudinalCtSource
from oncohort.sources.lung_pet_ct_dx.source import LungPetCtDxSource
from oncohort.sources.msd.source import MsdSource
from oncohort.sources.nnunet.source import NnunetSource
from oncohort.sources.pants.source import PantsSource
from oncohort.sources.protocol import Source
from oncohort.sources.walking import first_entries

_LOOKED_AT, _SHOWN = 50, 3  # folders inside one whose layout is not known

AUTO = "auto"
"""Instead of a source's name: the layout is told by what lies in the folder."""

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        DicomSource(),
        LungPetCtDxSource(),
        NnunetSource(),
        MsdSource(),
        PantsSource(),
        AutopetSource(),
        DeepPsmaSource(),
        LongitudinalCtSource(),
        EnhancePetSource(),
    )
}
"""Every source by its name, the general ones first: a published layout that is a special case of another follows it."""


def detect_source(path: Path) -> Source:
    """The source whose layout the folder `path` has; of several the most special one.

    Raises:
        InputError: No source knows the layout.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     _ = (Path(there) / "dataset.json").write_text("{}")
        ...     (Path(there) / "imagesTr").mkdir()
        ...     detect_source(Path(there)).name
        'nnunet'
    """
    source = _knowing(path)
    if source is not None:
        return source
    inside = [(folder, _knowing(folder)) for folder in sorted(first_entries(path, _LOOKED_AT)) if folder.is_dir()]
    known = [f"{folder} ({source.name})" for folder, source in inside if source is not None]
    raise InputError(
        expected=f"a folder in one of the layouts that Oncohort reads: {', '.join(SOURCES)}",
        found="none of them" + (f"; it holds folders that are: {', '.join(known[:_SHOWN])}" if known else ""),
        where=str(path),
        remedy="name the folder inside"
        if known
        else "name the folder that holds the data, or the source (docs/ingest.md)",
    )


def _knowing(path: Path) -> Source | None:
    return next((source for source in reversed(SOURCES.values()) if source.detect(path)), None)
