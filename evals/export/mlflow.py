"""Scorecards as MLflow runs, one each, in the store that `MLFLOW_TRACKING_URI` names."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from evals.data.extras import extra
from evals.errors import InputError
from evals.export.tracking import figures, name, said, settings, shown
from evals.scorecard import Scorecard
from evals.scorecard_file import card_text

URI = "MLFLOW_TRACKING_URI"


def log(cards: Sequence[Scorecard], experiment: str) -> str:
    """Log the scorecards, with their files as artifacts; where to. Raises InputError when the store refuses."""
    where = os.environ.get(URI)
    if not where:
        raise InputError(f"{URI} is not set; name a tracking server, such as http://localhost:5000")
    # a wrong address would be tried for minutes
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    with extra("mlflow"):
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    try:
        client = MlflowClient(tracking_uri=where)
        known = client.get_experiment_by_name(experiment)
        experiment_id = known.experiment_id if known else client.create_experiment(experiment)
        for card in cards:
            _log(client, experiment_id, card)
    except (MlflowException, OSError) as error:
        raise InputError(f"MLflow at {shown(where)}: {shown(said(error))[:300]}") from None
    return shown(where)


def _log(client, experiment_id: str, card: Scorecard) -> None:  # type: ignore[no-untyped-def]  # the type is in the extra
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    run_id = client.create_run(experiment_id, run_name=name(card)).info.run_id
    state = "FAILED"
    try:
        client.log_batch(
            run_id,
            params=[Param(key, value) for key, value in settings(card).items()],
            metrics=[Metric(key, value, now, 0) for key, value in figures(card).items()],
        )
        client.log_text(run_id, card_text(card), "scorecard.jsonl")
        state = "FINISHED"
    finally:
        client.set_terminated(run_id, status=state)
