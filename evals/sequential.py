"""A gate that draws the candidate's answers look by look, and stops as soon as enough is known.

Here: the thin loop between drawing, comparing and the rules of `gate`. Not here: those rules, or how answers are drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

from evals.case import Case, Suite
from evals.compare import compare
from evals.comparison import Comparison, Verdict
from evals.errors import InputError
from evals.exchange import Provider
from evals.gate import LOOKS, Schedule
from evals.persona import Persona
from evals.run import Execute, Graded, run
from evals.scorecard import Scorecard
from evals.tally import tally
from evals.trial import plan_trials

CONFIRMING = 5
"""Fresh answers a case on either side that must confirm an alarm on an unchanged persona."""

Ask = Callable[[Persona, range, str], Awaitable[Sequence[Graded]]]
"""Answers and grades of a persona, for the repeats and the draw that are named."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a sequential gate ended."""

    comparison: Comparison
    base: Scorecard
    candidate: Scorecard
    """The answers that the last comparison is about."""
    look: int
    """The look at which it stopped, from 1."""
    drawn: int
    """Answers asked for, those of a confirmation included."""


def asking(
    suite: Suite,
    cases: Sequence[Case],
    provider: Provider,
    *,
    model: str,
    judge_model: str,
    jobs: int,
    execute: Execute,
) -> Ask:
    """Draws from a provider, which is the judge's as well."""

    async def ask(persona: Persona, repeats: range, draw: str) -> Sequence[Graded]:
        planned = plan_trials(suite, cases, [persona], model=model, repeats=repeats.stop - 1, draw=draw)
        trials = [trial for trial in planned if trial.repeat in repeats]
        return await run(
            trials, provider, provider, judge_model=judge_model, votes=suite.votes, jobs=jobs, execute=execute
        )

    return ask


@dataclass(frozen=True, kw_only=True)
class SequentialGate:
    """One candidate against a baseline whose answers lie there."""

    suite: Suite
    base: Scorecard
    persona: Persona
    ask: Ask
    judge_model: str
    draw: str = "0"
    looks: tuple[int, ...] = LOOKS
    allow: Collection[str] = ()

    @property
    def unchanged(self) -> bool:
        """Whether the candidate is the very text that the baseline was made of."""
        return self.persona.digest == self.base.header.persona_digest

    def schedule(self) -> Schedule:
        """The looks. Raises InputError for a baseline with one answer a case, or a draw that repeats its answers."""
        repeats = Counter((line.case, line.repeat) for line in self.base.grades)
        baseline = min(Counter(case for case, _ in repeats).values(), default=0)
        if baseline < 2:
            raise InputError(
                "the base has fewer than 2 answers a case; a sequential gate needs a baseline of some, 10 are good"
            )
        if self.unchanged and self.draw == "0":
            raise InputError(
                "the persona is the one of the base, so the same requests would be answered from memory; "
                "name another draw, such as `--draw` with the date"
            )
        return Schedule(baseline=baseline, looks=self.looks, margins=self.suite.margins)

    async def run(self) -> Outcome:
        """Draw until the rules say stop; on an unchanged persona an alarm must then be confirmed."""
        schedule = self.schedule()
        graded: list[Graded] = []
        before = 0
        for look, repeats in enumerate(schedule.looks):
            graded += await self.ask(self.persona, range(before + 1, repeats + 1), self.draw)
            before = repeats
            candidate = self._tally(graded)
            comparison = compare(self.base, candidate, self.suite, allow=self.allow, rule=schedule.rule(look))
            if schedule.stops(look, comparison.verdict):
                break
        outcome = Outcome(
            comparison=_said(
                comparison,
                f"look {look + 1} of {len(schedule.looks)}, {repeats} of at most {schedule.looks[-1]} answers a case",
            ),
            base=self.base,
            candidate=candidate,
            look=look + 1,
            drawn=len(graded),
        )
        alarm = comparison.verdict is Verdict.REGRESSED
        return await self._confirmed(outcome) if alarm and self.unchanged else outcome

    async def _confirmed(self, alarm: Outcome) -> Outcome:
        """Both sides drawn anew: a baseline may have been lucky, and a model may have drifted since it was made."""
        fresh = range(1, CONFIRMING + 1)
        base = await self.ask(self.persona, fresh, f"{self.draw}-confirm-base")
        candidate = await self.ask(self.persona, fresh, f"{self.draw}-confirm-candidate")
        cards = self._tally(base), self._tally(candidate)
        comparison = compare(*cards, self.suite, allow=self.allow)
        word = "confirmed" if comparison.verdict is Verdict.REGRESSED else "not confirmed"
        said = f"the alarm at look {alarm.look} on an unchanged persona was {word} by {CONFIRMING} fresh answers a case on either side"
        return replace(
            alarm,
            comparison=_said(comparison, said),
            base=cards[0],
            candidate=cards[1],
            drawn=alarm.drawn + len(base) + len(candidate),
        )

    def _tally(self, graded: Sequence[Graded]) -> Scorecard:
        return tally(self.suite, self.persona, graded, judge_model=self.judge_model)


def _said(comparison: Comparison, more: str) -> Comparison:
    """With how it came about in the sentence."""
    return replace(comparison, sentence=f"{comparison.sentence.removesuffix('.')}; {more}.")
