"""What an experiment tracker is told of a scorecard: a name, settings and figures, the same for each tracker."""

from __future__ import annotations

import re

from evals.data.rows import dimension_rows, whole
from evals.scorecard import Scorecard

FIGURES = ("score", "low", "high", "without_promises")


def name(card: Scorecard) -> str:
    """What people look for: suite, persona, revision."""
    return f"{card.header.suite}/{card.header.persona}/{card.header.revision}"


def said(error: BaseException) -> str:
    """What an error of another library says, on one line; its type where it says nothing.

    >>> said(OSError("no\\n  luck")), said(TimeoutError())
    ('no luck', 'TimeoutError')
    """
    return " ".join((str(error) or type(error).__name__).split())


def shown(text: str) -> str:
    """An address, or a text with addresses in it, without the names and passwords that may stand in them.

    >>> shown("at http://me:pass@word@host:80/a@b")
    'at http://host:80/a@b'
    """
    return re.sub(r"//[^/?#\s]*@", "//", text)


def settings(card: Scorecard) -> dict[str, str]:
    """Everything that is fixed about the scorecard, as text."""
    header = card.header
    found = {
        "suite": header.suite,
        "persona": header.persona,
        "revision": header.revision,
        "persona_digest": header.persona_digest,
        "model": header.model,
        "judge": header.judge,
        "judge_context": header.judge_context,
        "judge_licence": ", ".join(header.licensed) or "none",
        "recording_set": header.recording_set or "none",
        "repeats": str(header.repeats),
        "cases": ", ".join(f"{case} v{version}" for case, version, _ in header.cases),
    }
    return {key: whole(value) for key, value in found.items()}


def figures(card: Scorecard) -> dict[str, float]:
    """`security.score` and so on, 0 to 1. What was not scored is left out, since trackers read a gap better than a NaN."""
    found = {f"{row['dimension']}.{key}": row[key] for row in dimension_rows(card) for key in FIGURES}
    return {key: value for key, value in found.items() if isinstance(value, float)} | {
        "unscored_share": round(card.unscored_share, 4)
    }
