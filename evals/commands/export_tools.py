"""`evals export otel|mlflow|wandb`: scorecards to the tool that the environment names."""

from __future__ import annotations

import argparse
from pathlib import Path

from evals.commands import shared
from evals.errors import InputError
from evals.load import load_suite
from evals.report.safe import plain


def execute(args: argparse.Namespace) -> int:
    if args.push or args.case or args.persona:
        raise InputError(f"{args.what} takes scorecards, and neither --push nor --case nor --persona")
    home = shared.project()
    suite = load_suite(home, args.suite)
    cards = [shared.find_card(home, suite, one) for one in args.scorecards] or shared.cards(home, suite)
    if args.what == "otel":
        from evals.export import otel

        shared.put(f"sent {otel.send(cards)} events of {len(cards)} scorecards")
        return 0
    if args.what == "mlflow":
        from evals.export import mlflow

        where = mlflow.log(cards, args.experiment or suite.id)
    else:
        from evals.export import wandb

        where = wandb.log(cards, args.experiment or suite.id, Path(args.to) if args.to else home.memory / "wandb")
    shared.put(plain(f"logged {len(cards)} scorecards: {where}"))
    return 0
