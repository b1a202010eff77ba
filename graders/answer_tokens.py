"""Code cut into strings, comments and the rest, roughly, for any language and for broken code.

Here: what is needed to look beside strings and comments, and to compare code. Not here: syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

SLASHED = frozenset(
    {
        "javascript",
        "typescript",
        "java",
        "go",
        "rust",
        "c",
        "cpp",
        "csharp",
        "php",
        "css",
        "kotlin",
        "swift",
        "json",
        "scala",
        "graphql",
    }
)
HASHED = frozenset(
    {"python", "bash", "yaml", "toml", "dotenv", "dockerfile", "ruby", "ini", "makefile", "nginx", "powershell", "hcl"}
)
MARKS = {
    "slash": r"//[^\n]*|/\*(?:.*?\*/|.*)",
    "hash": r"\#[^\n]*",
    "dash": r"--[^\n]*|/\*(?:.*?\*/|.*)",
    "plain": r"(?!)",
}
# a quote that is never closed ends with its line: nothing is scanned twice, however many there are
ONE_LINE = r"\"(?:\\.|[^\"\\\n])*+\"?|'(?:\\.|[^'\\\n])*+'?"
STRINGS = {
    "slash": rf"`(?:\\.|[^`\\])*+`?|{ONE_LINE}",
    "hash": rf"\"\"\"(?:.*?\"\"\"|.*)|\'\'\'(?:.*?\'\'\'|.*)|{ONE_LINE}",
    "dash": r"\"[^\"\n]*+\"?|'(?:[^']|'')*+'",
    "plain": r"\"[^\"\n]*+\"?|'[^'\n]*+'?",
}
WORD = re.compile(r"\w+|[^\w\s]")


def family(language: str | None) -> str:
    """Which comments and strings a language has: slash, hash, dash or plain."""
    if language in SLASHED:
        return "slash"
    if language in HASHED:
        return "hash"
    return "dash" if language == "sql" else "plain"


@cache
def _pieces(kind: str) -> re.Pattern[str]:
    return re.compile(f"(?P<comment>{MARKS[kind]})|(?P<string>{STRINGS[kind]})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, the 0-based line where it begins, and whether nothing stands before it there."""

    text: str
    line: int
    alone: bool


def comments(text: str, language: str | None) -> Iterator[Comment]:
    """Each comment, in order."""
    line = at = 0
    for found in _pieces(family(language)).finditer(text):
        if found["comment"] is not None:
            line += text.count("\n", at, found.start())
            at = found.start()
            alone = not text[text.rfind("\n", max(at - 200, 0), at) + 1 : at].strip() if at else True
            yield Comment(text=found[0], line=line, alone=alone)


def bare(text: str, language: str | None) -> str:
    """The code with strings and comments made blank, character for character."""
    return _pieces(family(language)).sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def words(text: str, kind: str) -> list[str]:
    """The code's tokens without comments and white space. A string counts by the words in it."""
    return WORD.findall(_pieces(kind).sub(lambda found: "" if found["comment"] is not None else found[0], text))
