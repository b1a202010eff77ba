"""Packages that would like to phone home are told not to, before any test imports one of them."""

from __future__ import annotations

import os
import tempfile

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
}
os.environ.update(ENVIRONMENT)
os.environ.setdefault("HF_HOME", tempfile.mkdtemp(prefix="evals-hf-"))
