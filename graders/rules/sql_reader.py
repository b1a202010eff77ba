"""Statements that define or change tables, read into the values of `sql_ddl.py`.

Here: PostgreSQL's grammar of CREATE TABLE, ALTER TABLE and CREATE INDEX, as far as rules ask. sqlglot hands half of
ALTER TABLE back unread (`VALIDATE CONSTRAINT`, `USING INDEX`) and keeps `NOT VALID` for the statement instead of the
action.
"""

from __future__ import annotations

from graders.rules.sql_cursor import Cursor, names, parts, phrase
from graders.rules.sql_ddl import (
    Action,
    AlterTable,
    Column,
    Constraint,
    CreateIndex,
    CreateTable,
    Definition,
    Reference,
)
from graders.rules.sql_lexer import Token, Tokens

COLUMN_WORDS = (
    "constraint",
    "not",
    "null",
    "check",
    "default",
    "generated",
    "unique",
    "primary",
    "references",
    "collate",
    "deferrable",
    "initially",
    "storage",
    "compression",
    "using",
    "auto_increment",
    "autoincrement",
    "comment",
    "identity",
    "on",
    "key",
    "unsigned",
)
CONSTRAINT_WORDS = ("constraint", "primary", "unique", "foreign", "check", "exclude")
SPELLINGS = {
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "int2": "smallint",
    "float4": "real",
    "float8": "double precision",
    "double": "double precision",
    "decimal": "numeric",
    "dec": "numeric",
    "character varying": "varchar",
    "character": "char",
    "bpchar": "char",
    "serial4": "serial",
    "serial8": "bigserial",
    "bool": "boolean",
}


def read(tokens: Tokens) -> Definition | None:
    """The definition that a statement is, or None when it is something else."""
    cursor = Cursor(tokens)
    line = tokens[0].line
    if cursor.accept("alter"):
        cursor.accept("foreign")
        return _alter(cursor, line) if cursor.accept("table") else None
    if not cursor.accept("create"):
        return None
    temporary = foreign = unique = False
    while cursor.sees("global", "local", "temp", "temporary", "unlogged", "foreign", "unique"):
        temporary |= cursor.sees("temp", "temporary")
        foreign |= cursor.sees("foreign")
        unique |= cursor.sees("unique")
        cursor.next()
    if cursor.accept("table"):
        return _table(cursor, line, derived=temporary or foreign)
    return _index(cursor, line, unique=unique) if cursor.accept("index") else None


def _table(cursor: Cursor, line: int, *, derived: bool) -> CreateTable:
    cursor.accept("if not exists")
    name = cursor.name()
    of = cursor.sees("partition", "of", "as", "using", "with", "on") or cursor.token is None
    elements = () if of else cursor.group()
    columns: list[Column] = []
    constraints: list[Constraint] = []
    like = partial = False
    for element in parts(elements):
        if element[0].word("like"):
            like = True
        elif element[0].word(*CONSTRAINT_WORDS):
            constraints.append(read_constraint(element))
        elif element[0].names and len(element) > 1 and element[1].names:
            columns.append(read_column(element))
        else:
            partial = True
    after = cursor.rest
    made = of or like or phrase(after, "inherits") or phrase(after, "as")
    return CreateTable(
        name=name,
        line=line,
        columns=tuple(columns),
        constraints=tuple(constraints),
        derived=derived or made,
        partial=partial,
    )


def read_constraint(tokens: Tokens) -> Constraint:
    """A table constraint, in CREATE TABLE or after ADD."""
    cursor, line = Cursor(tokens), tokens[0].line
    name = cursor.name() if cursor.accept("constraint") else ""
    not_valid = phrase(tokens, "not valid")
    if cursor.any("primary key", "unique"):
        kind = "unique" if cursor.tokens[cursor.at - 1].word("unique") else "primary"
        cursor.any("nulls not distinct", "nulls distinct")
        using = cursor.accept("using index")
        return Constraint(kind=kind, line=line, name=name, columns=names(cursor.group()), using_index=using)
    if cursor.accept("foreign key"):
        columns = names(cursor.group())
        reference = _reference(cursor) if cursor.accept("references") else None
        return Constraint(
            kind="foreign", line=line, name=name, columns=columns, reference=reference, not_valid=not_valid
        )
    if cursor.accept("not null"):
        return Constraint(kind="not null", line=line, name=name, columns=(cursor.name(),), not_valid=not_valid)
    if cursor.accept("check"):
        return Constraint(kind="check", line=line, name=name, check=cursor.group(), not_valid=not_valid)
    return Constraint(kind="exclude", line=line, name=name)


def _reference(cursor: Cursor) -> Reference:
    """What follows REFERENCES, its actions included."""
    table = cursor.name()
    cursor.group()
    on_delete = ""
    while cursor.sees("on", "match", "deferrable", "initially") or (cursor.sees("not") and _then(cursor, "deferrable")):
        deleting = cursor.accept("on delete")
        if deleting or cursor.accept("on update"):
            action = " ".join(token.value for token in (cursor.next(), _second(cursor)) if token)
            cursor.group()
            on_delete = action if deleting else on_delete
        else:
            cursor.next()
            if not cursor.sees("on"):
                cursor.next()
    return Reference(table=table, on_delete=on_delete)


def _then(cursor: Cursor, word: str) -> bool:
    return cursor.at + 1 < len(cursor.tokens) and cursor.tokens[cursor.at + 1].word(word)


def _second(cursor: Cursor) -> Token | None:
    """The second word of SET NULL, SET DEFAULT and NO ACTION."""
    return (
        cursor.next()
        if cursor.tokens[cursor.at - 1 : cursor.at] and cursor.tokens[cursor.at - 1].word("set", "no")
        else None
    )


def read_type(cursor: Cursor) -> tuple[str, Tokens, bool]:
    """A type's name in one spelling, its length, and whether it is an array."""
    words: list[str] = []
    length: Tokens = ()
    array = False
    while (token := cursor.token) is not None and not token.word(*COLUMN_WORDS):
        if token.symbol("("):
            length = cursor.group()
            continue
        if token.symbol("."):
            words.clear()
        array |= token.symbol("[") or token.word("array")
        if token.names and not token.word("array"):
            words.append(token.value)
        cursor.next()
    name = " ".join(words)
    return SPELLINGS.get(name, name), length, array


def read_column(tokens: Tokens) -> Column:
    """A column's definition: name, type, constraints."""
    cursor, line = Cursor(tokens), tokens[0].line
    name = cursor.next()
    kind, length, array = read_type(cursor)
    said: set[str] = set()
    default: Tokens = ()
    checks: list[Tokens] = []
    reference: Reference | None = None
    while cursor.token is not None:
        if cursor.accept("references"):
            reference = _reference(cursor)
        elif cursor.accept("check"):
            checks.append(cursor.group())
        elif cursor.accept("default"):
            default = _default(cursor)
        elif cursor.accept("not null"):
            said.add("not null")
        else:
            said |= {token.value for token in (cursor.next(),) if token and token.kind == "word"}
    identity = "identity" in said or bool({"auto_increment", "autoincrement"} & said)
    return Column(
        name=name.value if name else "",
        type=kind,
        line=line,
        array=array,
        length=length,
        not_null="not null" in said,
        primary="primary" in said,
        unique="unique" in said,
        default=default,
        identity=identity,
        generated="generated" in said and not identity,
        checks=tuple(checks),
        reference=reference,
    )


def _default(cursor: Cursor) -> Tokens:
    begin = cursor.at
    cursor.next()
    while cursor.token is not None and not cursor.sees(*COLUMN_WORDS):
        if not cursor.group():
            cursor.next()
    return cursor.tokens[begin : cursor.at]


def _index(cursor: Cursor, line: int, *, unique: bool) -> CreateIndex | None:
    concurrently = cursor.accept("concurrently")
    cursor.accept("if not exists")
    if not cursor.sees("on"):
        cursor.name()
    if not cursor.accept("on"):
        return None
    only = cursor.accept("only")
    table = cursor.name()
    if cursor.accept("using"):
        cursor.name()
    columns = names(cursor.group())
    rest = cursor.rest
    where = next((rest[at + 1 :] for at, token in enumerate(rest) if token.word("where")), ())
    return CreateIndex(
        table=table, line=line, columns=columns, unique=unique, concurrently=concurrently, only=only, where=where
    )


def _alter(cursor: Cursor, line: int) -> AlterTable:
    cursor.accept("if exists")
    cursor.accept("only")
    name = cursor.name()
    if cursor.token is not None and cursor.token.symbol("*"):
        cursor.next()
    return AlterTable(name=name, line=line, actions=tuple(_action(piece) for piece in parts(cursor.rest)))


def _action(tokens: Tokens) -> Action:
    cursor, line = Cursor(tokens), tokens[0].line
    if cursor.accept("add"):
        return _add(cursor, line)
    if cursor.accept("alter"):
        cursor.accept("column")
        return _alter_column(cursor, line)
    if cursor.accept("drop"):
        if cursor.sees("constraint"):
            return Action(verb="other", line=line)
        cursor.accept("column")
        cursor.accept("if exists")
        return Action(verb="drop column", line=line, name=cursor.name())
    if cursor.accept("validate constraint"):
        return Action(verb="validate", line=line, name=cursor.name())
    if cursor.accept("rename"):
        return _rename(cursor, line)
    return Action(verb="attach" if cursor.accept("attach partition") else "other", line=line, name=cursor.name())


def _add(cursor: Cursor, line: int) -> Action:
    if cursor.sees(*CONSTRAINT_WORDS) or (cursor.sees("not") and _then(cursor, "null")):
        return Action(verb="add constraint", line=line, constraint=read_constraint(cursor.rest))
    cursor.accept("column")
    cursor.accept("if not exists")
    if cursor.token is None or not cursor.token.names:
        return Action(verb="other", line=line)
    column = read_column(cursor.rest)
    return Action(verb="add column", line=line, name=column.name, column=column)


def _alter_column(cursor: Cursor, line: int) -> Action:
    name = cursor.name()
    if cursor.accept("set not null"):
        return Action(verb="set not null", line=line, name=name)
    if cursor.any("set data type", "type"):
        kind, length, array = read_type(cursor)
        column = Column(name=name, type=kind, line=line, array=array, length=length)
        return Action(verb="type", line=line, name=name, column=column, using=phrase(cursor.rest, "using"))
    return Action(verb="other", line=line, name=name)


def _rename(cursor: Cursor, line: int) -> Action:
    if cursor.accept("to"):
        return Action(verb="rename", line=line, to=cursor.name())
    if cursor.accept("constraint"):
        return Action(verb="other", line=line)
    cursor.accept("column")
    name = cursor.name()
    return Action(verb="rename column", line=line, name=name, to=cursor.name() if cursor.accept("to") else "")
