"""Cohorts in the layouts of other tools."""

from oncohort.exports.labels import LabelMapping
from oncohort.exports.nnunet import Channel, NnunetExport
from oncohort.exports.protocol import Export

__all__ = ["Channel", "Export", "LabelMapping", "NnunetExport"]
