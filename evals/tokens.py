"""How many tokens a text has, roughly and at the most, without asking anybody.

Here: estimates from lengths. Not here: what tokens cost.
"""

from __future__ import annotations

import math

from evals.exchange import Request

CHARACTERS_PER_TOKEN = 3.2
"""A rule of thumb for English prose and code; counted tokens differ by a fifth either way."""
OVERHEAD = 1000
"""Tokens that the API may add of its own: the frame of each message, and the instruction to follow a schema."""


def tokens(text: str) -> int:
    """Roughly how many tokens a text has.

    >>> tokens("x" * 320)
    100
    """
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def prompt_tokens(request: Request) -> int:
    """Roughly how many tokens the prompt of a request has."""
    return sum(map(tokens, _texts(request)))


def most_prompt_tokens(request: Request) -> int:
    """How many tokens the prompt can have at the most: no token is shorter than a byte.

    Source: the vocabularies are byte-level encodings, in which each token stands for one byte or more.
    """
    return OVERHEAD + sum(len(text.encode("utf-8", "surrogatepass")) for text in _texts(request))


def _texts(request: Request) -> list[str]:
    return [request.system or "", *(message.text for message in request.messages), request.settings.schema or ""]
