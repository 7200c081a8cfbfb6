"""nnU-Net in a process of its own: `python -m oncohort.workers.nnunet`, whose environment names nnU-Net's folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module

from oncohort.workers.serving import Handler, serve


def _handlers() -> Mapping[str, Handler]:
    found: Mapping[str, Handler] = import_module("oncohort.workers.nnunet_api").HANDLERS
    return found


if __name__ == "__main__":
    serve(_handlers, extra="train", is_voice=os.environ.get("RANK", "0") == "0")
