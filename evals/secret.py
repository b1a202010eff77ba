"""Secrets that must never be shown: a value that hides itself, and a scrubber for texts that others wrote.

Here: what is done with a secret. Not here: where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable

MARK = "[secret]"
SHORTEST = 12
"""Characters; what is shorter, such as a gateway's `dummy`, is no secret, and replacing it would spoil answers."""


class Secrets:
    """Values that are taken out of every text. Shows none of them."""

    def __init__(self, values: Iterable[str]) -> None:
        self._values = sorted({value for value in values if len(value) >= SHORTEST}, key=len, reverse=True)

    def scrub(self, text: str) -> str:
        """The text with a mark in the place of each secret.

        >>> Secrets(["sk-123456789"]).scrub("the key sk-123456789 is wrong")
        'the key [secret] is wrong'
        """
        for value in self._values:
            if value in text:
                text = text.replace(value, MARK)
        return text

    def __repr__(self) -> str:
        return f"Secrets({len(self._values)})"
