"""Any text as a name that files, folders and ids may have."""

from __future__ import annotations

import re


def slug(text: str, most: int = 60) -> str:
    """Small letters, digits and single hyphens, so many at the most; empty where nothing of it is left.

    >>> slug("What's the capital?"), slug("../HumanEval/12 "), slug("日本")
    ('what-s-the-capital', 'humaneval-12', '')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:most].strip("-")
