"""Families of models, from their names: a judge of the answerer's own family may favour what it would have written.

Self-preference of judges: Panickssery, Bowman, Feng (2024), "LLM evaluators recognize and favor their own generations".
"""

from __future__ import annotations

import re

KNOWN = ("claude", "gpt", "gemini", "llama", "mistral", "qwen", "deepseek", "kimi", "glm", "grok", "command")


def family(model: str) -> str:
    """The family that a model's name tells, in lower case; the name's first word where it is none of the known.

    >>> family("us.anthropic.claude-opus-5-5"), family("claude (imported, version not stated)"), family("Acme-1")
    ('claude', 'claude', 'acme')
    """
    name = model.lower()
    known = next((one for one in KNOWN if one in name), None)
    return known or (re.findall(r"[a-z0-9]+", name) or [""])[0]


def same_family(answerer: str, judge: str) -> str | None:
    """The family that both share; None when they are of different ones, or one of them is not known."""
    one, other = family(answerer), family(judge)
    return one if one and one == other else None
