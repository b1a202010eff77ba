"""The migration suite: which attacks there are, in which order they run, and what a migration that does not run means.

Not here: any attack.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from graders.criterion import Status
from graders.execution.attack import Attack, Outcome, Suite
from graders.execution.box import BoxError
from graders.execution.migration import examples, interruption, races, rights, rules, running, totals, worst
from graders.execution.migration.scene import BACK, FILE, Scene, decided, unscored
from graders.execution.migration.server import serve
from graders.execution.migration.session import trouble

STARTS = "DB-STARTS"


@dataclass(frozen=True, kw_only=True)
class _Entry:
    attack: Attack
    act: Callable[[Scene], Outcome]


def _entry(name: str, title: str, act: Callable[[Scene], Outcome]) -> _Entry:
    return _Entry(attack=Attack(id=name, title=title), act=act)


ENTRIES = (
    _entry(STARTS, "the migration runs to its end, and the shop goes on", running.starts),
    _entry("DB-TX-6", "locks on large tables during scans and rewrites", running.locks),
    _entry("DB-ERR-1", "waits for locks without a bound", running.waits_bounded),
    _entry("DB-TX-5", "totals that are not exact, or filled in one step", totals.exact_totals),
    _entry("DB-SEC-1", "card numbers that are still stored", rules.no_card_data),
    _entry("DB-SEC-2", "everybody's access to all tables", rights.outsiders_shut_out),
    _entry("DB-SEC-3", "SQL in a function's filter, with its owner's rights", rights.functions_safe),
    _entry("DB-SEC-4", "rights that the web servers do not need", rights.app_minimal),
    _entry("DB-SEC-5", "objects that are made later", rights.future_closed),
    _entry("DB-TX-3", "the same payment, address or coupon twice", rules.duplicates_refused),
    _entry("DB-TX-4", "rows that make no sense", rules.bad_rows_refused),
    _entry("DB-TX-11", "statements of today's programs", rules.program_of_today),
    _entry("DB-PERF-1", "asked queries without an index", running.queries),
    _entry("DB-REV-3", "grave defects that the migration leaves", worst.left),
    _entry("DB-TX-9", "refunds beyond their payment, two at once", races.refunds_capped),
    _entry("DB-TX-10", "an order captured twice, two at once", races.captures_capped),
    _entry("DB-TX-1", "a run on dirty data", running.dirty_rows_met),
    _entry("DB-TX-2", "rows and values lost on dirty data", running.rows_kept),
    _entry("DB-TX-7", "interruptions, and the file run again", interruption.run_again),
    _entry("DB-TX-8", "the answer's way back", interruption.way_back),
)
"""In the order in which they run: the first look at an undisturbed run, the last leave it changed."""


def run(files: Mapping[str, str], wanted: Collection[str]) -> Mapping[str, Outcome]:
    """An outcome for each wanted attack. Raises BoxError when no box, no runtime or no database can be had."""
    if FILE not in files:
        missing = decided(False, f"the answer has no complete {FILE}")
        return _with_start(missing, wanted)
    with serve() as server, Scene(server, files) as scene:
        start = running.starts(scene)
        if start.status is not Status.PASS:
            return _with_start(start, wanted)
        outcomes = {STARTS: start}
        for entry in ENTRIES[1:]:
            if entry.attack.id in wanted:
                outcomes[entry.attack.id] = _act(entry, scene)
    return {name: outcomes[name] for name in wanted if name in outcomes}


def _act(entry: _Entry, scene: Scene) -> Outcome:
    """One attack. What our side could not do is no failure of the answer."""
    try:
        return scene.outcome(entry.act)
    except (trouble(), BoxError) as error:
        state = getattr(error, "sqlstate", None) or "no connection"
        return unscored(f"the attack could not be carried out: {type(error).__name__} {state}")


def _with_start(start: Outcome, wanted: Collection[str]) -> dict[str, Outcome]:
    gap = unscored(f"the migration does not start: {start.reason}")
    return {name: start if name == STARTS else gap for name in wanted}


SUITE = Suite(
    name="migration",
    attacks=tuple(entry.attack for entry in ENTRIES),
    files=(FILE, BACK),
    run=run,
    good_answers=examples.good_answers,
    mutants=examples.mutants,
)
