"""`evals cache`: this machine's memory of responses."""

from __future__ import annotations

import argparse

from evals.canonical import Json
from evals.commands import shared
from evals.providers.cached import Cache


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    cache = Cache(home.memory / "cache")
    try:
        if args.what == "clear":
            gone = cache.clear()
            shared.put_result(args, {"forgotten": gone}, f"forgot {gone} responses")
        else:
            count, size, folder = len(cache), cache.size(), home.shown(home.memory / "cache")
            data: dict[str, Json] = {"responses": count, "bytes": size, "folder": folder}
            shared.put_result(args, data, f"{count} responses, {size:,} bytes in {folder}")
    finally:
        cache.close()
    return 0
