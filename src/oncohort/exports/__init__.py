"""Cohorts in the layouts of other tools."""

from oncohort.exports.bids import BidsPetExport
from oncohort.exports.boxes import BoxChoice
from oncohort.exports.channels import Channel, parse_channels
from oncohort.exports.coco import CocoExport
from oncohort.exports.labels import LabelMapping
from oncohort.exports.masks import Masks
from oncohort.exports.mha import MhaExport
from oncohort.exports.monai import MonaiExport
from oncohort.exports.nndetection import NnDetectionExport
from oncohort.exports.nnunet import NnunetExport
from oncohort.exports.pants import PantsExport
from oncohort.exports.prompt_channels import PromptDrawing
from oncohort.exports.protocol import Export
from oncohort.exports.tables_csv import CsvExport
from oncohort.exports.voc import VocExport

__all__ = [
    "BidsPetExport",
    "BoxChoice",
    "Channel",
    "CocoExport",
    "CsvExport",
    "Export",
    "LabelMapping",
    "Masks",
    "MhaExport",
    "MonaiExport",
    "NnDetectionExport",
    "NnunetExport",
    "PantsExport",
    "PromptDrawing",
    "VocExport",
    "parse_channels",
]
