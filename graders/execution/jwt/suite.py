"""The suite of attacks on answers to `jwt-auth`: the table of attacks, and how an answer is run through them.

Here: order, instances, what happens when the process ends. Not here: any attack.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from itertools import count
from pathlib import Path

from graders.criterion import Status
from graders.execution.attack import Attack, Outcome, Suite
from graders.execution.box import BoxError, Limits, Mount
from graders.execution.jwt.contract import Contract, Unusable
from graders.execution.jwt.lab import Facts, Lab, Trial, Undecided
from graders.execution.jwt.service import Service
from graders.execution.jwt.trials import TRIALS
from graders.execution.jwt.wire import NoReply
from graders.execution.runtimes import node
from graders.execution.sandbox import open_box

HERE = Path(__file__).parent
LAUNCHER = "/launcher"
FOLDER = "answer"
MAIN = "main"
FLAGS = ("--experimental-require-module",)
"""`require('jose')` works in Node 20.19 and later without it."""
ATTACHED_STORE = HERE / "store.js"
"""The store that the user attached; it stays where the answer gives none."""
LIMITS = Limits(processes=64, cpu_seconds=60, file_mb=16, wall_seconds=90.0)
MAX_SILENCES = 3
"""After so many requests without a reply in time the rest is not tried."""

STARTS = Attack(id="JWT-STARTS", title="starts, keeps its contract, accepts valid tokens")


def run(files: Mapping[str, str], wanted: Collection[str]) -> Mapping[str, Outcome]:
    """Attack an answer; what is not wanted is not tried. Raises BoxError when no box or no runtime can be had."""
    runtime = node()
    with tempfile.TemporaryDirectory(prefix="evals-jwt-") as name:
        folder = Path(name)
        _lay_out(folder, files, runtime.env["NODE_PATH"])
        mounts = (*runtime.mounts, Mount(HERE / "launcher", LAUNCHER))
        with open_box(folder, mounts, LIMITS) as box:
            service = Service(box, (runtime.program, *FLAGS, f"{LAUNCHER}/door.js"), runtime.env, FOLDER)
            service.start()
            return dict(_attacked(service, frozenset(wanted)))


def _lay_out(folder: Path, files: Mapping[str, str], modules: str) -> None:
    """Write the answer's two files, with the attached store where it gives none."""
    (folder / FOLDER).mkdir()
    (folder / FOLDER / "app.js").write_text(files["app.js"], encoding="utf-8", errors="replace")
    store = files.get("store.js") or ATTACHED_STORE.read_text(encoding="utf-8")
    (folder / FOLDER / "store.js").write_text(store, encoding="utf-8", errors="replace")
    # ES modules are not found by NODE_PATH
    (folder / "node_modules").symlink_to(modules)


def _attacked(service: Service, wanted: frozenset[str]) -> Iterator[tuple[str, Outcome]]:
    lab = Lab(service=service, instance=MAIN, facts=Facts(), people=count(1))
    reason = ""
    try:
        outcome = Contract(lab).check()
    except Unusable as error:
        reason = f"the answer does not start: {error}"
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


SUITE = Suite(name="jwt", attacks=(STARTS, *(trial.attack for trial in TRIALS)), files=("app.js", "store.js"), run=run)
"""`store.js` may be missing from an answer."""
