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


def plan_trials(
    suite: Suite, cases: Sequence[Case], personas: Sequence[Persona], *, model: str, repeats: int, draw: str = "0"
) -> Iterator[Trial]:
    """Every trial of a run; revisions interleaved, so that an interrupted run leaves them comparable."""
    for case in cases:
        for repeat in range(1, repeats + 1):
            for persona in personas:
                request = persona_request(suite, case, persona, model=model, repeat=repeat, draw=draw)
                yield Trial(case=case, persona=persona, repeat=repeat, request=request)
