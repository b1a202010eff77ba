"""The suite of attacks on answers to `jwt-auth`: the table of attacks, and how an answer is run through them.

Here: order, instances, what happens when the process ends. Not here: any attack.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from itertools import count
from pathlib import Path

from graders.criterion import Status
from graders.execution.attack import Attack, Mutant, Outcome, Suite
from graders.execution.box import BoxError, Limits, Mount
from graders.execution.jwt.contract import Contract, Unusable
from graders.execution.jwt.lab import Facts, Lab, Trial, Undecided
from graders.execution.jwt.service import Service
from graders.execution.jwt.trials import TRIALS
from graders.execution.jwt.wire import NoReply
from graders.execution.runtimes import node
from graders.execution.sandbox import open_box
from graders.execution.scratch import scratch

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures" / "jwt"
LAUNCHER = "/launcher"
FOLDER = "answer"
MAIN = "main"
FLAGS = ("--experimental-require-module", "--disable-warning=ExperimentalWarning")
"""`require('jose')` works in Node 20.19 and later without them."""
FILES = ("app.js", "store.js")
DOES_NOT_START = "the answer does not start"
LIMITS = Limits(processes=64, cpu_seconds=60, file_mb=16, wall_seconds=90.0)
MAX_SILENCES = 3
"""After so many requests without a reply in time the rest is not tried."""

STARTS = Attack(id="JWT-STARTS", title="starts, keeps its contract, accepts valid tokens")


def run(files: Mapping[str, str], wanted: Collection[str]) -> Mapping[str, Outcome]:
    """Attack an answer; what is not wanted is not tried. Raises BoxError when no box or no runtime can be had."""
    if "app.js" not in files:
        return dict(_without_app(wanted))
    runtime = node()
    with scratch() as folder:
        box = open_box(folder, (*runtime.mounts, Mount(HERE / "launcher", LAUNCHER)), LIMITS)
        _lay_out(folder, files)
        # ES modules are not found by NODE_PATH
        (folder / "node_modules").symlink_to(box.inside(runtime.env["NODE_PATH"]))
        with box:
            service = Service(box, (runtime.program, *FLAGS, f"{LAUNCHER}/door.js"), runtime.env, FOLDER)
            service.start()
            with contextlib.closing(service):
                return dict(_attacked(service, frozenset(wanted)))


def _lay_out(folder: Path, files: Mapping[str, str]) -> None:
    (folder / FOLDER).mkdir()
    for name in FILES:
        if name in files:
            (folder / FOLDER / name).write_text(files[name], encoding="utf-8", errors="replace")


def _without_app(wanted: Collection[str]) -> Iterator[tuple[str, Outcome]]:
    reason = "the answer has no complete app.js"
    for name in wanted:
        starts = name == STARTS.id
        yield (
            name,
            Outcome(
                status=Status.FAIL if starts else Status.UNSCORED,
                reason=reason if starts else f"{DOES_NOT_START}: {reason}",
            ),
        )


def _attacked(service: Service, wanted: frozenset[str]) -> Iterator[tuple[str, Outcome]]:
    lab = Lab(service=service, instance=MAIN, facts=Facts(), people=count(1))
    reason = ""
    try:
        outcome = Contract(lab).check()
    except Unusable as error:
        reason = f"{DOES_NOT_START}: {error}"
        outcome = lab.failed(str(error))
    yield from ((name, outcome) for name in wanted & {STARTS.id})
    bench = Bench(lab)
    for trial in TRIALS:
        if trial.attack.id in wanted:
            yield trial.attack.id, Outcome(status=Status.UNSCORED, reason=reason) if reason else bench.made(trial)


class Bench:
    """Makes attacks one after the other, and sees to it that each finds a living process."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._silences = 0
        self._reason = ""

    def made(self, trial: Trial) -> Outcome:
        """What an attack came to."""
        if self._reason:
            return Outcome(status=Status.UNSCORED, reason=self._reason)
        try:
            lab = self._ready(trial)
        except (BoxError, NoReply, Undecided) as error:
            self._reason = f"the box did not go on: {error}"
            return Outcome(status=Status.UNSCORED, reason=self._reason)
        return self._run(trial, lab)

    def _ready(self, trial: Trial) -> Lab:
        """The place for an attack. Raises BoxError, NoReply, Undecided."""
        service = self._lab.service
        if not service.alive:
            service.start()
            self._load(MAIN)
        if not trial.fresh:
            return self._lab.at(MAIN)
        self._load(trial.attack.id, trial.divisor)
        return self._lab.at(trial.attack.id)

    def _load(self, instance: str, divisor: int = 1) -> None:
        if "error" in self._lab.service.order("load", name=instance, direct=False, divisor=divisor):
            raise Undecided("app.js cannot be required a second time")

    def _run(self, trial: Trial, lab: Lab) -> Outcome:
        try:
            return trial.run(lab)
        except Undecided as error:
            return lab.unscored(str(error))
        except NoReply as error:
            return self._no_reply(trial, lab, error)
        except BoxError as error:
            self._reason = f"the box did not go on: {error}"
            return lab.unscored(self._reason)
        finally:
            lab.service.close()

    def _no_reply(self, trial: Trial, lab: Lab, error: NoReply) -> Outcome:
        service = lab.service
        if service.ended():
            reason = "the process ended during the attack"
        else:
            reason = str(error)
            self._silences += 1
            service.kill()
            if self._silences == MAX_SILENCES:
                self._reason = f"{MAX_SILENCES} requests had no reply in time"
        lab.say(reason)
        return lab.failed(reason) if trial.ends else lab.unscored(reason)


def good_answers() -> dict[str, str]:
    """The known-good answers, by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FIXTURES.glob("good-*.md"))}


def mutants() -> tuple[Mutant, ...]:
    """The defects to seed into them."""
    from graders.execution.fixtures.jwt.mutants import MUTANTS

    return MUTANTS


SUITE = Suite(
    name="jwt",
    attacks=(STARTS, *(trial.attack for trial in TRIALS)),
    files=FILES,
    run=run,
    good_answers=good_answers,
    mutants=mutants,
)
