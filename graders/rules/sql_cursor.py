"""Moving over a statement's tokens: phrases, names, parentheses, lists.

Here: SQL's punctuation. Not here: what any statement means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graders.rules.sql_lexer import Token, Tokens


@dataclass
class Cursor:
    """A place in a statement's tokens, moved forward by reading."""

    tokens: Tokens
    at: int = 0

    @property
    def token(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    @property
    def rest(self) -> Tokens:
        return self.tokens[self.at :]

    def next(self) -> Token | None:
        """The token here, if any; moves over it."""
        token = self.token
        self.at += 1
        return token

    def sees(self, *words: str) -> bool:
        return self.token is not None and self.token.word(*words)

    def accept(self, phrase: str) -> bool:
        """Move over these key words if they come next."""
        words = phrase.split()
        here = self.tokens[self.at : self.at + len(words)]
        if len(here) < len(words) or not all(token.word(word) for token, word in zip(here, words, strict=True)):
            return False
        self.at += len(words)
        return True

    def any(self, *phrases: str) -> bool:
        return any(self.accept(phrase) for phrase in phrases)

    def name(self) -> str:
        """A name, the last part of it when qualified; empty when none stands here."""
        found = ""
        while self.token is not None and self.token.names:
            found = self.tokens[self.at].value
            self.at += 1
            if self.token is None or not self.token.symbol("."):
                break
            self.at += 1
        return found

    def group(self) -> Tokens:
        """What the parentheses here enclose; empty when none open here."""
        if self.token is None or not self.token.symbol("("):
            return ()
        begin, depth = self.at + 1, 0
        while (token := self.next()) is not None:
            depth += token.symbol("(") - token.symbol(")")
            if not depth:
                return self.tokens[begin : self.at - 1]
        return self.tokens[begin:]


def flat(tokens: Tokens) -> Iterator[Token]:
    """The tokens outside all parentheses."""
    depth = 0
    for token in tokens:
        depth -= token.symbol(")")
        if depth <= 0 and not token.symbol("(") and not token.symbol(")"):
            yield token
        depth += token.symbol("(")


def phrase(tokens: Tokens, words: str) -> bool:
    """Whether these key words follow one another outside parentheses."""
    wanted = words.split()
    outer = tuple(flat(tokens))
    return any(Cursor(outer, at).accept(words) for at in range(len(outer) - len(wanted) + 1))


def parts(tokens: Tokens) -> list[Tokens]:
    """The pieces between commas that stand outside parentheses."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.symbol("(") - token.symbol(")")
        if token.symbol(",") and depth == 0:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return [tuple(piece) for piece in pieces if piece]


def names(tokens: Tokens) -> tuple[str, ...]:
    """First name of each piece of a list, empty for an expression."""
    return tuple("" if (len(p) > 1 and p[1].symbol("(")) or not p[0].names else p[0].value for p in parts(tokens))
