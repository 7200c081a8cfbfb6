"""Scores, boxes and profiles in the forms of other tools."""

from oncohort.outputs.challenger import ChallengerTable, challenger_tables
from oncohort.outputs.coco_results import coco_results, write_coco_results
from oncohort.outputs.folders import FolderForm, WrittenFile, write_folder
from oncohort.outputs.grand_challenge import grand_challenge_metrics, write_grand_challenge_metrics
from oncohort.outputs.methods import methods_paragraph
from oncohort.outputs.nnunet_summary import nnunet_summary, write_nnunet_summary
from oncohort.outputs.pants_rows import Level, PantsRow, pants_markdown, pants_row, pants_rows
from oncohort.outputs.profile_page import profile_page

__all__ = [
    "ChallengerTable",
    "FolderForm",
    "Level",
    "PantsRow",
    "WrittenFile",
    "challenger_tables",
    "coco_results",
    "grand_challenge_metrics",
    "methods_paragraph",
    "nnunet_summary",
    "pants_markdown",
    "pants_row",
    "pants_rows",
    "profile_page",
    "write_coco_results",
    "write_folder",
    "write_grand_challenge_metrics",
    "write_nnunet_summary",
]
