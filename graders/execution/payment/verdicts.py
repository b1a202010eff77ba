"""From what was seen to an outcome: the first fault decides, and the transcript stays short and printable.

Not here: what counts as a fault.
"""

from __future__ import annotations

from collections.abc import Sequence

from graders.criterion import Status
from graders.execution.attack import Outcome

LINES = 12
WIDTH = 200


def judged(faults: Sequence[str], fine: str, lines: Sequence[str]) -> Outcome:
    """Fail with the first fault; pass, with what was shown, when there is none."""
    return outcome(Status.FAIL if faults else Status.PASS, faults[0] if faults else fine, lines)


def unscored(reason: str) -> Outcome:
    return outcome(Status.UNSCORED, reason, ())


def outcome(status: Status, reason: str, lines: Sequence[str]) -> Outcome:
    kept = list(lines)
    if len(kept) > LINES:
        kept = [*kept[: LINES - 1], f"… and {len(kept) - LINES + 1} more lines"]
    return Outcome(status=status, reason=clean(reason), transcript=tuple(clean(line) for line in kept))


def clean(text: str) -> str:
    """One printable line of bounded length."""
    shown = "".join(each if each.isprintable() else "?" for each in text)
    return shown if len(shown) <= WIDTH else shown[: WIDTH - 1] + "…"
