"""`summary.json` as nnU-Net writes it beside the predictions of a model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oncohort.cohort import Cohort
from oncohort.errors import InputError
from oncohort.evaluation import find_structures
from oncohort.formats.cohort_folder import volume_path
from oncohort.leaderboard.protocol import profile_of
from oncohort.metrics import Presence
from oncohort.outputs.case_rows import Values, missing_cases, rows_by_case, values_of
from oncohort.outputs.voxel_counts import VoxelGrid, count_voxels
from oncohort.profiles import MetricRule, Profile
from oncohort.results import Scores
from oncohort.storage import write_bytes

Number = float | int

_VOLUMES = ("reference_volume_ml", "prediction_volume_ml")
_NNUNET_RULES: dict[Presence, float | str] = {
    Presence.REFERENCE_EMPTY: 0.0,
    Presence.PREDICTION_EMPTY: 0.0,
    Presence.BOTH_EMPTY: "undefined",
}


def nnunet_summary(
    scores: Scores, model: str, *, profile: Profile | None = None, cohort: Cohort | None = None
) -> dict[str, Any]:
    """The scores of one model in the form of nnU-Net's `summary.json`.

    `foreground_mean`, `mean` per label and `metric_per_case` hold Dice and
    IoU as the profile scores them; `oncohort` says where nnU-Net would score
    otherwise. What has no value is NaN, as nnU-Net writes it: its own readers
    compare and round these numbers, which null would break. The numbers of
    voxels (TP, FP, FN, TN, n_pred, n_ref) are there if the cohort gives the
    size of a voxel and the profile the volumes; otherwise they are left out,
    and `oncohort` says so. Means are made as nnU-Net makes them: over the
    cases that have a value, then over labels, where a label without any value
    makes the mean NaN.

    Args:
        scores: From `evaluate`.
        model: One of the scores' models.
        profile: By default the one that the scores were made with.
        cohort: The cohort that was scored: gives the integers of the labels and the size of voxels.
            Without it labels are numbered in the order of the scores.

    Raises:
        InputError: The scores lack the model, or Dice and Jaccard, or a case is not in the cohort.

    Source: MIC-DKFZ/nnUNet 2.8.1, nnunetv2/evaluation/evaluate_predictions.py.

    Examples:
        >>> from oncohort.results import Score
        >>> row = Score("suv-4", "A", "A", "lesion", "dice", 0.8, "1", "autopet-iii", "1")
        >>> nnunet_summary(Scores.from_scores([row], {}), "suv-4")["foreground_mean"]
        {'Dice': 0.8, 'IoU': 0.666...}
    """
    protocol = profile_of(scores, profile)
    reading = _Reading.of(scores, model, protocol, cohort)
    rows = {case: values_of(found) for case, found in rows_by_case(scores, model).items()}
    structures = tuple(dict.fromkeys(structure for values in rows.values() for structure, _ in values))
    labels = _label_keys(structures, protocol, cohort)
    references, predictions = _files(scores, model)
    metrics = {
        case: {labels[structure]: reading.metrics(case, structure, values) for structure in structures}
        for case, values in rows.items()
    }
    means = {key: _mean([found[key] for found in metrics.values()], skip_nan=True) for key in labels.values()}
    return {
        "foreground_mean": _mean(list(means.values()), skip_nan=False),
        "mean": means,
        "metric_per_case": [
            {
                "metrics": found,
                "prediction_file": predictions.get(case),
                "reference_file": references.get(case) if cohort is None else reading.reference_file(case),
            }
            for case, found in metrics.items()
        ],
        "oncohort": reading.notes(model, labels),
    }


def write_nnunet_summary(path: str | Path, summary: Mapping[str, Any]) -> None:
    """Write what `nnunet_summary` gave, whole or not at all; NaN stays NaN, which strict JSON does not know.

    Raises:
        OutputError: The file cannot be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_nnunet_summary(f"{folder}/summary.json", {"foreground_mean": {"Dice": math.nan}})
        ...     "NaN" in Path(f"{folder}/summary.json").read_text()
        True
    """
    write_bytes(path, (json.dumps(summary, indent=4, sort_keys=True) + "\n").encode())


@dataclass(frozen=True, eq=False)
class _Reading:
    """Turns the values of a case into nnU-Net's."""

    profile: Profile
    cohort: Cohort | None
    missing: frozenset[str]
    columns: Mapping[str, tuple[str, ...]]

    @staticmethod
    def of(scores: Scores, model: str, profile: Profile, cohort: Cohort | None) -> _Reading:
        columns: dict[str, tuple[str, ...]] = {}
        for rule in profile.metric:
            columns[rule.name] = (*columns.get(rule.name, ()), rule.column)
        if not {"dice", "jaccard"} & columns.keys():
            raise InputError(
                expected="scores with dice or jaccard, which nnU-Net's summary consists of",
                found=", ".join(columns),
                where=f"profile {profile.name}",
                remedy="evaluate with a profile that has one of them",
            )
        return _Reading(profile, cohort, missing_cases(scores, model), columns)

    @property
    def has_counts(self) -> bool:
        """Whether numbers of voxels can be known."""
        return self.cohort is not None and all(name in self.columns for name in _VOLUMES)

    def metrics(self, case: str, structure: str, values: Values) -> dict[str, Number]:
        """Dice, IoU and what is known of the numbers of voxels."""
        dice, jaccard = (self._value(structure, name, values) for name in ("dice", "jaccard"))
        dice = 2.0 * jaccard / (1.0 + jaccard) if "dice" not in self.columns else dice
        jaccard = dice / (2.0 - dice) if "jaccard" not in self.columns else jaccard
        shares: dict[str, Number] = {"Dice": dice, "IoU": jaccard}
        if not self.has_counts:
            return shares
        volumes = (self._value(structure, name, values) for name in _VOLUMES)
        grid = VoxelGrid.of_row(self._reference_row(case))
        return {**shares, **count_voxels(dice, *volumes, grid=grid, is_missing=case in self.missing)}

    def reference_file(self, case: str) -> str | None:
        """Where the reference lies."""
        return None if self.cohort is None else str(volume_path(self.cohort, self._reference_row(case)).resolve())

    def notes(self, model: str, labels: Mapping[str, str]) -> dict[str, Any]:
        """What a reader who knows nnU-Net must know besides."""
        return {
            "differs": [words for rule in self._dice_rules() for words in _differences(rule)],
            "labels": {key: structure for structure, key in labels.items()},
            "left_out": [] if self.has_counts else ["TP, FP, FN, TN, n_pred, n_ref: " + self._why_no_counts()],
            "missing": sorted(self.missing),
            "model": model,
            "profile": self.profile.name,
            "profile_version": self.profile.version,
        }

    def _why_no_counts(self) -> str:
        absent = [name for name in _VOLUMES if name not in self.columns]
        return f"the profile has no {' and no '.join(absent)}" if absent else "no cohort was named"

    def _dice_rules(self) -> list[MetricRule]:
        return [rule for rule in self.profile.metric if rule.name == ("dice" if "dice" in self.columns else "jaccard")]

    def _value(self, structure: str, name: str, values: Values) -> float:
        found = [values.get((structure, column)) for column in self.columns.get(name, ())]
        return next((value for value in found if value is not None), math.nan)

    def _reference_row(self, case: str) -> Mapping[str, Any]:
        rows = [] if self.cohort is None else self.cohort.volume_rows(case)
        for row in rows:
            if row["role"] == self.profile.target.role:
                return row
        raise InputError(
            expected=f"the cohort that was scored, with {self.profile.target.role!r} of every case",
            found="none",
            where=f"case {case}",
            remedy="name that cohort, or none",
        )


def _label_keys(structures: Sequence[str], profile: Profile, cohort: Cohort | None) -> dict[str, str]:
    """nnU-Net's key of every structure: an integer, or integers in brackets for a region."""
    if cohort is None:
        return {structure: str(number) for number, structure in enumerate(structures, start=1)}
    every = tuple(sorted(cohort.scheme.labels.values())) or (1,)
    known = find_structures(profile, cohort.scheme)
    values = {structure: known.get(structure, every) for structure in structures}
    return {structure: str(found[0]) if len(found) == 1 else str(tuple(found)) for structure, found in values.items()}


def _files(scores: Scores, model: str) -> tuple[dict[str, str], dict[str, str]]:
    """Reference and prediction by case, as the run recorded them."""
    inputs = scores.run.get("inputs", ())
    references = {row["case"]: row["path"] for row in inputs if row["model"] is None}
    return references, {row["case"]: row["path"] for row in inputs if row["model"] == model}


def _mean(rows: Sequence[Mapping[str, Number]], *, skip_nan: bool) -> dict[str, float]:
    """The mean of every number over the rows."""
    means = {}
    for name in rows[0]:
        values = [float(row[name]) for row in rows if not (skip_nan and math.isnan(row[name]))]
        means[name] = math.fsum(values) / len(values) if values else math.nan
    return means


def _differences(rule: MetricRule) -> list[str]:
    """Where the profile scores otherwise than nnU-Net does."""
    return [
        f"{rule.column} where {presence.value}: {rule.rule_for(presence)} here, {theirs} in nnU-Net"
        for presence, theirs in _NNUNET_RULES.items()
        if rule.rule_for(presence) not in (theirs, *(["measured"] if theirs == 0.0 else []))
    ]
