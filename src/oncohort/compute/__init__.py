"""One function over many items: resumable, in this process or in spawned ones."""

from oncohort.compute.journal import ResultJournal
from oncohort.compute.mapping import Progress, ProgressCallback, map_items
from oncohort.compute.measuring import Measured, Measurement
from oncohort.compute.store import ResultStore

__all__ = [
    "Measured",
    "Measurement",
    "Progress",
    "ProgressCallback",
    "ResultJournal",
    "ResultStore",
    "map_items",
]
