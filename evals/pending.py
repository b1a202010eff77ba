"""Which requests of a run have no recording yet, and where their recordings will be kept.

A judge can only be asked once the answer is there, so importing answers opens the judge's requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evals.exchange import Request
from evals.recording import Recording, answer_place, judge_place
from evals.run import ATTEMPTS, judge_request, judged_criteria
from evals.trial import Trial
from graders.judge.verdict import InvalidVerdict, judged


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A request that a run needs, and the place of its recording."""

    request: Request
    place: str
    recording: Recording | None
    """None while the request is pending."""


def wanted_requests(
    trials: Sequence[Trial], recordings: Mapping[str, Recording], *, judge_model: str, votes: int = 1
) -> Iterator[Wanted]:
    """Every request that replaying the trials asks for, as far as the recordings tell, in order.

    Equal requests share one recording (two equal answers ask the judge the same), so each stands here once.
    """
    seen: set[str] = set()
    for wanted in _all_wanted(trials, recordings, judge_model, votes):
        if wanted.request.digest not in seen:
            seen.add(wanted.request.digest)
            yield wanted


def _all_wanted(
    trials: Sequence[Trial], recordings: Mapping[str, Recording], judge_model: str, votes: int
) -> Iterator[Wanted]:
    for trial in trials:
        place = answer_place(trial.case.id, trial.persona.revision, trial.repeat)
        answer = recordings.get(trial.request.digest)
        yield Wanted(request=trial.request, place=place, recording=answer)
        if answer is not None:
            for vote in range(1, votes + 1):
                yield from _judge_requests(trial, answer.response.text, place, recordings, judge_model, vote)


def _judge_requests(
    trial: Trial, answer: str, place: str, recordings: Mapping[str, Recording], model: str, vote: int
) -> Iterator[Wanted]:
    for criterion in judged_criteria(trial):
        for attempt in range(1, ATTEMPTS + 1):
            request = judge_request(trial, criterion, answer, model=model, vote=vote, attempt=attempt)
            reply = recordings.get(request.digest)
            yield Wanted(request=request, place=judge_place(place, criterion.id, vote, attempt), recording=reply)
            if reply is None:
                break
            try:
                judged(criterion, answer, reply.response.text, judge=model, stop_reason=reply.response.stop_reason)
            except InvalidVerdict:
                continue
            break
