"""PostgreSQL text as tokens and statements, psql's own lines left out. Never fails: what is not closed runs to the end.

Here: where tokens begin and statements end. Not here: what they mean. sqlglot's tokenizer is not used for this because
it gives up on a whole file at one apostrophe in a psql line, and reads `EXECUTE …` in a function's body as one opaque
piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PATTERN = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>--[^\n]*)
      | (?P<nested>/\*)
      | (?P<string>[eE]'(?:[^'\\]|\\.|'')*'? | (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*'?)
      | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
      | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*"? | `[^`\n]*`)
      | (?P<word>[^\W\d][\w$]*)
      | (?P<number>\.?\d[\w.]*)
      | (?P<parameter>\$\d+)
      | (?P<meta>\\[^\n]*)
      | (?P<symbol>::|:=|\|\||<>|!=|<=|>=|=>|->>|->|.)""",
    re.VERBOSE | re.DOTALL,
)
COPY_END = re.compile(r"^\\\.[ \t]*$", re.MULTILINE)
SENDS = ("\\g", "\\watch", "\\crosstabview")
"""psql's lines that send the statement before them, as a semicolon does."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token; comments, white space and psql lines are none."""

    kind: str
    """word, quoted, string, number, parameter or symbol; `meta` for the psql line that sends a statement."""
    text: str
    value: str
    """Words in lower case; quoted names and strings without their quotes."""
    start: int
    line: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def word(self, *words: str) -> bool:
        """Whether it is one of these key words, unquoted."""
        return self.kind == "word" and self.value in words

    def symbol(self, text: str) -> bool:
        return self.kind == "symbol" and self.text == text

    @property
    def names(self) -> bool:
        """Whether it can be a name."""
        return self.kind in {"word", "quoted"}


Tokens = tuple[Token, ...]


def statements(text: str, line: int = 1) -> Iterator[Tokens]:
    """The tokens of each statement, its end left out except for `\\gexec`; `line` is that of the text's first line."""
    group: list[Token] = []
    atomic = False
    for token in lex(text, line):
        atomic = atomic or (token.word("atomic") and bool(group) and group[-1].word("begin"))
        ends = token.symbol(";") or token.kind == "meta"
        if ends and atomic and not _closed(group):
            continue
        if not ends or (group and token.text.startswith("\\gexec")):
            group.append(token)
        if not ends:
            continue
        if group:
            yield tuple(group)
        group, atomic = [], False
    if group:
        yield tuple(group)


def _closed(group: list[Token]) -> bool:
    """Whether the `BEGIN ATOMIC` of a function's body has found its END, those of CASE apart."""
    opened = sum(token.word("atomic", "case") for token in group)
    return opened <= sum(token.word("end") for token in group)


def lex(text: str, line: int = 1) -> Iterator[Token]:
    """Every token; of psql's own lines only those that send a statement, as kind `meta`."""
    at, counted = 0, 0
    while at < len(text):
        match = PATTERN.match(text, at)
        if match is None or match.lastgroup is None:  # cannot be: the last branch takes any character
            return
        kind, start = match.lastgroup, at
        at = _end(text, kind, match)
        if kind in {"space", "comment", "nested"} or (kind == "meta" and not match[0].startswith(SENDS)):
            continue
        line += text.count("\n", counted, start)
        counted = start
        kind = "string" if kind == "dollar" else kind
        raw = text[start:at]
        token = Token(kind, raw, _value(kind, raw), start, line)
        yield token
        if token.symbol(";") and _rows_follow(text, start):
            data = COPY_END.search(text, at)
            at = data.end() if data else at


def _rows_follow(text: str, semicolon: int) -> bool:
    """Whether the statement before this semicolon is `COPY … FROM stdin`, whose rows follow up to a line `\\.`."""
    begin = text.rfind(";", 0, semicolon) + 1
    statement = text[begin:semicolon].lower()
    return "stdin" in statement and re.search(r"^\s*copy\s", statement, re.MULTILINE) is not None


def _end(text: str, kind: str, match: re.Match[str]) -> int:
    if kind == "nested":
        return _comment_end(text, match.end())
    if kind == "dollar":
        close = text.find(match[0], match.end())
        return len(text) if close < 0 else close + len(match[0])
    return match.end()


def _comment_end(text: str, at: int) -> int:
    depth = 1
    for mark in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return at + mark.end()
    return len(text)


def _value(kind: str, text: str) -> str:
    if kind == "word":
        return text.lower()
    if kind == "quoted":
        return text.strip('`"') if text[0] in '`"' else text[3:].strip('"')
    if kind == "string":
        return _content(text)
    return text


def _content(text: str) -> str:
    """A string literal's content; dollar quotes keep theirs unread, so that lines inside stay countable."""
    if text[0] == "$":
        tag = text[: text.index("$", 1) + 1]
        return text[len(tag) :].removesuffix(tag)
    body = text[text.index("'") + 1 :].removesuffix("'").replace("''", "'")
    return re.sub(r"\\(.)", r"\1", body) if text[0] in "eE" else body


def without_comments(text: str) -> str:
    """The text with comments and psql's lines blanked and its lines kept.

    >>> without_comments("-- squawk-ignore x\\nSELECT '--no' /* a\\nb */;\\n\\\\echo done")
    "\\nSELECT '--no' \\n;\\n"
    """
    kept: list[str] = []
    at = 0
    for token in lex(text):
        kept += [_blank(text[at : token.start]), ";" if token.kind == "meta" else token.text]
        at = token.end
    return "".join([*kept, _blank(text[at:])])


def _blank(gap: str) -> str:
    """What stands between two tokens: its white space, if it is nothing else; else its line ends."""
    if not gap.strip():
        return gap
    pieces = re.split(r"(--[^\n]*|\\[^\n]*|/\*.*?\*/)", gap, flags=re.DOTALL)
    return "".join(piece if not piece.strip() else "\n" * piece.count("\n") for piece in pieces)
