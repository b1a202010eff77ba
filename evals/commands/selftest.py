"""`evals selftest`: do the attacks notice seeded defects, and leave sound answers alone?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from evals.canonical import Json
from evals.case import Case, Suite
from evals.commands import shared
from evals.errors import Incomplete, InputError
from evals.load import load_suite
from evals.nearest import unknown
from evals.selftest import SHARE, BadMutant, Job, Report, Result, jobs, selftest
from evals.selftest_record import write_record
from graders.execution.box import BoxError
from graders.execution.grading import attacks_of
from graders.execution.sandbox import level


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    suite = load_suite(home, args.suite)
    if args.record and args.attacks:
        raise InputError("--record keeps the whole self-test; leave --attacks out")
    work = _work(args, suite)
    try:
        shared.say(f"{len(work)} answers run in a sandbox of this machine ({level()})")
    except BoxError as error:
        message = f"nothing can be executed here: {error}"
        raise Incomplete(message) from None
    with shared.bar() as bar:
        report = selftest(work, bar.show)
    if args.record:
        shared.say(f"wrote {home.shown(write_record(home, suite, report))}")
    if args.format == "json":
        shared.put_json(_json(report))
    else:
        _show(report)
    return 0 if report.passed else 1


def _work(args: argparse.Namespace, suite: Suite) -> list[Job]:
    known = [attacks.name for attacks in suite.registry.suites]
    if args.attacks and args.attacks not in known:
        raise InputError(unknown("suite of attacks", args.attacks, known))
    found: list[Job] = []
    for attacks in suite.registry.suites:
        ids = {attack.id for attack in attacks.attacks}
        case = next((c for c in suite.cases if any(ids & set(attacks_of(criterion)) for criterion in c.criteria)), None)
        if case is not None and args.attacks in (None, attacks.name):
            try:
                found += jobs(attacks, case)
            except BadMutant as error:
                raise InputError(str(error)) from None
    if not found:
        raise InputError(f"no case of suite `{suite.id}` names an attack that has examples")
    return found


def _json(report: Report) -> dict[str, Json]:
    return {
        "passed": report.passed,
        "noticed": round(report.noticed, 4),
        "mute": list(report.mute),
        "results": [
            {
                "case": r.job.case.id,
                "name": r.job.name,
                "should_fail": list(r.job.should_fail),
                "failed": list(r.failed),
                "unscored": [{"criterion": name, "reason": reason} for name, reason in r.unscored],
                "sound": r.sound,
            }
            for r in report.results
        ],
    }


def _show(report: Report) -> None:
    for case in dict.fromkeys(result.job.case for result in report.results):
        shared.put(_matrix(case, [result for result in report.results if result.job.case is case]))
    noticed = sum(result.sound for result in report.defects)
    shared.put(
        f"{noticed} of {len(report.defects)} seeded defects noticed ({100 * report.noticed:.0f} %, at least {100 * SHARE:.0f} % are required)"
    )
    for result in report.defects:
        if not result.sound:
            shared.put(f"  not noticed: {result.job.name} (should fail {' or '.join(result.job.should_fail)})")
    sound = sum(result.sound for result in report.answers)
    shared.put(f"{sound} of {len(report.answers)} sound answers passed everything")
    for result in report.answers:
        for name, why in (*((name, "failed") for name in result.failed), *result.unscored):
            shared.put(f"  {result.job.name}: {name}: {why}")
    for name in report.mute:
        shared.put(f"no defect makes it fail: {name}")


def _matrix(case: Case, results: Sequence[Result]) -> str:
    from evals.report.tables import table

    criteria = [criterion.id for criterion in case.criteria if attacks_of(criterion)]
    rows = [[result.job.name, *[_mark(result, name) for name in criteria]] for result in results]
    legend = ", ".join(f"{number} {name}" for number, name in enumerate(criteria, 1))
    grid = table(rows, [case.id, *[str(number) for number in range(1, len(criteria) + 1)]])
    return f"{grid}\n\nX failed as it should, x failed too, O should have failed, ? undecided, . passed\n{legend}\n"


def _mark(result: Result, criterion: str) -> str:
    expected = criterion in result.job.should_fail
    if criterion in result.failed:
        return "X" if expected else "x"
    if criterion in dict(result.unscored):
        return "?"
    return "O" if expected and not result.sound else "."
