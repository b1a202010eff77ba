"""Which answers' texts a comparison page holds, so that its size stays within bounds.

Here: cutting and leaving out, in a fixed order, and saying so. Not here: grades, or how a text is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from evals.canonical import Json
from evals.context import SIDES, AnswerKey

CUT = 16_000
"""Characters that are kept of each answer when all of them in full are too much."""


@dataclass(frozen=True)
class Stored:
    """Answers as the page holds them."""

    texts: Mapping[AnswerKey, str]
    full: Mapping[AnswerKey, int]
    """Length in characters of each answer that was cut or left out."""
    notes: tuple[str, ...]
    """What was left out, in sentences."""

    def of(self, case: str, repeats: Mapping[str, int]) -> Json:
        """Both sides' answers to one case, one entry per repeat; null where the text is not known."""
        return [[self._entry((side, case, n)) for n in range(1, repeats[side] + 1)] for side in SIDES]

    def _entry(self, key: AnswerKey) -> Json:
        text, full = self.texts.get(key), self.full.get(key)
        if text is None and full is None:
            return None
        entry: dict[str, Json] = {} if text is None else {"text": text}
        return entry if full is None else {**entry, "of": full}


def size(value: Json) -> int:
    """Bytes of a value in the page, a little more rather than less."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    escaped = sum(text.count(character) for character in "<>&\u2028\u2029")
    return len(text.encode("utf-8", "surrogatepass")) + 5 * escaped


def store(answers: Mapping[AnswerKey, str], room: int, rank: Mapping[AnswerKey, int]) -> Stored:
    """The answers that fit into `room` bytes. All in full if possible; else each cut at `CUT` characters; else those
    of the lowest rank first, the first repeats before the later ones.
    """
    if sum(map(size, answers.values())) <= room:
        return Stored(dict(answers), {}, ())
    short = {key: text[:CUT] for key, text in answers.items()}
    full = {key: len(text) for key, text in answers.items() if len(text) > len(short[key])}
    kept: dict[AnswerKey, str] = {}
    for key in sorted(short, key=lambda key: (rank.get(key, 9), key[2], key[1], key[0])):
        room -= size(short[key]) + 20
        if room < 0:
            break
        kept[key] = short[key]
    notes = [f"{len(full)} of {len(answers)} answers are cut after {CUT:,} characters."] if full else []
    left = [key for key in answers if key not in kept]
    if left:
        notes.append(
            f"{len(left)} of {len(answers)} answers are left out to keep this file small; those with flips, "
            "disagreements and failures came first."
        )
    return Stored(kept, full | {key: len(answers[key]) for key in left}, tuple(notes))
