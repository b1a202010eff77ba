"""An SQL source as a script: its statements in order, those inside DO blocks and functions too, and what it creates.

Here: what every SQL rule needs, and their common base. Not here: any defect.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import ClassVar

from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source
from graders.rules.sql_cursor import Cursor, flat, parts
from graders.rules.sql_ddl import Action, AlterTable, Column, Constraint, CreateIndex, CreateTable, Definition
from graders.rules.sql_lexer import Token, Tokens, lex, statements
from graders.rules.sql_reader import read

Judged = tuple[int, str]
"""A line, and what is wrong there; an empty message where it is sound."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One statement, as it would run."""

    tokens: Tokens
    inside: str = ""
    """`do` or `function` for a statement of a body, empty for one of the script itself."""
    loop: bool = False
    """The body around it has a loop."""
    transaction: bool = False
    """Between the script's own BEGIN and COMMIT."""
    definition: Definition | None = None

    @property
    def line(self) -> int:
        return self.tokens[0].line

    def starts(self, words: str) -> bool:
        return Cursor(self.tokens).accept(words)


@dataclass(frozen=True, kw_only=True)
class Body:
    """The code of a DO block or of a function."""

    tokens: Tokens
    head: Tokens
    """The statement around it, the body left out."""
    language: str

    @property
    def do(self) -> bool:
        return self.head[0].word("do")


@dataclass(frozen=True, eq=False, kw_only=True)
class Script:
    """A source, read."""

    steps: tuple[Step, ...]
    bodies: tuple[Body, ...]
    postgres: bool

    @cached_property
    def run(self) -> tuple[Step, ...]:
        """What runs when the script runs: functions only define."""
        return tuple(step for step in self.steps if step.inside != "function")

    @cached_property
    def tables(self) -> tuple[CreateTable, ...]:
        return tuple(step.definition for step in self.run if isinstance(step.definition, CreateTable))

    @cached_property
    def alters(self) -> tuple[tuple[Step, AlterTable, Action], ...]:
        """Every action of every ALTER TABLE, in order."""
        return tuple(
            (step, step.definition, action)
            for step in self.run
            if isinstance(step.definition, AlterTable)
            for action in step.definition.actions
        )

    @cached_property
    def indexes(self) -> tuple[tuple[Step, CreateIndex], ...]:
        return tuple((step, step.definition) for step in self.run if isinstance(step.definition, CreateIndex))

    @cached_property
    def made(self) -> frozenset[str]:
        """Names of the tables and materialized views that the script itself makes, renames included."""
        found = {table.name for table in self.tables} | set(self._made_otherwise())
        for _step, table, action in self.alters:
            if action.verb == "rename" and table.name in found:
                found.add(action.to)
        return frozenset(found)

    def _made_otherwise(self) -> Iterator[str]:
        for step in self.run:
            cursor = Cursor(step.tokens)
            if cursor.any("create materialized view", "create or replace view", "create view"):
                cursor.accept("if not exists")
                yield cursor.name()
            elif step.starts("select"):
                outer = tuple(flat(step.tokens))
                at = next((at for at, token in enumerate(outer) if token.word("into")), None)
                if at is not None:
                    into = Cursor(outer, at + 1)
                    while into.any("temp", "temporary", "unlogged", "table"):
                        pass
                    yield into.name()

    def existing(self, table: str) -> bool:
        """Whether the table was there before the script."""
        return bool(table) and table not in self.made

    @cached_property
    def columns(self) -> tuple[tuple[str, Column], ...]:
        """(table, column) of each column that the script creates or gives a type."""
        new = [(table.name, column) for table in self.tables for column in table.columns]
        return (*new, *((table.name, action.column) for _step, table, action in self.alters if action.column))

    @cached_property
    def constraints(self) -> tuple[tuple[str, Constraint], ...]:
        """(table, constraint) of each table constraint, whether in CREATE TABLE or added."""
        new = [(table.name, constraint) for table in self.tables for constraint in table.constraints]
        return (*new, *((table.name, action.constraint) for _step, table, action in self.alters if action.constraint))

    def checks(self, table: str, column: Column) -> Iterator[Tokens]:
        """Conditions of the CHECKs that name the column."""
        yield from column.checks
        for check in self._table_checks.get(table, ()):
            if mentions(check, column.name):
                yield check

    @cached_property
    def _table_checks(self) -> dict[str, list[Tokens]]:
        found: dict[str, list[Tokens]] = {}
        for table, constraint in self.constraints:
            if constraint.kind == "check":
                found.setdefault(table, []).append(constraint.check)
        return found

    @cached_property
    def domains(self) -> dict[str, Tokens]:
        """Name and statement of each CREATE DOMAIN."""
        found = {}
        for step in self.run:
            cursor = Cursor(step.tokens)
            if cursor.accept("create domain"):
                found[cursor.name()] = step.tokens
        return found

    def base_type(self, column: Column) -> str:
        """The column's type; for a domain of the script, the type under it."""
        tokens = self.domains.get(column.type)
        if tokens is None:
            return column.type
        words = [token.value for token in flat(tokens) if token.names]
        after = words[words.index(column.type) + 1 :]
        return next((word for word in after if word != "as"), column.type)


@lru_cache(maxsize=8)
def script(source: Source) -> Script:
    """The source's script; several rules ask for it one after the other."""
    steps: list[Step] = []
    bodies: list[Body] = []
    open_transaction = False
    for tokens in statements(source.text):
        step = Step(tokens=tokens, transaction=open_transaction, definition=read(tokens))
        steps.append(step)
        if step.starts("begin") or step.starts("start transaction"):
            open_transaction = True
        elif tokens[0].word("commit", "rollback", "end", "abort") and not any(
            token.word("savepoint", "to") for token in tokens
        ):
            open_transaction = False
        if tokens[-1].kind == "meta" and step.starts("select"):
            steps += _assembled(tokens[1:], "", loop=True)
        body = _body(tokens)
        if body is not None:
            bodies.append(body)
            steps += [replace(inner, transaction=open_transaction) for inner in _inner(body)]
    return Script(steps=tuple(steps), bodies=tuple(bodies), postgres=not _foreign(steps))


FOREIGN = ("auto_increment", "autoincrement", "nvarchar", "datetime2", "varchar2", "tinyint", "mediumint", "pragma")


def _foreign(steps: list[Step]) -> bool:
    """Whether it is written for MySQL, SQLite, Oracle or SQL Server, whose types and locks are not PostgreSQL's."""
    return any(
        token.word(*FOREIGN) or token.text.startswith("`") or (token.word("engine") and before.symbol(")"))
        for step in steps
        if not step.inside and step.tokens[0].word("create", "alter", "pragma")
        for before, token in zip(step.tokens[:1] + step.tokens, step.tokens, strict=False)
    )


def _body(tokens: Tokens) -> Body | None:
    """The body of a DO block, function or procedure, if the statement has one."""
    routine = tokens[0].word("create") and any(token.word("function", "procedure") for token in tokens[1:4])
    if not routine and not tokens[0].word("do"):
        return None
    head = tuple(flat(tokens)) if routine else tokens
    language = next((after.value for token, after in pairwise(head) if token.word("language")), "")
    texts = [
        at for at, token in enumerate(tokens) if token.kind == "string" and (not routine or tokens[at - 1].word("as"))
    ]
    if texts:
        at = texts[-1]
        code = tokens[at]
        inner = tuple(lex(code.value, code.line))
        return Body(tokens=inner, head=(*tokens[:at], *tokens[at + 1 :]), language=language or "plpgsql")
    begin = next((at for at, token in enumerate(tokens) if token.word("atomic")), None)
    return None if begin is None else Body(tokens=tokens[begin + 1 :], head=tokens[:begin], language="sql")


def _inner(body: Body) -> Iterator[Step]:
    """The statements of a body, its control words cut off, and those that it executes as literals."""
    inside = "do" if body.do else "function"
    loop = any(token.word("loop") for token in body.tokens)
    group: list[Token] = []
    for token in (*body.tokens, None):
        if token is not None and not token.symbol(";"):
            group.append(token)
            continue
        tokens = _uncontrolled(tuple(group))
        group = []
        if tokens:
            yield Step(tokens=tokens, inside=inside, loop=loop, definition=read(tokens))
            yield from _executed(tokens, inside, loop=loop)


def _uncontrolled(tokens: Tokens) -> Tokens:
    """The statement after `BEGIN`, `IF … THEN`, `FOR … LOOP` and their kind."""
    while tokens:
        if tokens[0].word("begin", "else", "loop", "declare"):
            tokens = tokens[1:]
            continue
        if not tokens[0].word("if", "elsif", "elseif", "when", "exception", "for", "foreach", "while"):
            break
        case = 0
        for at, token in enumerate(tokens):
            case += token.word("case") - token.word("end")
            if token.word("then", "loop") and case <= 0:
                tokens = tokens[at + 1 :]
                break
        else:
            return tokens
    return tokens


def _executed(tokens: Tokens, inside: str, *, loop: bool) -> Iterator[Step]:
    """The statement that EXECUTE runs, as far as its text is written here."""
    at = next((at for at, token in enumerate(tokens) if token.word("execute")), None)
    return _assembled(tokens[at + 1 :], inside, loop=loop) if at is not None else iter(())


def _assembled(tokens: Tokens, inside: str, *, loop: bool) -> Iterator[Step]:
    """The statements in the literals of an expression; what is put between them becomes a name."""
    cursor = Cursor(tokens)
    begin = next((token.line for token in tokens if token.kind == "string"), None)
    if cursor.accept("format"):
        tokens = next(iter(parts(cursor.group())), ())
    text = ""
    for token in tokens:
        if token.word("using", "into", "from") or begin is None:
            break
        text += token.value if token.kind == "string" else " x " if token.names else ""
    for inner in statements(text, begin or 1):
        yield Step(tokens=inner, inside=inside, loop=loop, definition=read(inner))


def mentions(tokens: Tokens, name: str) -> bool:
    return any(token.names and token.value == name for token in tokens)


class SqlRule(Rule):
    """A rule that judges a script."""

    languages = ("sql",)
    cwe: ClassVar[int | None] = None
    severity = Severity.MEDIUM
    dimension = Dimension.RELIABILITY
    absence: ClassVar[bool] = False
    """Its defect is that something is missing, so a source that leaves code out is not judged."""
    dialect: ClassVar[bool] = True
    """It holds for PostgreSQL only."""

    @abstractmethod
    def judge(self, found: Script) -> Iterator[Judged]:
        """Each judged line; with a message where it is bad."""

    def check(self, source: Source) -> Iterator[Site]:
        found = script(source)
        if (self.absence and source.elided) or (self.dialect and not found.postgres):
            return
        seen: set[Judged] = set()
        for line, message in self.judge(found):
            if (line, message) not in seen:
                seen.add((line, message))
                quote = source.lines[line - 1].strip()[:200] if line <= len(source.lines) else ""
                yield Site(line=line, ok=not message, quote=quote, message=message)
