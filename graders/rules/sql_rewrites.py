"""SQL rules on ALTER TABLE that reads or rewrites a whole table under lock. Tables that the script makes are exempt."""

from __future__ import annotations

from collections.abc import Iterator

from graders.rules.rule import Rule
from graders.rules.sql_cursor import phrase
from graders.rules.sql_ddl import Action, AlterTable, Column
from graders.rules.sql_lexer import Tokens
from graders.rules.sql_locks import OperationsRule
from graders.rules.sql_names import words_of
from graders.rules.sql_tree import Judged, Script, Step, mentions

VOLATILE = frozenset(
    {
        "gen_random_uuid",
        "uuid_generate_v4",
        "uuid_generate_v1",
        "uuidv4",
        "uuidv7",
        "random",
        "clock_timestamp",
        "nextval",
        "timeofday",
    }
)
"""Functions whose value differs from row to row, so that a default with them rewrites the table."""


def changed(found: Script) -> Iterator[tuple[Step, AlterTable, Action]]:
    """Actions of ALTER TABLE on tables that were there before."""
    return (entry for entry in found.alters if found.existing(entry[1].name))


class ConstraintNotValid(OperationsRule):
    """A foreign key or CHECK is added to a table in use without NOT VALID.

    The whole table is read while writes to it wait, and one old bad row makes it fail. Add it NOT VALID, then VALIDATE
    it.
    """

    id = "sql-constraint-not-valid"
    BAD = (
        "ALTER TABLE payments ADD CONSTRAINT f FOREIGN KEY (order_id) REFERENCES orders (id);",
        "ALTER TABLE ONLY public.orders\n  ADD COLUMN x int,\n  ADD CHECK (total >= 0);",
    )
    GOOD = (
        (
            "ALTER TABLE p ADD CONSTRAINT f FOREIGN KEY (o) REFERENCES orders (id) ON DELETE SET NULL NOT VALID;\n"
            "ALTER TABLE p VALIDATE CONSTRAINT f;"
        ),
        "CREATE TABLE a (id bigint PRIMARY KEY);\nALTER TABLE a ADD CONSTRAINT c CHECK (id > 0);",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        for _step, table, action in changed(found):
            made = action.constraint
            if made is not None and made.kind in {"foreign", "check"}:
                yield (
                    action.line,
                    "" if made.not_valid else f"{table.name} is read whole under lock; NOT VALID is missing",
                )


class NotNullRewrite(OperationsRule):
    """NOT NULL is set on a table in use without a validated CHECK, or a column is added that old rows cannot fill
    cheaply.

    The table is read, or rewritten, while nothing else can use it, or the statement fails on the first old row. Add and
    validate CHECK (x IS NOT NULL) first; give a new NOT NULL column a constant default.
    """

    id = "sql-not-null-rewrite"
    BAD = (
        "ALTER TABLE orders ALTER COLUMN total SET NOT NULL;",
        "ALTER TABLE orders ADD COLUMN region text NOT NULL;",
        "ALTER TABLE orders ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid();",
        "ALTER TABLE o ADD CONSTRAINT c CHECK (x IS NOT NULL) NOT VALID;\nALTER TABLE o ALTER x SET NOT NULL;",
    )
    GOOD = (
        (
            "ALTER TABLE o ADD CONSTRAINT c CHECK (x IS NOT NULL) NOT VALID;\n"
            "ALTER TABLE o VALIDATE CONSTRAINT c;\n"
            "ALTER TABLE o ALTER COLUMN x SET NOT NULL;"
        ),
        (
            "ALTER TABLE orders ADD COLUMN region text NOT NULL DEFAULT 'eu', ADD COLUMN at timestamptz NOT NULL "
            "DEFAULT now();"
        ),
        "CREATE TABLE n (x int);\nALTER TABLE n ALTER COLUMN x SET NOT NULL;",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        before: list[tuple[AlterTable, Action]] = []
        for _step, table, action in changed(found):
            if action.verb == "set not null":
                sound = _proven(before, table.name, action.name)
                yield action.line, "" if sound else f"{table.name} is read whole under the strongest lock"
            elif action.verb == "add column" and action.column is not None:
                yield from _added(table.name, action.column)
            before.append((table, action))


def _added(table: str, column: Column) -> Iterator[Judged]:
    if any(token.word(*VOLATILE) for token in column.default):
        yield column.line, f"a default that differs from row to row rewrites {table}"
    elif column.not_null and not (column.identity or column.generated or column.type.endswith("serial")):
        yield column.line, "" if column.default else f"old rows of {table} have no {column.name}"


def _proven(before: list[tuple[AlterTable, Action]], table: str, column: str) -> bool:
    """Whether a validated constraint already says that the column is never null."""
    same = [action for altered, action in before if altered.name == table]
    validated = {action.name for action in same if action.verb == "validate"}
    known = {action.constraint.name for action in same if action.constraint}
    for action in same:
        made = action.constraint
        if made is not None and _says_not_null(made.check, column) and (not made.not_valid or made.name in validated):
            return True
    return bool(validated - known)


def _says_not_null(check: Tokens, column: str) -> bool:
    return mentions(check, column) and phrase(tuple(token for token in check if token.kind != "symbol"), "is not null")


class TypeChangeRewrite(OperationsRule):
    """A column's type is changed in place on a table in use.

    PostgreSQL rewrites the table and all its indexes while nothing else can read it. Add a new column, fill it in
    batches, then switch.
    """

    id = "sql-type-change-rewrite"
    BAD = (
        "ALTER TABLE orders ALTER COLUMN total TYPE numeric(12, 2);",
        "ALTER TABLE events ALTER id SET DATA TYPE bigint;",
        "ALTER TABLE orders ALTER COLUMN created_at TYPE timestamptz USING created_at AT TIME ZONE 'UTC';",
    )
    GOOD = (
        "ALTER TABLE users ALTER COLUMN name TYPE text;",
        "ALTER TABLE orders ADD COLUMN total_minor bigint;\nALTER TABLE orders RENAME COLUMN total TO total_old;",
        "CREATE TABLE n (x int);\nALTER TABLE n ALTER COLUMN x TYPE bigint;",
        "SET timezone = 'UTC';\nALTER TABLE orders ALTER COLUMN created_at TYPE timestamptz;",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        utc = any(step.starts("set") and phrase(step.tokens, "timezone") for step in found.run)
        for _step, table, action in changed(found):
            if action.verb == "type" and action.column is not None:
                kind = action.column.type
                if kind in {"varchar", "text", "citext"} and not action.using:
                    continue
                free = kind == "timestamptz" and utc and not action.using
                yield action.line, "" if free else f"{table.name} is rewritten under the strongest lock"
            elif action.verb == "rename column" or (action.verb == "add column" and _successor(action.name)):
                yield action.line, ""


def _successor(name: str) -> bool:
    """Whether a new column's name says that it takes another's place."""
    return words_of(name)[-1:] != () and words_of(name)[-1] in {
        "new",
        "v2",
        "minor",
        "cents",
        "big",
        "bigint",
        "numeric",
        "tz",
        "next",
    }


class AddUniqueBlocking(OperationsRule):
    """A unique or primary key is added to a table in use without an index made before.

    The index is built while nothing else can use the table. Build it with CREATE UNIQUE INDEX CONCURRENTLY, then add
    the constraint USING INDEX.
    """

    id = "sql-add-unique-blocking"
    BAD = (
        "ALTER TABLE payments ADD CONSTRAINT u UNIQUE (idempotency_key);",
        "ALTER TABLE coupon_redemptions ADD PRIMARY KEY (coupon_code, customer_id);",
        "ALTER TABLE payments ADD COLUMN reference text UNIQUE;",
    )
    GOOD = (
        (
            "CREATE UNIQUE INDEX CONCURRENTLY u ON payments (k);\n"
            "ALTER TABLE payments ADD CONSTRAINT u UNIQUE USING INDEX u;"
        ),
        "CREATE TABLE a (x int);\nALTER TABLE a ADD PRIMARY KEY (x);",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        for _step, table, action in changed(found):
            made, column = action.constraint, action.column
            if made is not None and made.kind in {"unique", "primary"}:
                yield action.line, "" if made.using_index else f"{table.name} is locked while the index is built"
            elif action.verb == "add column" and column is not None and (column.unique or column.primary):
                yield action.line, f"{table.name} is locked while the index is built"
        for step, index in found.indexes:
            if index.unique and index.concurrently and found.existing(index.table):
                yield step.line, ""


RULES_SQL_REWRITES: tuple[Rule, ...] = (
    ConstraintNotValid(),
    NotNullRewrite(),
    TypeChangeRewrite(),
    AddUniqueBlocking(),
)
