"""Two halves of a gold set: one to mend rubrics by, one that stays unseen until the licence is decided.

Here: which half an item lies in. Not here: what is done with either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import groupby

from graders.judge.calibration import Labelled


def split(items: Sequence[Labelled], seed: int) -> tuple[tuple[Labelled, ...], tuple[Labelled, ...]]:
    """(mending, held out), each in the order of `items`; all items of one answer lie in one half.

    The answers of each case are put revision after revision, within one in the order of a digest of the seed and their
    ids, and are dealt to the halves in turn: of each case, and of each of its revisions, the halves differ by at most
    one answer. Which half begins is a digest's choice too, so that odd ones do not add up on one side. Cases do not
    influence each other, nor do labels or votes; an answer added to a case may move others of that case.

    Raises ValueError when an answer is of two cases or revisions.
    """
    places = {item.answer: (item.case, item.revision) for item in items}
    if any(places[item.answer] != (item.case, item.revision) for item in items):
        message = "an answer is of two cases or revisions"
        raise ValueError(message)
    order = sorted((case, revision, _digest(seed, answer), answer) for answer, (case, revision) in places.items())
    held_out = {
        answer
        for case, answers in groupby(order, key=lambda place: place[0])
        for position, (_, _, _, answer) in enumerate(answers)
        if (position + _digest(seed, case)) % 2
    }
    return (
        tuple(item for item in items if item.answer not in held_out),
        tuple(item for item in items if item.answer in held_out),
    )


def _digest(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\x00{name}".encode()).digest())
