"""The recorded judge: who it was, how it was asked, and what it said of the gold set, read as in a run.

Here: finding the votes. Not here: what they are worth (`graders.judge.calibration`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evals.case import Suite
from evals.exchange import UNSTATED
from evals.gold import GoldItem
from evals.recording import Recording, recorded_vote
from evals.run import ATTEMPTS, question_request
from evals.scorecard import NOT_STATED, answer_digest
from graders.criterion import Criterion, Grade, Status
from graders.judge.verdict import InvalidVerdict, judged, not_judged
from graders.task import Task


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A gold item with the recorded judge's votes on it."""

    item: GoldItem
    votes: tuple[Grade, ...]
    """In order; unscored where no attempt gave a valid reply. Empty: the question as it now stands was never recorded."""

    @property
    def differs(self) -> bool:
        """Whether the first vote decided otherwise than the truth."""
        return bool(self.votes) and self.votes[0].decided and self.votes[0].status is not self.item.truth


def asked(suite: Suite, items: Iterable[GoldItem], recordings: Sequence[Recording]) -> list[Asked]:
    """Every item that fits the suite and its recorded answers, with the votes on it."""
    texts = {r.place: r.response.text for r in recordings if "/judge/" not in r.place}
    replies = {r.digest: r for r in recordings if "/judge/" in r.place}
    most = max(map(recorded_vote, recordings), default=0)
    found = []
    for item in items:
        case = suite.case(item.case)
        criterion = case.criterion(item.criterion) if case else None
        if case and criterion and item.place in texts:
            found.append(Asked(item=item, votes=_votes(case.task, criterion, texts[item.place], replies, most)))
    return found


def _votes(
    task: Task, criterion: Criterion, answer: str, replies: Mapping[str, Recording], most: int
) -> tuple[Grade, ...]:
    """The first vote, which grades are made of, and whichever others there are; none without the first."""
    votes = [_vote(task, criterion, answer, replies, vote) for vote in range(1, most + 1)]
    return tuple(vote for vote in votes if vote) if votes and votes[0] else ()


def _vote(task: Task, criterion: Criterion, answer: str, replies: Mapping[str, Recording], vote: int) -> Grade | None:
    """One vote; None when it was never recorded."""
    reason = ""
    for attempt in range(1, ATTEMPTS + 1):
        request = question_request(task, criterion, answer, model=UNSTATED, vote=vote, attempt=attempt)
        reply = replies.get(request.digest)
        if reply is None:
            return not_judged(criterion, reason, judge=UNSTATED) if reason else None
        try:
            return judged(
                criterion,
                answer,
                reply.response.text,
                judge=reply.response.model or UNSTATED,
                stop_reason=reply.response.stop_reason,
            )
        except InvalidVerdict as error:
            reason = str(error)
    return not_judged(criterion, reason, judge=UNSTATED)


def binary(status: Status) -> bool | None:
    """A status as the truth of a statement; None for what says neither."""
    return {Status.PASS: True, Status.FAIL: False}.get(status)


def answer_digests(recorded: Iterable[Recording]) -> dict[str, str]:
    """Digests of the recorded answers by place (`case/revision/repeat`)."""
    return {r.place: answer_digest(r.response.text) for r in recorded if "/judge/" not in r.place}


def judge_name(recorded: Iterable[Recording]) -> str:
    """The judge of the recordings, as the API named it, or as imports that do not say are called."""
    names = {r.response.model or UNSTATED for r in recorded if "/judge/" in r.place}
    return ", ".join(sorted(names)) or UNSTATED


def judge_context(recorded: Sequence[Recording]) -> str:
    """How judge conversations were held, where the recordings say so and agree."""
    said = {
        dict(r.response.provenance.declared).get("judge_context", NOT_STATED) for r in recorded if "/judge/" in r.place
    }
    return said.pop() if len(said) == 1 else ", ".join(sorted(said)) or NOT_STATED
