"""What a program asks of this package without its command line: grade a text, run a suite, read a scorecard.

Here: short ways to what other modules do. Not here: the public names themselves (`evals/__init__.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path

from evals.case import Case, Suite
from evals.comparison import Comparison
from evals.exchange import Provider
from evals.execution import Attacked, Executor, Recorded
from evals.graded_answer import GradedAnswer
from evals.persona import Persona
from evals.run import grade_answer as _grades
from evals.run import run
from evals.scorecard import Scorecard
from evals.scorecard_file import read_card
from evals.tally import tally
from evals.trial import plan_trials

NOT_EXECUTED = Recorded(reason="execution was not asked for")


def grade_answer(case: Case, text: str, *, execute: bool = False) -> GradedAnswer:
    """Grade any text as an answer to a case by its checks and rules; no model is asked.

    With `execute` the case's attacks are run on it in a sandbox of this machine. Raises BoxError where there is none.
    """
    return GradedAnswer(case, text, _grades(case, text, _executor(execute).grades(case, text)))


def _executor(execute: bool) -> Executor:
    if not execute:
        return NOT_EXECUTED
    from graders.execution.sandbox import level

    return Attacked(level=level())


def run_suite(
    suite: Suite,
    personas: Sequence[Persona],
    provider: Provider,
    *,
    judge: Provider | None = None,
    model: str | None = None,
    judge_model: str | None = None,
    repeats: int | None = None,
    jobs: int = 8,
    execute: bool = False,
) -> list[Scorecard]:
    """Ask a provider every case with every persona, grade the answers, and tally: one scorecard a persona, in order.

    `judge`: who is asked for judgements (default: the same provider). `model`, `judge_model` and `repeats`: the suite's
    by default. `jobs`: requests under way at once. Nothing is written, and nothing remembered: wrap the provider for
    that. What a provider fails at leaves its criteria unscored. Raises MissingRecording and FatalProviderError.
    Not for use inside a running event loop; call it in a thread there.
    """
    asked = model or suite.model
    trials = list(plan_trials(suite, suite.cases, personas, model=asked, repeats=repeats or suite.repeats))
    judging = judge_model or suite.judge
    graded = asyncio.run(
        run(
            trials,
            provider,
            judge or provider,
            judge_model=judging,
            votes=suite.votes,
            jobs=jobs,
            execute=_executor(execute).grades,
        )
    )
    by_persona = [[item for item in graded if item.trial.persona is persona] for persona in personas]
    return [tally(suite, p, items, judge_model=judging) for p, items in zip(personas, by_persona, strict=True)]


def read_scorecard(path: Path | str) -> Scorecard:
    """A scorecard from `NNNN.jsonl`, with the grades beside it. Raises InputError naming the line that is wrong."""
    return read_card(Path(path), str(path))


def compare_scorecards(
    base: Scorecard, candidate: Scorecard, suite: Suite, *, allow: Collection[str] = ()
) -> Comparison:
    """What moved from one scorecard to another, and the verdict. `allow`: differences besides the persona that are meant."""
    from evals.compare import compare

    return compare(base, candidate, suite, allow=allow)
