"""`evals` that is killed before its n-th change of a file below the folder it runs in: `python -m tests.killed_at VERB ARG…`.

For each number on standard input the command runs in a fork, and its wait status and count of changes are printed. With 0
it lives. What takes long to load is loaded once.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from subprocess import PIPE, Popen

from evals.cli import main, parser

CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "os.chmod", "os.link", "shutil.rmtree"}
ROOT = Path(__file__).parent.parent


@contextmanager
def killing(project: Path, *argv: str) -> Iterator[Callable[[int], tuple[int, int]]]:
    """A function that runs the command up to its change of a number: exit code (minus the signal), changes made."""
    with Popen(
        [sys.executable, "-m", "tests.killed_at", *argv],
        cwd=ROOT,
        env={**os.environ, "KILLED_AT": str(project)},
        stdin=PIPE,
        stdout=PIPE,
        text=True,
    ) as serving:
        assert serving.stdin
        assert serving.stdout
        asking, telling = serving.stdin, serving.stdout

        def kill(number: int) -> tuple[int, int]:
            print(number, file=asking, flush=True)
            status, count = map(int, telling.readline().split())
            return os.waitstatus_to_exitcode(status), count

        yield kill


class Counter:
    """Called for every audited event of the process."""

    def __init__(self, last: int) -> None:
        self.count, self._last, self._home = 0, last, str(Path.cwd())

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if event not in CHANGES or (event == "open" and not self._writes(args)):
            return
        if not isinstance(args[0], int) and not os.fsdecode(args[0]).startswith(self._home):  # type: ignore[arg-type]  # a path, by these events
            return
        self.count += 1
        if self.count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    @staticmethod
    def _writes(args: tuple[object, ...]) -> bool:
        return isinstance(args[2], int) and bool(args[2] & (os.O_WRONLY | os.O_RDWR))


def child(number: int, told: int) -> None:
    """The command itself, with its words on no one's terminal."""
    os.chdir(os.environ["KILLED_AT"])
    counter = Counter(number)
    sys.stdout = sys.stderr = io.StringIO()
    sys.addaudithook(counter)
    code = 1
    try:
        code = main(sys.argv[1:])
    finally:
        os.write(told, str(counter.count).encode())
        os._exit(code)


if __name__ == "__main__":
    import_module(parser().parse_args(sys.argv[1:]).module)
    for line in sys.stdin:
        reading, telling = os.pipe()
        pid = os.fork()
        if pid == 0:
            child(int(line), telling)
        os.close(telling)
        _, status = os.waitpid(pid, 0)
        print(status, int(os.read(reading, 20) or 0), flush=True)
        os.close(reading)
