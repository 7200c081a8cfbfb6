"""The learning curve that nnU-Net keeps, as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def learning_curve(kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry for each finished epoch.

    Args:
        kept: What a checkpoint or a logger of nnU-Net holds: a list for each quantity, by epoch.

    Examples:
        >>> kept = dict.fromkeys(("train_losses", "val_losses", "lrs"), [0.5])
        >>> kept |= {"dice_per_class_or_region": [[0.25]], "epoch_start_timestamps": [10], "epoch_end_timestamps": [14]}
        >>> learning_curve(kept)[0]["seconds"]
        4.0
    """
    return [
        {
            "epoch": epoch + 1,
            "train_loss": float(kept["train_losses"][epoch]),
            "validation_loss": float(kept["val_losses"][epoch]),
            "pseudo_dice": [float(each) for each in kept["dice_per_class_or_region"][epoch]],
            "learning_rate": float(kept["lrs"][epoch]),
            "seconds": float(kept["epoch_end_timestamps"][epoch] - kept["epoch_start_timestamps"][epoch]),
        }
        for epoch in range(len(kept["epoch_end_timestamps"]))
    ]
