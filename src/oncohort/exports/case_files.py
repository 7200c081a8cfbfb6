"""The files of one case: all of them or none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from oncohort.cohort import Cohort
from oncohort.errors import GeometryError, MissingNeedError, SettingsError
from oncohort.formats import volume_path, write_nifti, write_volume
from oncohort.formats.nnunet_record import RECORD_FILE
from oncohort.geometry import Geometry
from oncohort.storage import encode_stem, write_bytes, write_json
from oncohort.volume import Volume

Images = Literal["reference", "copy"]
"""Whether an export names images where they lie, or writes them."""


@dataclass
class CaseFiles:
    """Writes files below a folder and remembers their sizes.

    Attributes:
        folder: Of the export.
        sizes: Bytes by path relative to `folder`.
    """

    folder: Path
    sizes: dict[str, int] = field(default_factory=dict)

    def write_volume(self, path: str, volume: Volume) -> str:
        """Write a volume in the format that the name says; gives its path."""
        self._begin(path)
        self.sizes[path] = write_volume(self.folder / path, volume)["bytes"]
        return path

    def write_one_member(self, path: str, volume: Volume) -> str:
        """Write a volume as .nii.gz of one gzip member; gives its path."""
        self._begin(path)
        self.sizes[path] = write_nifti(self.folder / path, volume, one_member=True)["bytes"]
        return path

    def write_json(self, path: str, value: Any) -> str:
        """Write JSON values; gives their path."""
        self._begin(path)
        write_json(self.folder / path, value)
        return self._measured(path)

    def write_text(self, path: str, text: str) -> str:
        """Write text in UTF-8; gives its path."""
        self._begin(path)
        write_bytes(self.folder / path, text.encode())
        return self._measured(path)

    def _begin(self, path: str) -> None:
        self.sizes[path] = 0

    def _measured(self, path: str) -> str:
        self.sizes[path] = (self.folder / path).stat().st_size
        return path


@contextmanager
def case_files(folder: Path) -> Iterator[CaseFiles]:
    """The files of one case; when the block fails, none of those that it wrote is left.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as there:
        ...     with case_files(Path(there)) as files:
        ...         _ = files.write_text("a/b.txt", "12")
        ...     files.sizes
        {'a/b.txt': 2}
    """
    files = CaseFiles(folder)
    try:
        yield files
    except BaseException:
        for path in files.sizes:
            (folder / path).unlink(missing_ok=True)
        raise


def volume_row(cohort: Cohort, case: str, role: str) -> dict[str, Any]:
    """The row of `volumes.parquet` of one role of a case.

    Raises:
        MissingNeedError: The case has no such role.
    """
    rows = cohort.volume_rows(case)
    for row in rows:
        if row["role"] == role:
            return row
    raise MissingNeedError(
        expected=f"a volume with role {role!r}",
        found=f"roles {', '.join(row['role'] for row in rows) or 'none'}",
        where=f"case {case}",
        remedy="name another role, or leave the case out",
    )


def role_stem(role: str) -> str:
    """A role as the last part of a file name; without `_`, so that no two pairs of case and role give one name.

    Examples:
        >>> role_stem("pet.2"), role_stem("../organs_combined")
        ('pet.2', '%2E.%2Forgans%5Fcombined')
    """
    return encode_stem(role).replace("_", "%5F")


def referable_file(cohort: Cohort, case: str, role: str, image: Volume) -> str | None:
    """The absolute path of the .nii.gz file that holds just this image; None if there is none.

    One step of a file with four axes is none: other tools would read all steps.

    Raises:
        MissingNeedError: The case has no such role.
    """
    source = volume_path(cohort, volume_row(cohort, case, role))
    if not source.name.endswith(".nii.gz") or "channel" in image.record:
        return None
    return os.path.abspath(source)  # noqa: PTH100 - without "..", and links stay links


def require_once(export: str, roles: Sequence[str]) -> None:
    """Raise if a role is named twice.

    Raises:
        SettingsError: Naming it.
    """
    twice = sorted({role for role in roles if roles.count(role) > 1})
    if twice:
        raise wrong_setting(export, "every channel once", f"{', '.join(twice)} more than once", "name each role once")


def require_one_grid(images: Mapping[str, Volume], reference: Geometry, *, of: str, case: str) -> None:
    """Raise unless images by role lie on the grid of the role `of`.

    Raises:
        GeometryError: Naming the first that does not.
    """
    for role, image in images.items():
        require_one_geometry(image.geometry, reference, what=role, of=of, case=case)


def require_one_geometry(found: Geometry, reference: Geometry, *, what: str, of: str, case: str) -> None:
    """Raise unless the grid of `what` is that of `of`.

    Raises:
        GeometryError: Naming both.
    """
    if not reference.is_same_grid(found):
        raise GeometryError(
            expected=f"{what} on the grid of {of}: {reference}",
            found=str(found),
            where=f"case {case}",
            remedy="resample it first: oncohort harmonise with a step resample",
        )


def wrong_setting(export: str, expected: str, found: str, remedy: str) -> SettingsError:
    """The error for a choice that an export does not take."""
    return SettingsError(expected=expected, found=found, where=f"export {export}", remedy=remedy)


def write_record(folder: Path, export: str, cohort: Cohort, content: Mapping[str, Any]) -> str:
    """Write what an export says of itself; gives the file's name."""
    record = {
        "type": f"oncohort.{export.replace('-', '_')}_export",
        "format_version": "1.0",
        "cohort": cohort.name,
        "licences": list(cohort.facts.licences),
        "label_scheme": cohort.scheme.to_dict(),
        **content,
    }
    write_json(folder / RECORD_FILE, record)
    return RECORD_FILE
