"""Attacks on running the file again: after its end, after interruptions, and after the answer's own way back.

Not here: an undisturbed run (`running`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from graders.execution.attack import Outcome
from graders.execution.migration import catalog
from graders.execution.migration.cluster import CLEAN
from graders.execution.migration.roles import OWNER, SUPERUSER
from graders.execution.migration.rows import TABLES
from graders.execution.migration.scene import BACK, FILE, Scene, decided, last_words, not_applicable
from graders.execution.migration.server import Run
from graders.execution.migration.totals import exact_column

STOPS = 3
"""Interruptions spread over the statements of the file."""
GATE = 4711
"""Key of the advisory lock before an index."""
PAUSE = 2
"""The pause at which a long step is interrupted: at least one batch is done by then."""
PATIENCE = 20.0


def run_again(scene: Scene) -> Outcome:
    """The whole file is run again after its end; elsewhere it is ended while it builds its first index, then at statements
    spread over the file and in the middle of its batches, and each time started again.

    Pass: every run goes on, the last one comes to the end, and then the same is defined as without interruption, with no
    half-built index and with the same totals. Fail: a run stops at what an earlier one did, or the result differs.
    """
    database = CLEAN[1]
    lines = []
    run = _at_an_index(scene, database)
    if run is not None:
        lines.append("ended while it builds its first index; started again")
    statements = sum(look.phase == "end" for look in scene.first.looks)
    for number in range(1, STOPS + 1):
        stop = max(1, statements * number // (STOPS + 1))
        scene.server.plan(database, ddl_stop=stop, sleep_stop=PAUSE if number % 2 else None)
        run = scene.server.run(database, FILE, scene.text)
        if run.ended:
            break
        if not scene.server.stopped(database):
            return decided(False, "after an interruption the file does not run on", *lines, *last_words(run))
        lines.append(f"ended at {_at(run)}; started again")
    scene.server.plan(database)
    run = scene.server.run(database, FILE, scene.text)
    if not run.ended:
        return decided(False, "after an interruption the file does not run to its end", *lines, *last_words(run))
    if wrong := _differences(scene, database):
        return decided(False, "after interruptions the result is another one", *lines, *wrong)
    if not scene.second.ended:
        return decided(False, "a second run of the file does not come to its end", *last_words(scene.second))
    return decided(
        True,
        "it can be run again after any of these interruptions, and after its end",
        *lines[-8:],
        "at the end: the same as without interruption",
        "run once more: exit 0",
    )


def way_back(scene: Scene) -> Outcome:
    """The answer's `rollback.sql` is run after the migration.

    Pass: it comes to its end, and columns, constraints, indexes, triggers and functions are as they were, with the rows.
    Fail: it stops, or something stays different. Not applicable: the answer has no such file.
    """
    if scene.back is None:
        return not_applicable(f"the answer has no file {BACK}")
    database = CLEAN[0]
    before = scene.before(database).defined
    scene.server.plan(database)
    run = scene.server.run(database, BACK, scene.back)
    if not run.ended:
        return decided(False, "the way back does not come to its end", *last_words(run))
    after = catalog.definitions(scene.session(SUPERUSER, database))
    wrong = [f"not back: {line}" for line in sorted(before - after)] + [
        f"still there: {line}" for line in sorted(after - before)
    ]
    wrong += [f"{loss.table}.{loss.column or '*'}: {loss.count} lost" for loss in scene.losses(database, CLEAN[0])]
    return decided(
        not wrong,
        "the way back leaves something behind" if wrong else "everything is as it was",
        *(wrong or [f"{BACK}: exit 0; definitions and rows as before"]),
    )


def _at_an_index(scene: Scene, database: str) -> Run | None:
    """Run the file and end it while its first index waits for a writer, so that a concurrent build leaves an invalid index. None without index."""
    with scene.server.session(database, SUPERUSER) as gate, scene.server.session(database, OWNER) as writer:
        gate.execute("SELECT pg_advisory_lock(%s)", (GATE,))
        scene.server.plan(database, index_gate=GATE)

        def meanwhile(over: Callable[[], bool]) -> None:
            if not _seen(scene, over, "advisory"):
                gate.execute("SELECT pg_advisory_unlock(%s)", (GATE,))
                return
            writer.execute("BEGIN")
            writer.execute("LOCK TABLE " + ", ".join(f"public.{table}" for table in TABLES) + " IN ROW EXCLUSIVE MODE")
            gate.execute("SELECT pg_advisory_unlock(%s)", (GATE,))
            _seen(scene, over, "virtualxid", "relation")
            scene.server.end_sessions()
            writer.execute("ROLLBACK")

        run = scene.server.run(database, FILE, scene.text, meanwhile)
    return None if run.ended else run


def _seen(scene: Scene, over: Callable[[], bool], *events: str) -> bool:
    """Whether the migration's session comes to wait for one of these locks before the run is over."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and not over():
        if any(wait in events for wait in scene.server.waits()):
            return True
        time.sleep(0.003)
    return False


def _at(run: Run) -> str:
    """Where a run was ended, in words."""
    ends = [look for look in run.looks if look.phase == "end"]
    return ends[-1].statement if ends else "its first statement"


def _differences(scene: Scene, database: str) -> list[str]:
    """What differs from the undisturbed run: definitions, rights, half-built indexes, totals."""
    probe = scene.session(SUPERUSER, database)
    wrong = [f"half-built index: {name}" for name in catalog.invalid_indexes(probe)]
    here = catalog.definitions(probe) | catalog.rights(probe)
    wrong += [f"missing: {line}" for line in sorted(scene.defined - here)] + [
        f"too much: {line}" for line in sorted(here - scene.defined)
    ]
    if exact_column(scene, CLEAN[0]) != exact_column(scene, database):
        wrong.append("the exact totals differ")
    wrong += [f"{loss.table}.{loss.column or '*'}: {loss.count} lost" for loss in scene.losses(database, CLEAN[0])]
    return wrong
