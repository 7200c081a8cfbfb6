"""Twins: synthetic cohorts in the layouts of published data sets, with their known faults on request."""

from oncohort.phantoms.twins.protocol import Fault, Size, Twin, TwinCase, WrittenCase
from oncohort.phantoms.twins.registry import TWINS
from oncohort.phantoms.twins.writing import write_twin

__all__ = ["TWINS", "Fault", "Size", "Twin", "TwinCase", "WrittenCase", "write_twin"]
