"""Options of `evals export` and `evals import` that concern datasets and other people's tools."""

from __future__ import annotations

import argparse

DATASETS = ("results", "answers", "cases")
TOOLS = ("otel", "mlflow", "wandb")


def add_exporting(one: argparse.ArgumentParser) -> None:
    """Options of `evals export` besides those of requests."""
    one.add_argument(
        "scorecards",
        nargs="*",
        metavar="SCORECARD",
        help="results, otel, mlflow, wandb: a revision (0001) or a scorecard's path (default: all of the suite)",
    )
    one.add_argument(
        "--license", metavar="ID", help="datasets: the licence to state, such as cc-by-4.0 (default: unknown)"
    )
    one.add_argument(
        "--push", metavar="ORG/NAME", help="datasets: publish on the Hugging Face Hub; needs --yes and HF_TOKEN"
    )
    one.add_argument("--yes", action="store_true", help="with --push: it is meant")
    one.add_argument("--experiment", metavar="NAME", help="mlflow, wandb: experiment or project (default: the suite)")


def add_importing(one: argparse.ArgumentParser) -> None:
    """Options of `evals import cases`."""
    one.add_argument(
        "--map",
        action="append",
        metavar="COLUMN=FIELD",
        help="cases: the column that a field comes from; may be repeated",
    )
    one.add_argument("--criteria", metavar="FILE", help="cases: YAML list of criteria that every case gets")
    one.add_argument(
        "--dimension",
        default="judgement",
        metavar="D",
        help="cases: dimension of criteria that are text alone (default: %(default)s)",
    )
