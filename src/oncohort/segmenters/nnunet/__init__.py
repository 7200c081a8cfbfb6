"""Trained nnU-Net models as segmenters."""

from oncohort.segmenters.nnunet.nnunet import Nnunet
from oncohort.segmenters.nnunet.prepared import PreparedNnunet

__all__ = ["Nnunet", "PreparedNnunet"]
