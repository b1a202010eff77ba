"""`make bench-peers`: install the other tools, and let each do the same work beside ours. Prints, asserts nothing.

python -m benchmarks.peers.run [--tool NAME]… [--samples N]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from tabulate import tabulate

from benchmarks.bench import machine, noise
from benchmarks.child import Cost, Failed, bytes_below
from benchmarks.peers.tools import TOOLS, Tool
from benchmarks.stage import Stage, stage
from benchmarks.table import each, spelled

LATENCY = 500
AT_ONCE = 50
SLOW_AT_ONCE = 100
COLUMNS = (
    "",
    "one sample, wall s",
    "CPU s",
    "CPU ms a sample",
    "memory MB",
    "on disk KB a sample",
    f"{LATENCY} ms, x ideal",
    "all cached, wall s",
)
Run = Callable[..., Cost]
"""Called with the folder's name, samples, how many at once, and whether replies are remembered."""


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Let other tools do the same work as ours.")
    names = [tool.name for tool in TOOLS]
    parser.add_argument("--tool", action="append", choices=names, help="only this one; may be repeated")
    parser.add_argument("--samples", type=int, default=1_000, metavar="N", help="default: %(default)s")
    args = parser.parse_args(argv)
    wanted = [tool for tool in TOOLS if not args.tool or tool.name in args.tool]
    tools = [tool for tool in wanted if _installed(tool)]
    with tempfile.TemporaryDirectory() as scratch, stage(Path(scratch).resolve()) as where:
        print(f"{machine()}\n{args.samples:,} samples a run, one run each.\n", flush=True)
        rows = [
            row
            for tool in tools
            for row in _row(tool.name, partial(_peer, where, tool), where, args.samples, tool.caches)
        ]
        rows += _row("ours", partial(_ours, where), where, args.samples, caches=True)
        rows += _row("plain SDK script", partial(_plain, where), where, args.samples, caches=False)
        print(tabulate(rows, COLUMNS, tablefmt="github", disable_numparse=True))
        print(f"\n{', '.join(tool.package for tool in tools)}. {noise(where)}")


def _installed(tool: Tool) -> bool:
    print(f"installing {tool.package} …", file=sys.stderr, flush=True)
    try:
        tool.install()
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"{tool.package} cannot be installed and is left out: {error}", file=sys.stderr)
        return False
    return True


def _peer(where: Stage, tool: Tool, name: str, samples: int, at_once: int, *, cached: bool = False) -> Cost:
    call = tool.call(where.folder / name, where.url, samples, at_once, cached=cached)
    return where.command(call.command, where.folder / name, call.variables)


def _ours(where: Stage, name: str, samples: int, at_once: int, *, cached: bool = False) -> Cost:
    folder = where.folder / name
    return where.ours(folder if folder.exists() else where.project(name), samples, at_once)


def _plain(where: Stage, name: str, samples: int, at_once: int, *, cached: bool = False) -> Cost:
    (where.folder / name).mkdir(exist_ok=True)
    return where.plain("sdk", samples, at_once, where.folder / name)


def _row(name: str, run: Run, where: Stage, samples: int, caches: bool) -> Iterator[list[str]]:
    """What one participant took, or why it has no figures."""
    print(f"measuring {name} …", file=sys.stderr, flush=True)
    try:
        yield [name, *_figures(run, where, samples, caches)]
    except Failed as error:
        print(f"{name}: {error}", file=sys.stderr)
        yield [name, "failed"]


def _figures(run: Run, where: Stage, samples: int, caches: bool) -> Iterator[str]:
    at_once = min(SLOW_AT_ONCE, samples)
    where.serve()
    one = run(_fresh(where, "first"), 1, 1)
    yield from (spelled(one.wall), spelled(one.cpu))
    many = run(_fresh(where, "many"), samples, AT_ONCE, cached=True)
    size = bytes_below(where.folder / "many") / samples / 1000
    yield from (spelled(1000 * each(many.cpu, one.cpu, samples)), spelled(many.memory), spelled(size))
    where.serve(latency=LATENCY)
    slow = run(_fresh(where, "slow"), samples, at_once)
    yield spelled(slow.wall / (samples / at_once * LATENCY / 1000))
    where.serve()
    yield spelled(run("many", samples, AT_ONCE, cached=True).wall) if caches else "-"


def _fresh(where: Stage, name: str) -> str:
    shutil.rmtree(where.folder / name, ignore_errors=True)
    return name


if __name__ == "__main__":
    main()
