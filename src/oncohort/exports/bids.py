"""PET as BIDS: activity as raw data, SUV and masks as derivatives, CT marked as not standard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from oncohort.cohort import Cohort
from oncohort.errors import MissingNeedError
from oncohort.exports.bids_sidecar import UNKNOWN, activity, is_unknown, sidecar
from oncohort.exports.case_files import CaseFiles, case_files, volume_row, write_record
from oncohort.exports.masks import Masks
from oncohort.storage import write_bytes, write_json
from oncohort.units import Unit
from oncohort.volume import Volume

BIDS_VERSION = "1.11.1"
DERIVATIVES = "derivatives/oncohort"
_IGNORED = "# CT has no place in BIDS\nsub-*/ses-*/ct\noncohort.json\n.oncohort\n"
_README = "Positron emission tomography, made from a cohort by oncohort. oncohort.json says what is not known.\n"


@dataclass(frozen=True)
class BidsPetExport:
    """Writes `sub-<patient>/ses-<n>/pet/..._pet.nii.gz` with its JSON file, and what belongs to it.

    Patients are named by the letters and digits of their id, their cases are sessions by time point and date.

    Args:
        pet_role: Role of the PET.
        ct_role: Role of the CT, written where a case has it into a folder that `.bidsignore` names; None for none.
        masks: Which masks are written as `_dseg`, with the integers of the cohort; None for none.
        activity: `required` refuses a case whose PET cannot be given in Bq/ml; `if-known` then writes SUV alone.

    Examples:
        >>> BidsPetExport().roles
        ('pet', 'ct', 'lesions')
    """

    pet_role: str = "pet"
    ct_role: str | None = "ct"
    masks: Masks | None = field(default_factory=Masks)
    activity: Literal["required", "if-known"] = "required"

    name: ClassVar[str] = "bids-pet"
    place: ClassVar[str] = ""
    description: ClassVar[str] = "BIDS 1.11.1: PET in Bq/mL, SUV and masks as derivatives"

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of PET, CT and masks."""
        others = (self.ct_role, None if self.masks is None else self.masks.role)
        return (self.pet_role, *(role for role in others if role is not None))

    def settings(self) -> dict[str, Any]:
        """All choices as JSON values."""
        return {
            "export": self.name,
            "pet_role": self.pet_role,
            "ct_role": self.ct_role,
            "masks": None if self.masks is None else self.masks.settings(),
            "activity": self.activity,
        }

    def facts(self, cohort: Cohort, case: str) -> list[Any]:
        """Names of the files, and the facts that the JSON file needs."""
        known = cohort[case].facts
        return [_names(cohort)[case], *(known.get(name) for name in ("manufacturer", "manufacturer_model", "tracer"))]

    def check(self, cohort: Cohort) -> None:
        """Raise unless the labels are known.

        Raises:
            SettingsError: A label that the scheme lacks.
        """
        if self.masks is not None:
            self.masks.check(cohort, self.name)

    def write_case(self, cohort: Cohort, case: str, folder: Path) -> dict[str, Any]:
        """Write PET, CT and masks of a case.

        Raises:
            MissingNeedError: The case lacks PET or masks, or its PET cannot be given in Bq/ml.
            LabelError: Labels overlap or have no name.
        """
        volume_row(cohort, case, self.pet_role)
        found, pet = cohort[case], cohort[case].image(self.pet_role)
        entities = _names(cohort)[case]
        bq, why = self._activity(pet, f"case {case}")
        tracer = _letters(str(found.facts.get("tracer") or ""))
        stem = f"{entities.replace('/', '_')}{f'_trc-{tracer}' if tracer else ''}"
        unknown: list[str] = []
        with case_files(folder) as files:
            if bq is not None:
                values = sidecar(pet.record, found.facts)
                unknown = [key for key, value in values.items() if is_unknown(value)]
                files.write_one_member(f"{entities}/pet/{stem}_pet.nii.gz", bq)
                files.write_json(f"{entities}/pet/{stem}_pet.json", values)
            if pet.unit is Unit.SUVBW:
                self._write_suv(files, f"{DERIVATIVES}/{entities}/pet/{stem}_desc-suv_pet", pet)
            if self.ct_role is not None and self.ct_role in found:
                name = f"{entities}/ct/{entities.replace('/', '_')}_ct.nii.gz"
                files.write_one_member(name, found.image(self.ct_role))
            if self.masks is not None:
                stem = f"{DERIVATIVES}/{entities}/anat/{entities.replace('/', '_')}"  # where BIDS has all segmentations
                self._write_masks(files, cohort, case, stem)
        return {"case": case, "entities": entities, "unknown": unknown, "no_activity": why, "files": files.sizes}

    def finish(self, cohort: Cohort, results: Sequence[Mapping[str, Any]], folder: Path) -> tuple[str, ...]:
        """Write descriptions, participants, what is to be ignored, and the record with what is not known."""
        described = {"Name": cohort.name, "BIDSVersion": BIDS_VERSION}
        licence = {"License": "; ".join(cohort.facts.licences)} if cohort.facts.licences else {}
        write_json(folder / "dataset_description.json", {**described, "DatasetType": "raw", **licence})
        made_by = {"GeneratedBy": [{"Name": "oncohort"}], "DatasetType": "derivative"}
        write_json(folder / DERIVATIVES / "dataset_description.json", {**described, **made_by, **licence})
        write_bytes(folder / ".bidsignore", _IGNORED.encode())
        write_bytes(folder / "README", _README.encode())
        write_bytes(folder / "participants.tsv", _participants(cohort, results).encode())
        content = {
            "settings": self.settings(),
            "cases": {
                one["case"]: {name: one[name] for name in ("entities", "unknown", "no_activity")} for one in results
            },
        }
        record = write_record(folder, self.name, cohort, content)
        names = ("dataset_description.json", f"{DERIVATIVES}/dataset_description.json", ".bidsignore", "README")
        return (*names, "participants.tsv", record)

    def _activity(self, pet: Volume, where: str) -> tuple[Volume | None, str | None]:
        try:
            return activity(pet, where=where), None
        except MissingNeedError as error:
            if self.activity == "required":
                raise
            return None, error.found

    def _write_suv(self, files: CaseFiles, stem: str, pet: Volume) -> None:
        files.write_one_member(f"{stem}.nii.gz", pet)
        description = "standardised uptake value by body weight"
        files.write_json(f"{stem}.json", {"Units": "SUVbw", "Description": description, "SkullStripped": False})

    def _write_masks(self, files: CaseFiles, cohort: Cohort, case: str, stem: str) -> None:
        masks = self.masks or Masks()
        mapping = masks.unchanged(cohort)
        name = f"{stem}_desc-{_letters(masks.role)}_dseg"
        files.write_one_member(f"{name}.nii.gz", masks.volume(cohort, case, mapping))
        files.write_text(f"{name}.tsv", label_table(mapping.exported))


def label_table(labels: Mapping[str, int]) -> str:
    r"""The table beside a `_dseg` file: index and name of each label.

    Examples:
        >>> label_table({"mass": 1, "oedema": 5})
        'index\tname\n1\tmass\n5\toedema\n'
    """
    return "index\tname\n" + "".join(f"{value}\t{_cell(name)}\n" for name, value in labels.items())


def _participants(cohort: Cohort, results: Sequence[Mapping[str, Any]]) -> str:
    lines: dict[str, str] = {}
    for one in results:
        facts = cohort[one["case"]].facts
        cells = (facts.get("sex"), facts.get("age_years"), facts.get("weight_kg"))
        subject = str(one["entities"]).partition("/")[0]
        lines.setdefault(subject, "\t".join((subject, *(_cell(cell) for cell in cells))))
    return "participant_id\tsex\tage\tweight\n" + "".join(f"{line}\n" for line in lines.values())


def _cell(value: object) -> str:
    return re.sub(r"[\t\r\n]", " ", UNKNOWN if value in (None, "") else str(value))


def _letters(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text)


@lru_cache(maxsize=4)
def _names(cohort: Cohort) -> dict[str, str]:
    """`sub-<patient>/ses-<n>` for every case."""
    columns = ("case", "patient", "timepoint", "study_date")
    rows = list(cohort.tables.cases.select(columns).iter_rows())
    subjects: dict[str, str] = {}
    for _, patient, _, _ in rows:
        plain = _letters(patient) or "x"
        taken, number, label = {name.lower() for name in subjects.values()}, 2, plain
        while patient not in subjects and label.lower() in taken:
            label, number = f"{plain}x{number}", number + 1
        subjects.setdefault(patient, label)
    sessions: dict[str, int] = {}
    names = {}
    ordered = sorted(range(len(rows)), key=lambda at: (rows[at][2] or 0, rows[at][3] or "", at))
    for at in ordered:
        case, patient, _, _ = rows[at]
        sessions[patient] = sessions.get(patient, 0) + 1
        names[case] = f"sub-{subjects[patient]}/ses-{sessions[patient]}"
    return names
