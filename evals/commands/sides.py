"""What BASE and CANDIDATE name: a scorecard, a revision, or an agent file that is replayed; and all that lies beside it.

Here: from words on the command line to scorecards and texts. Not here: comparing them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evals.case import Suite
from evals.commands import shared
from evals.context import SIDES, AnswerKey, Context
from evals.exchange import UNSTATED
from evals.judge_record import judge_context, judge_name
from evals.licence import licensed
from evals.load_personas import find_persona, load_instructions, revisions
from evals.persona import Persona
from evals.project import Project
from evals.scorecard import Scorecard, answer_digest
from evals.scorecard_file import with_statements
from evals.tally import tally
from evals.trial import plan_trials
from evals.usage import Spent, read_usage, usage_path


@dataclass(frozen=True, kw_only=True)
class Found:
    """One side of a comparison."""

    card: Scorecard
    path: Path | None
    """The scorecard's file; None where answers were replayed for it."""
    persona: Persona | None
    """None where the revision that was graded is not to be found in that content."""
    answers: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """(case, repeat) to text, where they are in hand already."""


def find_side(home: Project, suite: Suite, wanted: str, *, execute: bool) -> Found:
    """The side that the user names. Raises InputError, or MissingRecording where answers to replay are not there."""
    path = shared.card_path(home, suite, wanted)
    if wanted.endswith(".jsonl") or (re.fullmatch(r"\d{4}", wanted) and path.is_file()):
        card = _with_statements(shared.find_card(home, suite, wanted), suite)
        return Found(card=card, path=path, persona=_persona_of(home, suite, card))
    return replayed(home, suite, find_persona(home, suite.persona, wanted), execute=execute)


def replayed(home: Project, suite: Suite, persona: Persona, *, execute: bool) -> Found:
    """The scorecard of a revision from recorded answers, graded now."""
    from evals.providers.recorded import RecordedProvider
    from evals.run import run

    recorded = shared.recordings(home, suite.id)
    provider = RecordedProvider(recorded)
    trials = list(plan_trials(suite, suite.cases, [persona], model=UNSTATED, repeats=suite.repeats))
    executor = shared.executor(home, suite, execute=execute)
    with shared.bar() as bar:
        graded = asyncio.run(
            run(
                trials,
                provider,
                provider,
                judge_model=UNSTATED,
                votes=suite.votes,
                jobs=8,
                execute=executor.grades,
                progress=bar.show,
            )
        )
    context = judge_context(recorded)
    licence = licensed(home, suite.id, judge=judge_name(recorded), context=context)
    card = tally(suite, persona, graded, judge_model=UNSTATED, judge_context=context, licensed=licence)
    answers = {(item.trial.case.id, item.trial.repeat): item.response.text for item in graded if item.response}
    return Found(card=card, path=None, persona=persona, answers=answers)


def _with_statements(card: Scorecard, suite: Suite) -> Scorecard:
    """With the criteria of the suite's cases, as far as the cases are those that were graded."""
    graded = {(case, version, digest) for case, version, digest in card.header.cases}
    same = [case for case in suite.cases if (case.id, case.version, case.digest) in graded]
    return with_statements(card, {(case.id, c.id): c for case in same for c in case.criteria})


def _persona_of(home: Project, suite: Suite, card: Scorecard) -> Persona | None:
    known = revisions(home, suite.persona)
    return next((persona for persona in known if persona.digest == card.header.persona_digest), None)


def gather(home: Project, suite: Suite, base: Found, candidate: Found, *, texts: bool) -> Context:
    """Everything behind a comparison; answers and history only when `texts` are wanted."""
    answers: dict[AnswerKey, str] = {}
    if texts:
        for side, found in zip(SIDES, (base, candidate), strict=True):
            answers |= {(side, case, repeat): text for (case, repeat), text in _answers(home, suite, found).items()}
    return Context(
        base=base.card,
        candidate=candidate.card,
        base_persona=base.persona,
        candidate_persona=candidate.persona,
        suite=suite,
        instructions=load_instructions(home, suite.persona),
        answers=answers,
        base_usage=_usage(home, base),
        candidate_usage=_usage(home, candidate),
        history=_history(home, suite, base) if texts else (),
    )


def _usage(home: Project, found: Found) -> Spent | None:
    if found.path is None:
        return None
    path = usage_path(found.path)
    return read_usage(path, home.shown(path))


def _answers(home: Project, suite: Suite, found: Found) -> dict[tuple[str, int], str]:
    """The recorded answers whose digest is the one that was graded."""
    texts = {}
    for case, repeat, wanted in sorted({(line.case, line.repeat, line.answer) for line in found.card.grades}):
        text = found.answers.get((case, repeat)) or shared.recorded_text(home, suite, found.card, case, repeat)
        if text is not None and answer_digest(text) == wanted:
            texts[case, repeat] = text
    return texts


def _history(home: Project, suite: Suite, base: Found) -> tuple[Scorecard, ...]:
    """Committed scorecards of the revisions before the base, of the same suite."""
    number = base.card.header.revision
    if not number.isdigit():
        return ()
    cards = (shared.find_card(home, suite, str(path)) for path in shared.card_paths(home, suite))
    return tuple(card for card in cards if card.header.revision.isdigit() and card.header.revision < number)
