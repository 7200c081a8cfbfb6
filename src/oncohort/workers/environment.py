"""Environment variables for nnU-Net's process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_KEPT = ("nnUNet_compile", "nnUNet_n_proc_DA", "nnUNet_def_n_proc")
"""What a user may have set for nnU-Net and we leave: how it computes. Not its folders, not its reports to others."""

_TRUSTED = "nnUNet_extTrainer"


def nnunet_environment(
    folders: Mapping[str, Path] | None = None, *, processes: int | None = None, trust: bool = False
) -> dict[str, str]:
    """The variables of this process for one of nnU-Net: its own folders, and nothing that calls home.

    Args:
        folders: `raw`, `preprocessed`, `results`; none to predict.
        processes: For augmentation beside the training process; None leaves it to nnU-Net.
        trust: Whether trainer classes of the user's folder `nnUNet_extTrainer` may be imported.

    Examples:
        >>> nnunet_environment({"raw": Path("/a")}, processes=0)["nnUNet_raw"]
        '/a'
    """
    kept = (*_KEPT, _TRUSTED) if trust else _KEPT
    found = {name: value for name, value in os.environ.items() if not name.startswith("nnUNet") or name in kept}
    found |= {f"nnUNet_{name}": str(folder) for name, folder in (folders or {}).items()}
    found.setdefault("nnUNet_def_n_proc", str(usable_cores()))
    found.setdefault("MPLBACKEND", "agg")
    if processes is not None:
        found.setdefault("nnUNet_n_proc_DA", str(processes))
    return found


def usable_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
