"""Programs in processes of their own: they know files and words, no cases."""

from oncohort.workers.process import Worker, refusal

__all__ = ["Worker", "refusal"]
