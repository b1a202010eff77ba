"""What changed between two texts of a persona, for reports: the lines, and the criteria that stand on changed instructions.

Here: values for every report. Not here: splitting a change into parts that can be tried alone (`evals.bisect`).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from evals.context import Context


@dataclass(frozen=True, kw_only=True)
class Touched:
    """An instruction whose words differ between the two revisions."""

    instruction: str
    how: str
    """`changed`, `added`, or `removed`."""
    criteria: tuple[str, ...]
    """`case/criterion` of those that cover it; empty: nothing in the suite would notice."""


def diff_lines(context: Context) -> list[str] | None:
    """A unified diff of the two bodies, hostile as they came; None where a text is no longer there."""
    base, candidate = context.base_persona, context.candidate_persona
    if base is None or candidate is None:
        return None
    names = (f"{base.name} {base.revision}", f"{candidate.name} {candidate.revision}")
    return list(difflib.unified_diff(base.body.splitlines(), candidate.body.splitlines(), *names, lineterm="", n=2))


def touched(context: Context) -> tuple[Touched, ...] | None:
    """The changed instructions in their order; None where one of the revisions is not split into instructions."""
    known = context.instructions.revisions() if context.instructions else frozenset()
    revisions = (context.base.header.revision, context.candidate.header.revision)
    if context.instructions is None or not {*revisions} <= known:
        return None
    found = []
    for item in context.instructions.items:
        words = dict(item.words)
        before, after = (words.get(revision, "").split() for revision in revisions)
        if before != after:
            how = "added" if not before else "removed" if not after else "changed"
            found.append(Touched(instruction=item.id, how=how, criteria=_covering(context, item.id)))
    return tuple(found)


def _covering(context: Context, instruction: str) -> tuple[str, ...]:
    return tuple(f"{case.id}/{c.id}" for case in context.suite.cases for c in case.criteria if instruction in c.covers)
