"""A trial: one case, one revision of the persona, one model, one repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evals.case import Case, Suite
from evals.exchange import Request, Settings
from evals.persona import Persona


@dataclass(frozen=True)
class Trial:
    """One answer to be asked for and graded."""

    case: Case
    persona: Persona
    repeat: int
    """1-based index among the answers to the same question."""
    request: Request

    @property
    def name(self) -> str:
        """How people name it: case, revision and repeat."""
        return f"{self.case.id}/{self.persona.revision}/{self.repeat}"


def persona_request(suite: Suite, case: Case, persona: Persona, *, model: str, repeat: int, draw: str = "0") -> Request:
    """The request that asks a persona for its answer to a case."""
    return Request(
        model=model,
        system=persona.body or None,
        messages=case.messages,
        settings=Settings(max_tokens=suite.max_tokens),
        repeat=repeat,
        draw=draw,
    )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All trials of a run, made anew each time they are gone through, since a hundred thousand would fill the memory."""

    suite: Suite
    cases: Sequence[Case]
    personas: Sequence[Persona]
    model: str
    repeats: int
    draw: str = "0"

    def __len__(self) -> int:
        return len(self.cases) * len(self.personas) * self.repeats

    def __iter__(self) -> Iterator[Trial]:
        return plan_trials(
            self.suite, self.cases, self.personas, model=self.model, repeats=self.repeats, draw=self.draw
        )

    def __contains__(self, trial: object) -> bool:
        return any(trial == mine for mine in self)


def plan_trials(
    suite: Suite, cases: Sequence[Case], personas: Sequence[Persona], *, model: str, repeats: int, draw: str = "0"
) -> Iterator[Trial]:
    """Every trial of a run; revisions interleaved, so that an interrupted run leaves them comparable."""
    for case in cases:
        first = [persona_request(suite, case, persona, model=model, repeat=1, draw=draw) for persona in personas]
        for repeat in range(1, repeats + 1):
            for persona, request in zip(personas, first, strict=True):
                yield Trial(case=case, persona=persona, repeat=repeat, request=request.again(repeat))
