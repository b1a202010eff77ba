"""A panel: several votes on one question, each from a conversation of its own, and the grade that comes of them.

A panel is odd in number, needs a quorum of valid votes, and decides by a majority of those; a tie is unscored.
Here: counting votes. Not here: asking for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from graders.criterion import Grade, Status


def panel_version(version: str, seats: int) -> str:
    """Grades of panels of different sizes are not comparable; a single judge is no panel."""
    return version if seats == 1 else f"{version}x{seats}"


def combine(votes: Sequence[Grade]) -> Grade:
    """The grade of a panel, from its members' grades of one criterion in the order of the votes.

    One vote stands as it is. Raises ValueError for no vote or an even number, which could not decide.
    """
    seats = len(votes)
    if seats % 2 == 0:
        message = f"a panel has an odd number of votes, not {seats}"
        raise ValueError(message)
    if seats == 1:
        return votes[0]
    said = tuple(vote.status for vote in votes)
    first, version = votes[0], panel_version(votes[0].version, seats)
    winner, why = _winner(said)
    if winner is None:
        return replace(first, status=Status.UNSCORED, version=version, votes=said, evidence=(), reason=why)
    speaker = next(vote for vote in votes if vote.status is winner)
    return replace(speaker, version=version, votes=said, reason=f"{why}: {speaker.reason}")


def _winner(said: Sequence[Status]) -> tuple[Status | None, str]:
    """The status that more than half of the valid votes give, and the count in words."""
    valid = [status for status in said if status is not Status.UNSCORED]
    quorum = len(said) // 2 + 1
    if len(valid) < quorum:
        return None, f"{len(valid)} of {len(said)} votes are valid, {quorum} are needed"
    status, count = Counter(valid).most_common(1)[0]
    if 2 * count <= len(valid):
        return None, f"no majority: {', '.join(status.value for status in said)}"
    return status, f"{count} of {len(said)} votes"
