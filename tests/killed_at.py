"""`evals` that kills itself before its n-th change of a file below the folder it runs in: `python -m tests.killed_at N ARG…`.

With 0 it lives, and says at the end how many changes there were.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from evals.cli import main

CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "os.chmod", "os.link", "shutil.rmtree"}


class Counter:
    def __init__(self, last: int) -> None:
        self.count, self._last, self._home = 0, last, str(Path.cwd())

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if event not in CHANGES or (event == "open" and not self._writes(args)):
            return
        if not isinstance(args[0], int) and not str(args[0]).startswith(self._home):
            return
        self.count += 1
        if self.count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    @staticmethod
    def _writes(args: tuple[object, ...]) -> bool:
        flags = args[2]
        return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


if __name__ == "__main__":
    counter = Counter(int(sys.argv[1]))
    sys.addaudithook(counter)
    code = main(sys.argv[2:])
    print(f"changes {counter.count}", file=sys.stderr)
    sys.exit(code)
