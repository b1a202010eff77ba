"""The judge's licence to gate: what it is bound to, and whether it still holds.

A licence is earned in `evals calibrate`, kept in evals.lock, and void as soon as the judge, its rubric, the gold set or
the way its conversations are held is another one. Here: binding and looking up. Not here: earning it.
"""

from __future__ import annotations

from typing import Any

from evals.canonical import Json
from evals.gold import gold_digest
from evals.lock import read_lock
from evals.project import Project
from graders.criterion import Dimension
from graders.judge.question import judge_version


def binding(project: Project, suite: str, *, judge: str, context: str) -> dict[str, Json] | None:
    """What a calibration is about; None without a gold set."""
    gold = gold_digest(project, suite)
    return {"judge": judge, "rubric": judge_version(), "context": context, "gold": gold} if gold else None


def licensed(project: Project, suite: str, *, judge: str, context: str) -> tuple[Dimension, ...]:
    """The dimensions in which this judge, asked in this way, has a valid licence."""
    locked: Any = (read_lock(project.lock).get(suite) or {}).get("calibration")
    now = binding(project, suite, judge=judge, context=context)
    if not isinstance(locked, dict) or now is None or any(locked.get(name) != now[name] for name in now):
        return ()
    names = locked.get("licensed") or []
    return tuple(dimension for dimension in Dimension if dimension.value in names)
