"""What an evaluation found wrong, and whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from oncohort.errors import OncohortError

Severity = Literal["info", "warning", "error"]

FINDING_RULES: dict[str, str] = {
    "prediction_unreadable": "A prediction is damaged or holds other than whole numbers; scored as missing.",
    "prediction_grid": "A prediction lies on another grid than the reference; scored as missing.",
    "prediction_resampled": "A prediction was brought onto the grid of the reference.",
    "prediction_unmatched": "A prediction belongs to no case of the cohort.",
    "prediction_twice": "A case has two files; neither is used, and it is scored as missing.",
    "model_without_predictions": "No prediction of a model can be used; it is scored as missing in every case.",
    "prediction_unread": "A volume in a folder of predictions is named so that nothing reads it.",
    "label_unknown": "A prediction holds labels that the label scheme of the cohort does not name.",
    "reference_label_unknown": "A reference holds labels that the label scheme of the cohort does not name.",
    "reference_box_unusable": "A box of the reference holds no pixel or lies beyond its volume; it is left out.",
    "series_apart": "A reconstruction lies along other axes than the first one of its scan; its boxes are left out.",
    "slices_unknown": "The cohort does not say how many slices a volume has; those with boxes are the images.",
    "image_unusable": "Uptake cannot be measured: the image is missing, or not on the grid of the reference.",
}
"""What each rule says."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or odd; `error` makes the exit code 1.

    Args:
        rule: One of `FINDING_RULES`.
        severity: `info`, `warning` or `error`.
        evidence: What was seen.
        remedy: What to do.
        model: Whose prediction; None for what concerns the cohort.
        case: Which case; None for what belongs to none.
        path: Which file.

    Examples:
        >>> Finding("prediction_unmatched", "warning", "no case B", "name it by a case", model="m").severity
        'warning'
    """

    rule: str
    severity: Severity
    evidence: str
    remedy: str
    model: str | None = None
    case: str | None = None
    path: str | None = None

    @staticmethod
    def of_error(rule: str, error: OncohortError) -> Finding:
        """The finding of severity error that an exception stands for."""
        return Finding(rule, "error", f"expected {error.expected}, found {error.found}", error.remedy)


def has_errors(findings: Iterable[Mapping[str, Any]]) -> bool:
    """Whether any row of `findings` of a run is of severity error.

    Examples:
        >>> has_errors([{"severity": "warning"}])
        False
    """
    return any(row["severity"] == "error" for row in findings)
