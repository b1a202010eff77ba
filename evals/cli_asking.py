"""Options of the verbs that ask a model."""

from __future__ import annotations

import argparse
import math


def dollars(text: str) -> float:
    """An amount of US dollars above zero."""
    amount = float(text)
    if not 0 < amount < math.inf:
        message = "must be an amount above 0"
        raise argparse.ArgumentTypeError(message)
    return amount


def asking(one: argparse._ActionsContainer) -> None:
    one.add_argument(
        "--max-cost",
        type=dollars,
        metavar="USD",
        help="stop before this call has spent more; what was answered is kept (default: no limit)",
    )
    one.add_argument(
        "--endpoint",
        choices=["anthropic", "bedrock", "vertex"],
        default="anthropic",
        help="where the model is asked; addresses and credentials are read from the environment (default: %(default)s)",
    )
