"""How long the attacks on one answer take, and a box to start: prints figures, asserts nothing.

Run as `python -m benchmarks.attacks`. The answers are the recorded ones, one after the other (one worker). Starts of a box
are compared with the same program started without a box, in the same run.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from evals.commands.shared import recordings
from evals.load import load_suite
from evals.project import find_project
from graders.answer import read_answer
from graders.execution import runtimes
from graders.execution.box import Limits
from graders.execution.grading import attacks_of, files_of
from graders.execution.sandbox import BACK_ENDS, trouble
from graders.execution.scratch import scratch
from graders.registry import BUILT_IN

TARGETS = {"jwt": 1.0, "payment": 4.0, "migration": 2.5}
"""Seconds an answer."""
FIRST = "import time; print(time.monotonic())"
"""The first thing that a program does: say when it is; the clock is the whole machine's."""
START_TARGET = 20.0
"""Milliseconds."""


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="backend-engineer")
    parser.add_argument(
        "--answers", type=int, default=9, metavar="N", help="recorded answers a case (default: %(default)s)"
    )
    parser.add_argument("--starts", type=int, default=40, metavar="N", help="starts of a box (default: %(default)s)")
    args = parser.parse_args(argv)
    for name in BACK_ENDS:
        print_starts(name, args.starts)
    for name, texts in answers(args.suite, args.answers).items():
        print_suite(name, texts)


def answers(suite_id: str, most: int) -> dict[str, list[Mapping[str, str]]]:
    """Files of recorded answers by suite of attacks, in the order of their places."""
    home = find_project(Path.cwd())
    suite = load_suite(home, suite_id)
    recorded = [r for r in recordings(home, suite_id) if "/judge/" not in r.place]
    found: dict[str, list[Mapping[str, str]]] = {}
    for attacks in BUILT_IN.suites:
        ids = {attack.id for attack in attacks.attacks}
        for case in suite.cases:
            if any(ids & set(attacks_of(criterion)) for criterion in case.criteria):
                texts = [r.response.text for r in recorded if r.place.startswith(f"{case.id}/")][:most]
                found[attacks.name] = [files_of(read_answer(text, case.task), case.task, attacks) for text in texts]
    return found


def print_suite(name: str, texts: Sequence[Mapping[str, str]]) -> None:
    suite = next(one for one in BUILT_IN.suites if one.name == name)
    wanted = [attack.id for attack in suite.attacks]
    suite.run(texts[0], wanted)  # what is prepared once is not counted
    took = [timed(lambda files=files: suite.run(files, wanted)) for files in texts]  # type: ignore[misc]
    print(
        f"{name}: median {median(took):.2f} s an answer ({min(took):.2f}-{max(took):.2f}, {len(took)} answers), "
        f"{median(took) / TARGETS[name]:.2f} x the target of {TARGETS[name]} s"
    )


def print_starts(name: str, count: int) -> None:
    reason = trouble(name)
    if reason:
        print(f"{name}: not here ({reason})")
        return
    bare = median(starts_bare(count))
    boxed = median(starts_boxed(name, count))
    print(
        f"{name}: a box has its first program running after {boxed:.1f} ms (median of {count}; target {START_TARGET:.0f}), the same "
        f"program bare after {bare:.1f} ms: {boxed / bare:.1f} x, {boxed - bare:.1f} ms more"
    )


def starts_boxed(name: str, count: int) -> Iterator[float]:
    """Milliseconds from nothing to the first instruction of a program, in a box of its own each time."""
    program, mounts, environment = runtimes.bare_python()
    for _ in range(count):
        with scratch() as place:
            folder = place / "box"
            folder.mkdir()
            begun = time.monotonic()
            with BACK_ENDS[name](folder, mounts, Limits()) as box:
                box.start("trial", [program, "-I", "-S", "-c", FIRST], environment)
                box.wait("trial", 20)
                yield 1000 * (float(box.output("trial")) - begun)


def starts_bare(count: int) -> Iterator[float]:
    import sys

    for _ in range(count):
        begun = time.monotonic()
        found = subprocess.run([sys.executable, "-I", "-S", "-c", FIRST], check=True, capture_output=True)
        yield 1000 * (float(found.stdout) - begun)


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
