"""`python -m evals`, and the command `evals`."""

from __future__ import annotations

import gc
import sys

from evals.cli import main


def run() -> int:
    """One command in a process of its own; the exit code.

    Loading the SDK of the API makes a million objects that live as long as the process. The collector looks at them
    seldom, and not at all when the process ends: it would search them all once more, which takes as long as half the loading.
    """
    gc.set_threshold(50_000, 20, 50)
    try:
        return main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(run())
