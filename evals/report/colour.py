"""Colour on a terminal, and only there.

Two hues: worse and better; all else is plain or bold. Colour never says anything that words do not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

WORSE, BETTER, STRONG = "33", "36", "1"


def wanted(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour: a terminal that can, and nobody who said no (https://no-color.org)."""
    refused = bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"
    return stream.isatty() and not refused


def paint(text: str, code: str, *, on: bool) -> str:
    """
    >>> paint("worse", WORSE, on=False)
    'worse'
    """
    return f"\x1b[{code}m{text}\x1b[0m" if on and code else text
