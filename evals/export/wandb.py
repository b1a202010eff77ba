"""Scorecards as Weights & Biases runs, one each. Offline unless `WANDB_MODE=online` is set: `wandb sync` uploads later."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from evals.data.columns import CRITERIA
from evals.data.extras import extra
from evals.data.rows import criterion_rows
from evals.errors import InputError
from evals.export.tracking import figures, name, said, settings
from evals.scorecard import Scorecard


def log(cards: Sequence[Scorecard], project: str, folder: Path) -> str:
    """Log the scorecards with a table of their criteria; what was done. Raises InputError when it fails."""
    mode: Literal["online", "offline"] = "online" if os.environ.get("WANDB_MODE") == "online" else "offline"
    with extra("wandb"):
        import wandb
    # nothing about this machine or its working folder goes along
    quiet = wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        disable_code=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        host="-",
        program="evals",
    )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for card in cards:
            rows = [list(row.values()) for row in criterion_rows(card)]
            with wandb.init(
                project=project, name=name(card), config=settings(card), dir=folder, mode=mode, settings=quiet
            ) as run:
                run.log({**figures(card), "criteria": wandb.Table(columns=list(CRITERIA.names), data=rows)})
    except (wandb.Error, OSError) as error:
        raise InputError(f"Weights & Biases: {said(error)[:300]}") from None
    return "online" if mode == "online" else f"offline in {folder}; `wandb sync` uploads it"
