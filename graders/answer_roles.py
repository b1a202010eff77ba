"""Whether a block is the answer's own work or shown to be talked about.

Words alone can be misread, and likeness to the user's code alone cannot tell a small correction from a quotation; so both
are weighed. What the task asked for by name stays the answer's own, whatever is said around it, unless it is the user's code.

Here: the decision. Not here: the words (`graders/answer_cues.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache

from graders.answer import Role
from graders.answer_cues import Cue, cue, remark_cue
from graders.answer_fences import Fence
from graders.answer_tokens import comments, family, words
from graders.task import Task

ALIKE = 0.9
"""Share of a block's three-token runs that the user's text has, from which on it is taken for a quotation."""
RATHER_ALIKE = 0.75
"""The same where the answer also says that it quotes."""
FEW = 6
JOIN = "\x1f"


class Given:
    """The code that the user gave, prepared for comparison."""

    def __init__(self, task: Task) -> None:
        texts = [content for _, content in task.attachments]
        self._texts = [*texts, *([task.text] if task.text else [])]
        self._prepared: dict[str, tuple[str, frozenset[tuple[str, str, str]]]] = {}

    @cached_property
    def empty(self) -> bool:
        return not any(text.strip() for text in self._texts)

    def likeness(self, tokens: Sequence[str], kind: str) -> float:
        """Share of the tokens' runs of three that the user's code has."""
        runs = list(zip(tokens, tokens[1:], tokens[2:], strict=False))
        known = self._known(kind)[1]
        return sum(run in known for run in runs) / len(runs) if runs else 0.0

    def holds(self, tokens: Sequence[str], kind: str) -> bool:
        """Whether the tokens stand in the user's code exactly so, one after the other."""
        return bool(tokens) and JOIN + JOIN.join(tokens) + JOIN in self._known(kind)[0]

    def _known(self, kind: str) -> tuple[str, frozenset[tuple[str, str, str]]]:
        if kind not in self._prepared:
            cut = [words(text, kind) for text in self._texts]
            runs = frozenset(run for tokens in cut for run in zip(tokens, tokens[1:], tokens[2:], strict=False))
            self._prepared[kind] = JOIN + (JOIN * 2).join(JOIN.join(tokens) for tokens in cut) + JOIN, runs
        return self._prepared[kind]


@lru_cache(maxsize=64)
def given_by(task: Task) -> Given:
    """What the user gave in a task: prepared once, for all answers to it."""
    return Given(task)


def role_of(fence: Fence, text: str, language: str | None, *, named: bool, contract: bool, given: Given) -> Role:
    """The role of a block; `contract` where it bears the name of a file that the task asked for, `named` where of any file."""
    if language == "diff":
        # it holds old code and new
        return Role.UNKNOWN
    said = _said(fence, text, language, strict=named)
    alike, exact = 0.0, False
    if not given.empty:
        kind = family(language)
        tokens = words(text, kind)
        exact = given.holds(tokens, kind) and len(tokens) >= FEW
        alike = 1.0 if exact else given.likeness(tokens, kind) if len(tokens) >= FEW else 0.0
    if exact or (said is Cue.AGAINST and alike >= RATHER_ALIKE):
        return Role.QUOTED
    if contract:
        return Role.PROPOSED
    if said is Cue.BOTH:
        return Role.QUOTED if alike > ALIKE else Role.UNKNOWN
    if said is Cue.NONE and alike > ALIKE and not named:
        return Role.QUOTED
    return Role.QUOTED if said is Cue.AGAINST else Role.PROPOSED


def _said(fence: Fence, text: str, language: str | None, *, strict: bool) -> Cue:
    """The nearest word counts: a mark in the code, then the paragraph directly before, then the heading.

    A heading such as `Problem` speaks ill of the first block below it; what follows further down may be the remedy.
    """
    marked = remark_cue(comments(text[:20_000], language), strict=strict)
    if marked is not Cue.NONE:
        return marked
    near = cue(fence.lead.text) if fence.lead is not None else Cue.NONE
    if near is not Cue.NONE:
        return near
    above = cue(fence.heading)
    return Cue.BOTH if above is Cue.AGAINST and fence.title is None else above
