"""`make bench`: every figure that the project holds itself to, in one table. Prints, asserts nothing.

python -m benchmarks.bench [--figure N]… [--long] [--keep DIR]
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import STEPS, Measured, Sizes, measure
from benchmarks.pressure import pressed
from benchmarks.stage import Stage, stage
from benchmarks.table import middle, table


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure the project beside the plain SDK script and bare aiohttp.")
    parser.add_argument("--figure", type=int, action="append", choices=range(1, len(STEPS) + 1), help="only this one")
    parser.add_argument("--long", action="store_true", help="also 100,000 samples (a few minutes more)")
    parser.add_argument(
        "--keep", metavar="DIR", type=Path, help="work here and leave everything (default: a scratch folder)"
    )
    args = parser.parse_args(argv)
    sizes = Sizes(huge=100_000 if args.long else None)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        with stage(folder.resolve()) as where:
            print(machine())
            print(f"{pressed(where)}\n", flush=True)
            print(table(measure(Measured(where, sizes), frozenset(args.figure or ()))))
            print(f"\n{noise(where)}")


def machine() -> str:
    names = ("anthropic", "aiohttp")
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in names)}"
    )


def noise(where: Stage) -> str:
    """What others did on the machine while the steps ran; the mock server counts as one of them."""
    others = [cost.others for cost in where.costs]
    return (
        f"Others, the mock server included, kept {middle(others):.2f} cores busy in the median step and {max(others):.2f} in the "
        f"worst ({len(others)} runs). The same command's CPU varies by a quarter and more between runs on a shared machine: "
        "small differences are none."
    )


if __name__ == "__main__":
    main()
