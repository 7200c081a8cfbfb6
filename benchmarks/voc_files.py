"""31,562 annotation files of the form of Lung-PET-CT-Dx: Oncohort's strict reader beside xml.etree."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from benchmarks.timing import show, timed
from oncohort.formats.voc_xml import read_voc
from oncohort.layouts.lung_pet_ct_dx import XML_FILES
from oncohort.phantoms.twins.lung_xml import voc_xml

_FILES_PER_FOLDER = 88  # 31,562 in 358 folders
_GOAL_S = 15.0


def measure_annotations() -> None:
    """Print the cost of both on the same files, in one process."""
    print(f"annotations: {XML_FILES} VOC XML files, 1 process")
    with TemporaryDirectory() as folder:
        paths = _write(Path(folder))
        found, ours = timed(lambda: [read_voc(path).boxes[0].xmin for path in paths])
        expected, theirs = timed(lambda: [int(ElementTree.parse(path).findtext(".//xmin") or 0) for path in paths])
        assert found == expected
    show("oncohort, read_voc", ours, f"goal {_GOAL_S:g} s")
    show("xml.etree, one corner of each", theirs)


def _write(folder: Path) -> list[Path]:
    paths = []
    for number in range(XML_FILES):
        path = folder / f"A{number // _FILES_PER_FOLDER:04d}" / f"1.3.6.1.4.1.14519.5.2.1.6655.2359.{number}.xml"
        path.parent.mkdir(exist_ok=True)
        left, top = number % 400, number % 380
        path.write_bytes(voc_xml([("A", (left, top, left + 49, top + 53))], (512, 512)))
        paths.append(path)
    return paths
