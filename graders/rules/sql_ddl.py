"""What a statement that defines or changes tables says, as values: columns, constraints, indexes, ALTER actions.

Here: the nouns. Not here: how they are read (`sql_reader.py`), what is good or bad (the rules).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from graders.rules.sql_lexer import Tokens


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a foreign key points at, and what deleting it does."""

    table: str
    on_delete: str = ""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column's definition."""

    name: str
    type: str
    """In one spelling, without length and schema."""
    line: int
    array: bool = False
    length: Tokens = ()
    not_null: bool = False
    primary: bool = False
    unique: bool = False
    default: Tokens = ()
    generated: bool = False
    """Computed from other columns."""
    identity: bool = False
    checks: tuple[Tokens, ...] = ()
    reference: Reference | None = None


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A constraint of a table."""

    kind: str
    """primary, unique, foreign, check, exclude or not null."""
    line: int
    name: str = ""
    columns: tuple[str, ...] = ()
    reference: Reference | None = None
    check: Tokens = ()
    not_valid: bool = False
    using_index: bool = False


@dataclass(frozen=True, kw_only=True)
class CreateTable:
    """A new table."""

    name: str
    line: int
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    derived: bool = False
    """Temporary, or made after another (PARTITION OF, LIKE, AS, INHERITS): its keys are not written here."""
    partial: bool = False
    """Something like `...` stands among its columns."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action of ALTER TABLE."""

    verb: str
    """add column, add constraint, drop column, set not null, type, validate, rename, rename column, attach or other."""
    line: int
    name: str = ""
    to: str = ""
    column: Column | None = None
    constraint: Constraint | None = None
    using: bool = False


@dataclass(frozen=True, kw_only=True)
class AlterTable:
    """A change of a table."""

    name: str
    line: int
    actions: tuple[Action, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class CreateIndex:
    """An index; `columns` has an empty name for an expression."""

    table: str
    line: int
    columns: tuple[str, ...]
    unique: bool
    concurrently: bool
    only: bool
    where: Tokens = ()


Definition = CreateTable | AlterTable | CreateIndex
