"""Which part of an edit carries a regression: the text difference of two revisions, tried hunk by hunk.

A round is one decision of the gate on one mixed revision: the base with some of the hunks applied. The search keeps a pair
of mixed revisions, one that is not regressed and one with more hunks that is, and halves what lies between them; so it
needs no assumption that hunks act alone, and what it cannot tell it leaves open (delta debugging: Zeller, Hildebrandt,
IEEE Trans. Softw. Eng. 28, 2002). Here: hunks and the search. Not here: how a revision is asked and judged (`gate`).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

from evals.comparison import Comparison, Verdict
from evals.errors import InputError
from evals.persona import Persona

Decide = Callable[[Persona], Awaitable[Comparison]]
"""The gate's comparison of a revision with the base, with as many repeats as it takes up to the gate's cap."""


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """One part of the difference: lines of the base, and what stands in their place in the candidate."""

    number: int
    """From 1, in the order of the text."""
    start: int
    """Line of the base before which it begins, from 0."""
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """As a diff shows it."""
        return [*(f"-{line.rstrip()}" for line in self.before), *(f"+{line.rstrip()}" for line in self.after)]


def hunks(base: str, candidate: str) -> tuple[Hunk, ...]:
    """The difference in parts. What is only added, or only removed, is parted at blank lines."""
    old, new = (text.splitlines(keepends=True) for text in (base, candidate))
    found: list[Hunk] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for start, before, after in _parts(i1, old[i1:i2], new[j1:j2]):
            found.append(Hunk(number=len(found) + 1, start=start, before=tuple(before), after=tuple(after)))
    return tuple(found)


def _parts(start: int, before: list[str], after: list[str]) -> Iterator[tuple[int, list[str], list[str]]]:
    if before and after:
        yield start, before, after
        return
    for part in _paragraphs(before):
        yield start, part, []
        start += len(part)
    for part in _paragraphs(after):
        yield start, [], part


def _paragraphs(lines: Sequence[str]) -> Iterator[list[str]]:
    """Paragraphs, each with the blank lines after it (the first also with those before)."""
    part: list[str] = []
    for blank, run in groupby(lines, key=lambda line: not line.strip()):
        part += run
        if blank and any(line.strip() for line in part):
            yield part
            part = []
    if part:
        yield part


def mixed(base: str, chosen: Iterable[Hunk]) -> str:
    """The base with the chosen hunks applied."""
    lines = base.splitlines(keepends=True)
    result: list[str] = []
    done = 0
    for hunk in sorted(chosen, key=lambda hunk: hunk.number):
        result += lines[done : hunk.start]
        result += hunk.after
        done = hunk.start + len(hunk.before)
    return "".join(result + lines[done:])


def _lines(persona: Persona) -> str:
    """The body with every line ended, so that what is added after the last one changes none."""
    return f"{persona.body}\n" if persona.body else ""


class Ending(StrEnum):
    """How a bisection ended."""

    FOUND = "found"
    """Without what was found, the rest of the edit is not regressed."""
    NOTHING = "nothing"
    """The candidate itself is not regressed."""
    INCONCLUSIVE = "inconclusive"
    """The gate could not decide a round at its cap of repeats."""
    STOPPED = "stopped"
    """The rounds that were allowed are used up."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """One decision on one mixed revision."""

    hunks: tuple[int, ...]
    comparison: Comparison


@dataclass(frozen=True, kw_only=True)
class Culprit:
    """Hunks that carry a regression: one by itself, or several together where the first of them does not by itself."""

    hunks: tuple[int, ...]
    comparison: Comparison
    """Of the base with these hunks alone."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a bisection found."""

    hunks: tuple[Hunk, ...]
    whole: Comparison
    """Of the candidate itself; no round."""
    rounds: tuple[Round, ...]
    culprits: tuple[Culprit, ...]
    suspects: tuple[int, ...]
    """Among these is another one, as far as could be told; empty where nothing is left open."""
    ending: Ending

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        if self.ending is Ending.NOTHING:
            return f"There is nothing to find: the candidate is {self.whole.verdict.value}."
        if self.ending is Ending.INCONCLUSIVE and not self.rounds and not self.culprits:
            return f"The gate could not decide about the candidate itself, so there is nothing to search for yet ({self.whole.verdict.value})."
        parts = [_said(culprit) for culprit in self.culprits]
        if self.ending is Ending.FOUND:
            rest = len(self.hunks) - sum(len(culprit.hunks) for culprit in self.culprits)
            parts += ["without that the rest of the edit is not regressed" if rest else "there is nothing else"]
        else:
            why = (
                "the gate could not decide" if self.ending is Ending.INCONCLUSIVE else "the allowed rounds are used up"
            )
            parts += [f"{why} before more was known; hunks {_listed(self.suspects)} are open"]
        said = "; ".join(parts)
        return f"{said[0].upper()}{said[1:]} ({len(self.rounds)} rounds)."


def _said(culprit: Culprit) -> str:
    if len(culprit.hunks) == 1:
        return f"hunk {culprit.hunks[0]} carries a regression by itself"
    return f"hunks {_listed(sorted(culprit.hunks))} carry one together, and hunk {culprit.hunks[0]} does not by itself"


def _listed(numbers: Sequence[int]) -> str:
    """
    >>> _listed([1, 2, 3, 7])
    '1–3, 7'
    """
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0])
    ]
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def expected_rounds(count: int) -> int:
    """Rounds for one culprit among so many hunks, at most: halving, the culprit by itself, the edit without it.

    >>> expected_rounds(1), expected_rounds(8), expected_rounds(9)
    (0, 5, 6)
    """
    return 0 if count < 2 else math.ceil(math.log2(count)) + 2


class _Unclear(Exception):
    """A round that the gate did not decide, or that is not allowed any more."""

    def __init__(self, ending: Ending) -> None:
        self.ending = ending
        super().__init__(ending.value)


class Bisection:
    """One search. `decide` is asked for the candidate and then once for each mixed revision."""

    def __init__(self, base: Persona, candidate: Persona, decide: Decide, *, most_rounds: int = 40) -> None:
        """Raises InputError for two revisions with the same text."""
        self.hunks = hunks(*map(_lines, (base, candidate)))
        if not self.hunks:
            raise InputError(f"{base.revision} and {candidate.revision} are the same text")
        self._base, self._candidate = base, candidate
        self._decide = decide
        self._most = most_rounds
        self._known: dict[frozenset[int], Comparison] = {}
        self._rounds: list[Round] = []
        self._culprits: list[Culprit] = []
        self._suspects: tuple[int, ...] = ()

    async def run(self) -> Found:
        """Search until the rest of the edit is harmless, or it cannot be told."""
        whole = await self._decide(self._candidate)
        self._known[frozenset(hunk.number for hunk in self.hunks)] = whole
        ending = Ending.NOTHING
        if whole.verdict is Verdict.REGRESSED:
            try:
                await self._search()
                ending = Ending.FOUND
            except _Unclear as unclear:
                ending = unclear.ending
        elif whole.verdict not in (Verdict.NOT_WORSE, Verdict.IMPROVED):
            ending, self._suspects = Ending.INCONCLUSIVE, tuple(hunk.number for hunk in self.hunks)
        return Found(
            hunks=self.hunks,
            whole=whole,
            rounds=tuple(self._rounds),
            culprits=tuple(self._culprits),
            suspects=self._suspects if ending in (Ending.INCONCLUSIVE, Ending.STOPPED) else (),
            ending=ending,
        )

    async def _search(self) -> None:
        """One after the other, until what is left of the edit is not regressed."""
        pool = tuple(hunk.number for hunk in self.hunks)
        while True:
            culprit = await self._one(pool)
            self._culprits.append(culprit)
            pool = self._suspects = tuple(number for number in pool if number not in culprit.hunks)
            if not pool or not await self._carries(pool):
                return

    async def _one(self, pool: tuple[int, ...]) -> Culprit:
        """Hunks of the pool, which carries a regression, that carry one with none of the others."""
        fixed: tuple[int, ...] = ()
        left = pool
        while True:
            end = await self._shortest(fixed, left)
            fixed = (*fixed, left[end - 1])
            self._suspects = (*fixed, *left[: end - 1])
            if end == 1 or await self._carries(fixed):
                return Culprit(hunks=fixed, comparison=self._known[frozenset(fixed)])
            left = left[: end - 1]

    async def _shortest(self, fixed: tuple[int, ...], left: tuple[int, ...]) -> int:
        """A length at which `fixed` with the first hunks of `left` regresses, and with one fewer does not.

        `fixed` alone does not, with all of `left` it does: one such length lies in between, however hunks act together.
        """
        low, high = 0, len(left)
        while high - low > 1:
            self._suspects = (*fixed, *left[low:high])
            middle = (low + high) // 2
            if await self._carries((*fixed, *left[:middle])):
                high = middle
            else:
                low = middle
        return high

    async def _carries(self, numbers: tuple[int, ...]) -> bool:
        """Whether the base with these hunks is regressed. Raises _Unclear where that cannot be told."""
        key = frozenset(numbers)
        if key not in self._known:
            if len(self._rounds) >= self._most:
                raise _Unclear(Ending.STOPPED)
            chosen = tuple(sorted(key))
            self._known[key] = await self._decide(self._mix(chosen))
            self._rounds.append(Round(hunks=chosen, comparison=self._known[key]))
        verdict = self._known[key].verdict
        if verdict is Verdict.REGRESSED:
            return True
        if verdict in (Verdict.NOT_WORSE, Verdict.IMPROVED):
            return False
        raise _Unclear(Ending.INCONCLUSIVE)

    def _mix(self, numbers: tuple[int, ...]) -> Persona:
        body = mixed(_lines(self._base), [hunk for hunk in self.hunks if hunk.number in numbers])
        # as it would be read from a file, so that its recorded answers are found again
        body = body.lstrip("\n").rstrip()
        return replace(self._base, body=body, revision=f"{self._base.revision} with hunks {_listed(numbers)}")
