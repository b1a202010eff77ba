"""`evals cache`: this machine's memory of responses and of grades."""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing

from evals.canonical import Json
from evals.cli_options import SUITE
from evals.commands import shared
from evals.errors import InputError
from evals.grade_cache import GradeCache
from evals.load import load_suite, suite_ids
from evals.load_personas import revisions
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
            _info(home, args, responses, grades)
        else:
            _forget(home, args, responses, grades)
    return 0


def _info(home: Project, args: argparse.Namespace, responses: Cache, grades: GradeCache) -> None:
    data: dict[str, Json] = {}
    lines = []
    for name, memory, folder, what in (
        ("responses", responses, home.memory / "cache", count(len(responses), "response")),
        ("grades", grades, home.memory / "grades", f"grades of {count(len(grades), 'answer')}"),
    ):
        size, shown = memory.size(), home.shown(folder)
        data[name] = {"count": len(memory), "bytes": size, "folder": shown}
        lines.append(f"{what}, {size:,} bytes in {shown}")
    shared.put_result(args, data, "\n".join(lines))


def _forget(home: Project, args: argparse.Namespace, responses: Cache, grades: GradeCache) -> None:
    """Clear or prune, and say how much was forgotten; null is what was left alone."""
    data: dict[str, Json] = {"responses": None, "answers" if args.what == "clear" else "grades": None}
    lines = []
    if args.only != "grades":
        data["responses"] = gone = responses.clear() if args.what == "clear" else responses.prune()
        lines.append(f"forgot {count(gone, 'response' if args.what == 'clear' else 'damaged response')}")
    if args.only != "responses" and args.what == "clear":
        data["answers"] = gone = grades.clear()
        lines.append(f"forgot the grades of {count(gone, 'answer')}")
    elif args.only != "responses":
        data["grades"] = gone = grades.prune(_marks(home))
        lines.append(f"forgot {count(gone, 'grade')} that no grader here would look for")
    shared.put_result(args, data, "\n".join(lines))


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
    trial = _trial(home, args.of_suite or home.only_suite(SUITE), args.key)
    data: dict[str, Json] = {"trial": trial.name, "request": trial.request.digest, "missing": None, "response": None}
    lines = [plain(f"{trial.name}: request {trial.request.digest}", 200)]
    recording = responses.look(trial.request.digest)
    if recording is None:
        data["missing"] = missing = _missing(trial, responses)
        lines.append(plain(f"not remembered: {missing}", 600))
        shared.put_result(args, {**data, "rules": []}, "\n".join(lines))
        return
    said = recording.response
    data["response"] = {"characters": len(said.text), "model": said.model, "stop_reason": said.stop_reason}
    lines.append(
        plain(f"remembered: {len(said.text):,} characters by {said.model}, ended with {said.stop_reason}", 200)
    )
    known = _rules_known(trial, said.text, grades)
    for criterion, remembered in known.items():
        word = (
            "grade by rule remembered"
            if remembered
            else "no grade of these rules, their code, parsers and this criterion"
        )
        lines.append(f"  {criterion}: {word}")
    rules: list[Json] = [{"criterion": name, "remembered": remembered} for name, remembered in known.items()]
    shared.put_result(args, {**data, "rules": rules}, "\n".join(lines))


def _missing(trial: Trial, responses: Cache) -> str:
    """Why the memory has no response: what comes nearest, and in what it differs."""
    from evals.providers.recorded import explain_miss

    others = [found for key in responses.digests() if (found := responses.look(key))]
    return explain_miss(trial.request, others).replace("recording", "response")


def _rules_known(trial: Trial, text: str, grades: GradeCache) -> dict[str, bool]:
    """Which criteria have a grade under the rules as they are."""
    from evals.canonical import digest
    from evals.grade_cache import row_key
    from evals.grade_marks import rule_mark
    from graders.criterion import Kind
    from graders.work import ruled

    row = grades.get(row_key(Kind.RULE, digest(trial.case.task), text))
    return {criterion.id: rule_mark(criterion) in row for criterion in ruled(trial.case.criteria)}


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
