"""Whether points lie on what they mean, and so whether a data set counts voxels from 0 or from 1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oncohort.prompts.prompt import Prompt


def count_hits(prompts: Iterable[Prompt], labels: NDArray[Any], *, base: int = 0) -> tuple[int, int]:
    """How many points of foreground prompts lie on their lesion, and how many points there are.

    A centre of gravity need not lie on its lesion, so not every point of a correct file hits. Where indices are
    counted from 1, `base=1` hits more than `base=0`.

    Args:
        prompts: Clicks and scribbles; a prompt with a lesion must hit the integer of that lesion, another one any.
        labels: (i, j, k) integers of the lesions.
        base: What the first voxel along an axis is called.

    Examples:
        >>> labels = np.zeros((5, 5, 5), int)
        >>> labels[2, 2, 2] = 7
        >>> click = Prompt("click", "foreground", [[3, 3, 3]], lesion="7")
        >>> count_hits([click], labels), count_hits([click], labels, base=1)
        ((0, 1), (1, 1))
    """
    hits = total = 0
    for prompt in prompts:
        if prompt.polarity != "foreground" or prompt.kind == "box":
            continue
        nearest = np.rint(prompt.points).astype(np.int64) - base
        inside = nearest[((nearest >= 0) & (nearest < labels.shape)).all(axis=1)]
        found = labels[tuple(inside.T)]
        is_number = prompt.lesion is not None and prompt.lesion.isdecimal()
        hits += int(np.count_nonzero(found == int(prompt.lesion or 0) if is_number else found > 0))
        total += len(nearest)
    return hits, total
