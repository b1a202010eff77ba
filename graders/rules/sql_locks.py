"""SQL rules on changing a running system: blocking indexes, refused statements, waiting without limit.

Tables that the script makes itself are exempt. What reads or rewrites a whole table: `sql_rewrites.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity
from graders.rules.sql_cursor import Cursor, flat
from graders.rules.sql_ddl import AlterTable, CreateIndex
from graders.rules.sql_lexer import Tokens
from graders.rules.sql_tree import Judged, Script, SqlRule, Step


class OperationsRule(SqlRule):
    """Base of the rules on changing a running system."""

    dimension = Dimension.OPERATIONS
    severity = Severity.HIGH


class IndexNotConcurrent(OperationsRule):
    """An index is created on a table in use without CONCURRENTLY.

    Every write to the table waits until the index is built. Use CREATE INDEX CONCURRENTLY, outside a transaction.
    """

    id = "sql-index-not-concurrent"
    BAD = (
        "CREATE INDEX orders_customer_idx ON orders (customer_id); -- CONCURRENTLY",
        (
            "DO $$ BEGIN\n"
            "  IF NOT EXISTS (SELECT 1) THEN\n"
            "    CREATE UNIQUE INDEX u ON public.users (lower(email));\n"
            "  END IF;\n"
            "END $$;"
        ),
    )
    GOOD = (
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON users (lower(email));",
        "CREATE TABLE IF NOT EXISTS app.a (id bigint PRIMARY KEY, b text);\nCREATE INDEX ON app.a (b);",
        "CREATE INDEX i ON ONLY parts (b);\nCREATE MATERIALIZED VIEW v AS SELECT 1 AS b;\nCREATE INDEX ON v (b);",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        for step, index in found.indexes:
            if found.existing(index.table) and not index.only:
                yield step.line, "" if index.concurrently else f"writes to {index.table} wait until the index is built"


class ConcurrentlyInTransaction(OperationsRule):
    """A CONCURRENTLY statement stands inside a transaction or a DO block.

    PostgreSQL refuses it, and the migration stops half way. Run it on its own.
    """

    id = "sql-concurrently-in-transaction"
    BAD = (
        "BEGIN;\nALTER TABLE o ADD COLUMN x int;\nCREATE INDEX CONCURRENTLY i ON o (x);\nCOMMIT;",
        "DO $$ BEGIN\n  EXECUTE 'DROP INDEX CONCURRENTLY IF EXISTS i';\nEND $$;",
    )
    GOOD = (
        "BEGIN;\nALTER TABLE o ADD COLUMN x int;\nCOMMIT;\nCREATE INDEX CONCURRENTLY i ON o (x);",
        "START TRANSACTION;\nREFRESH MATERIALIZED VIEW CONCURRENTLY v;\nROLLBACK;\nREINDEX INDEX CONCURRENTLY i;",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        for step in found.run:
            outer = tuple(flat(step.tokens))
            if (
                outer
                and outer[0].word("create", "drop", "reindex")
                and any(token.word("concurrently") for token in outer)
            ):
                refused = step.transaction or bool(step.inside)
                yield step.line, "CONCURRENTLY is refused inside a transaction" if refused else ""


class NoLockTimeout(OperationsRule):
    """A statement that needs a strong lock on a table in use runs without lock_timeout.

    It queues behind the longest transaction, and everybody else queues behind it. Set lock_timeout to a few seconds
    before it, and try again later.
    """

    id = "sql-no-lock-timeout"
    severity = Severity.MEDIUM
    BAD = (
        "ALTER TABLE orders ADD COLUMN x int;",
        (
            "BEGIN;\n"
            "SET LOCAL lock_timeout = '2s';\n"
            "ALTER TABLE a ADD COLUMN x int;\n"
            "COMMIT;\n"
            "ALTER TABLE b ADD COLUMN x int;"
        ),
        "SET lock_timeout = 0;\nDROP TABLE old_orders;",
    )
    GOOD = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN x int;\nDROP TABLE old_orders;",
        "BEGIN;\nSET LOCAL lock_timeout TO '2s';\nALTER TABLE a ADD COLUMN x int;\nCOMMIT;",
        (
            "CREATE INDEX CONCURRENTLY i ON orders (x);\n"
            "ALTER TABLE orders VALIDATE CONSTRAINT c;\n"
            "CREATE TABLE n (x int);"
        ),
        "SELECT set_config('lock_timeout', '2s', false);\nTRUNCATE a;",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        transactions = any(step.transaction for step in found.run)
        session = local = False
        for step in found.run:
            said = _timeout(step)
            if said is not None and not step.starts("set local"):
                session = said
                local = local and said
            elif said is not None and (step.transaction or step.inside or not transactions):
                local = said
            elif step.tokens[0].word("commit", "rollback", "end") and not step.inside:
                local = False
            elif (table := _locked(step)) and found.existing(table):
                yield (
                    step.line,
                    "" if session or local else f"it waits for {table} without limit, and all others behind it",
                )


def _timeout(step: Step) -> bool | None:
    """Whether the step sets a lock_timeout or lifts it; None when it does neither."""
    cursor = Cursor(step.tokens)
    if cursor.any("set local", "set session", "set") and cursor.accept("lock_timeout"):
        return not any(token.value in {"0", "default", "0s"} for token in cursor.rest)
    if step.starts("reset lock_timeout") or step.starts("reset all"):
        return False
    return True if any(_configures(step.tokens, at) for at in range(len(step.tokens))) else None


def _configures(tokens: Tokens, at: int) -> bool:
    return tokens[at].word("set_config") and any(token.value == "lock_timeout" for token in tokens[at : at + 3])


def _locked(step: Step) -> str:
    """The table on which the step takes a lock that stops others; empty for none."""
    made = step.definition
    if isinstance(made, AlterTable):
        return "" if all(action.verb == "validate" for action in made.actions) else made.name
    if isinstance(made, CreateIndex):
        return "" if made.concurrently else made.table
    cursor = Cursor(step.tokens)
    if cursor.any("drop table", "truncate table", "truncate"):
        cursor.any("if exists", "only")
        return cursor.name()
    return ""


RULES_SQL_LOCKS: tuple[Rule, ...] = (IndexNotConcurrent(), ConcurrentlyInTransaction(), NoLockTimeout())
