"""`evals cache`: this machine's memory of responses and of grades."""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing

from evals.cli_options import SUITE
from evals.commands import shared
from evals.errors import InputError
from evals.grade_cache import GradeCache
from evals.load import load_suite, revisions, suite_ids
from evals.project import Project
from evals.providers.cached import Cache
from evals.report.safe import plain
from evals.report.terminal import count
from evals.trial import Plan, Trial

LEAST_KEY = 6
"""Characters of a digest that name a request."""


def execute(args: argparse.Namespace) -> int:
    if (args.what == "why") != bool(args.key):
        message = (
            "`evals cache why` needs a KEY, and nothing else takes one: CASE/REVISION/REPEAT, or a request's digest"
        )
        raise InputError(message)
    home = shared.project()
    with ExitStack() as stack:
        responses = stack.enter_context(closing(Cache(home.memory / "cache")))
        grades = stack.enter_context(GradeCache(home.memory / "grades"))
        if args.what == "why":
            _why(home, args, responses, grades)
        elif args.what == "info":
            _info(home, responses, grades)
        else:
            _forget(home, args, responses, grades)
    return 0


def _info(home: Project, responses: Cache, grades: GradeCache) -> None:
    shared.put(
        f"{count(len(responses), 'response')}, {responses.size():,} bytes in {home.shown(home.memory / 'cache')}"
    )
    shared.put(
        f"grades of {count(len(grades), 'answer')}, {grades.size():,} bytes in {home.shown(home.memory / 'grades')}"
    )


def _forget(home: Project, args: argparse.Namespace, responses: Cache, grades: GradeCache) -> None:
    if args.only != "grades":
        forgotten = responses.clear() if args.what == "clear" else responses.prune()
        shared.put(f"forgot {count(forgotten, 'response' if args.what == 'clear' else 'damaged response')}")
    if args.only != "responses":
        if args.what == "clear":
            shared.put(f"forgot the grades of {count(grades.clear(), 'answer')}")
        else:
            shared.put(f"forgot {count(grades.prune(_marks(home)), 'grade')} that no grader here would look for")


def _marks(home: Project) -> set[str]:
    """The marks under which a run of any suite of this project may look for grades here."""
    from evals.grade_marks import attack_mark, rule_mark
    from graders.execution.sandbox import BACK_ENDS
    from graders.work import attacked, ruled

    cases = [case for suite in suite_ids(home) for case in load_suite(home, suite).cases]
    rules = {rule_mark(criterion) for case in cases for criterion in ruled(case.criteria)}
    attacks = {attack_mark(c, box) for case in cases for c in attacked(case.criteria) for box in BACK_ENDS}
    return rules | attacks


def _why(home: Project, args: argparse.Namespace, responses: Cache, grades: GradeCache) -> None:
    from evals.providers.recorded import explain_miss

    trial = _trial(home, args.of_suite or home.only_suite(SUITE), args.key)
    recording = responses.look(trial.request.digest)
    shared.put(plain(f"{trial.name}: request {trial.request.digest}", 200))
    if recording is None:
        others = [found for key in responses.digests() if (found := responses.look(key))]
        shared.put(
            plain(f"not remembered: {explain_miss(trial.request, others).replace('recording', 'response')}", 600)
        )
        return
    said = recording.response
    shared.put(plain(f"remembered: {len(said.text):,} characters by {said.model}, ended with {said.stop_reason}", 200))
    _why_grades(trial, said.text, grades)


def _why_grades(trial: Trial, text: str, grades: GradeCache) -> None:
    """Which criteria have a grade under the rules as they are."""
    from evals.canonical import digest
    from evals.grade_cache import row_key
    from evals.grade_marks import rule_mark
    from graders.criterion import Kind
    from graders.work import ruled

    row = grades.get(row_key(Kind.RULE, digest(trial.case.task), text))
    for criterion in ruled(trial.case.criteria):
        known = rule_mark(criterion) in row
        shared.put(
            f"  {criterion.id}: "
            + (
                "grade by rule remembered"
                if known
                else "no grade of these rules, their code, parsers and this criterion"
            )
        )


def _trial(home: Project, suite_id: str, key: str) -> Trial:
    """The trial that a key names, with the suite's live model. Raises InputError where there is none."""
    suite = load_suite(home, suite_id)
    plan = Plan(
        suite=suite,
        cases=suite.cases,
        personas=revisions(home, suite.persona),
        model=suite.model,
        repeats=suite.repeats,
    )
    by_digest = len(key) >= LEAST_KEY and "/" not in key
    for trial in plan:
        if trial.name == key or (by_digest and trial.request.digest.startswith(key)):
            return trial
    raise InputError(
        f"no trial of `{suite_id}` with {suite.model} has the key {key!r}; a key is CASE/REVISION/REPEAT, or at least "
        f"{LEAST_KEY} characters of a request's digest, as in the run logs below .evals/runs"
    )
