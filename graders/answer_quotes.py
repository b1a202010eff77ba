"""Typographic quotes that a word processor put into code.

Here: making them straight where they are code. Not here: prose, and quotes that are text within strings or comments.
"""

from __future__ import annotations

import re

from graders.answer_tokens import bare

CURLY = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‟": '"', "‘": "'", "’": "'", "‚": "'", "‛": "'", "″": '"', "′": "'"}
)
ANY = re.compile("[“”„‟‘’‚‛″′]")
PROSE = frozenset({"text", "markdown", "html", "xml", "csv", "mermaid", "http"})


def straightened(text: str, language: str | None) -> str:
    """The code with plain quotes, where curly ones stand outside its strings and comments; else the code as it is."""
    if language in PROSE or not ANY.search(text) or not ANY.search(bare(text, language)):
        return text
    return text.translate(CURLY)
