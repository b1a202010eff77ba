"""`make bench`: every figure that the project holds itself to, in one table. Prints, asserts nothing.

python -m benchmarks.bench [--figure N]… [--long] [--keep DIR] [--doc FILE]
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import STEPS, Measured, Sizes, measure
from benchmarks.pressure import pressed
from benchmarks.stage import Stage, stage
from benchmarks.table import middle, table

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure the project beside the plain SDK script and bare aiohttp.")
    parser.add_argument("--figure", type=int, action="append", choices=range(1, len(STEPS) + 1), help="only this one")
    parser.add_argument("--long", action="store_true", help="also 100,000 samples (a few minutes more)")
    parser.add_argument(
        "--keep", metavar="DIR", type=Path, help="work here and leave everything (default: a scratch folder)"
    )
    parser.add_argument(
        "--doc", metavar="FILE", type=Path, help="file whose marked part is replaced by what is printed"
    )
    args = parser.parse_args(argv)
    sizes = Sizes(huge=100_000 if args.long else None)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        text = report(folder.resolve(), sizes, frozenset(args.figure or ()))
    print(text)
    if args.doc:
        args.doc.write_text(replaced(args.doc.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0


def report(folder: Path, sizes: Sizes, wanted: frozenset[int]) -> str:
    """Everything that is printed: on what, how fast the server is, the table, and how much else was going on."""
    with stage(folder) as where:
        server = pressed(where)
        figures = list(measure(Measured(where, sizes), wanted))
        return "\n\n".join([f"{machine()} {server}", table(figures), noise(where)])


def replaced(document: str, text: str) -> str:
    """The document with the text between its marks. Raises ValueError where they are not there."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        message = f"there are no lines `{BEGIN}` and `{END}`"
        raise ValueError(message)
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def machine() -> str:
    names = ("anthropic", "aiohttp")
    return (
        f"{datetime.now(UTC).date().isoformat()}, {os.cpu_count()} cores ({platform.machine()}), "
        f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}, "
        f"{', '.join(f'{name} {version(name)}' for name in names)}."
    )


def noise(where: Stage) -> str:
    """What others did on the machine while the steps ran; the mock server counts as one of them."""
    others = [cost.others for cost in where.costs]
    return (
        f"Others, the mock server included, kept {middle(others):.2f} cores busy in the median step and {max(others):.2f} in "
        f"the worst ({len(others)} runs)."
    )


if __name__ == "__main__":
    sys.exit(main())
