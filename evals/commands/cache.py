"""`evals cache`: this machine's memory of responses."""

from __future__ import annotations

import argparse

from evals.commands import shared
from evals.providers.cached import Cache


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    cache = Cache(home.memory / "cache")
    try:
        if args.what == "clear":
            shared.put(f"forgot {cache.clear()} responses")
        else:
            shared.put(f"{len(cache)} responses, {cache.size():,} bytes in {home.shown(home.memory / 'cache')}")
    finally:
        cache.close()
    return 0
