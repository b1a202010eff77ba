"""Packages that only some people need: a plain message where one is missing, and no word of theirs to their makers.

Several of them report their own use, or count downloads, unless told not to. Here they are told.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from evals.errors import InputError

SILENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
}


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import packages of an extra inside. Raises InputError that says how to install it. What the user set stays."""
    for key, value in SILENT.items():
        os.environ.setdefault(key, value)
    try:
        yield
    except ImportError as error:
        message = f"this needs the extra `{name}` ({error.name} is missing): pip install 'persona-evals[{name}]'"
        raise InputError(message) from None
