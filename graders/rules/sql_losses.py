"""SQL rule on rows and columns that a migration destroys."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source
from graders.rules.sql_cursor import Cursor
from graders.rules.sql_ddl import AlterTable, CreateIndex, CreateTable
from graders.rules.sql_names import card_data, plain_password, words_of
from graders.rules.sql_statements import changes
from graders.rules.sql_tree import Judged, Script, SqlRule, Step

LEFT_OVER = frozenset(
    {"old", "tmp", "temp", "backup", "bak", "archive", "staging", "deprecated", "legacy", "shadow", "new"}
)
BACKWARDS = re.compile(r"(^|[._/-])(down|rollback|revert|undo|teardown)([._/-]|$)", re.IGNORECASE)
"""File names of migrations that take another one back; losing what that one added is their purpose."""


class DataLoss(SqlRule):
    """A migration drops, empties or thins out a table, and keeps no copy.

    Rows that turn out to be needed exist in backups only. Copy them first, or drop later, when nothing reads them.
    """

    id = "sql-data-loss"
    dimension = Dimension.RELIABILITY
    severity = Severity.HIGH
    BAD = (
        "ALTER TABLE orders DROP COLUMN total;",
        "DROP TABLE IF EXISTS legacy_payments CASCADE;",
        (
            "DELETE FROM users a USING users b WHERE a.id > b.id AND a.email = b.email;\n"
            "CREATE UNIQUE INDEX CONCURRENTLY u ON users (email);"
        ),
        "DO $$ BEGIN\n  IF true THEN TRUNCATE events; END IF;\nEND $$;",
    )
    GOOD = (
        (
            "CREATE TABLE users_dup AS SELECT * FROM users WHERE x;\n"
            "DELETE FROM users WHERE x;\n"
            "CREATE UNIQUE INDEX u ON users (email);"
        ),
        "CREATE TABLE archive (LIKE events);\nINSERT INTO archive SELECT * FROM events;\nTRUNCATE events;",
        "CREATE TABLE t (x int PRIMARY KEY);\nDROP TABLE t;\nDELETE FROM sessions WHERE expires_at < now();",
        (
            "ALTER TABLE payments DROP COLUMN card_cvv;\n"
            "DROP INDEX i;\n"
            "ALTER TABLE a ALTER COLUMN x DROP NOT NULL, DROP CONSTRAINT c;"
        ),
        "UPDATE orders SET total_minor = total * 100 WHERE id < 9;\nALTER TABLE orders DROP COLUMN total;",
    )

    def check(self, source: Source) -> Iterator[Site]:
        if not BACKWARDS.search(source.file or ""):
            yield from super().check(source)

    def judge(self, found: Script) -> Iterator[Judged]:
        constrained = _constrained(found)
        added = {(table, column.name) for table, column in found.columns}
        kept: set[tuple[str, str]] = set()
        for place, step in enumerate(found.run):
            for table, column, line, what in _losses(step, place, constrained):
                if not found.existing(table) or (table, column) in added or LEFT_OVER & set(words_of(table)[-1:]):
                    continue
                sound = (table, "") in kept or (table, column) in kept or _moves(step)
                yield line, "" if sound else f"{what} keeps no copy"
            kept |= set(_copied(step))


Loss = tuple[str, str, int, str]
"""Table, column (empty for rows), line, what is done."""


def _losses(step: Step, place: int, constrained: dict[str, int]) -> Iterator[Loss]:
    """What a step destroys."""
    cursor = Cursor(step.tokens)
    if isinstance(step.definition, AlterTable):
        for action in step.definition.actions:
            if action.verb == "drop column" and not card_data(action.name) and not plain_password(action.name):
                yield step.definition.name, action.name, action.line, f"dropping {action.name}"
    elif cursor.any("drop table", "truncate table", "truncate"):
        verb = step.tokens[0].value
        cursor.any("if exists", "only")
        for table in _listed(cursor):
            yield table, "", step.line, f"{verb} of {table}"
    else:
        for change in changes((step,)):
            if change.verb == "delete" and (not change.where or constrained.get(change.table, -1) > place):
                yield change.table, "", change.line, f"deleting rows of {change.table}"


def _listed(cursor: Cursor) -> Iterator[str]:
    """The names of a list."""
    while table := cursor.name():
        yield table
        if cursor.token is None or not cursor.token.symbol(","):
            return
        cursor.next()


def _constrained(found: Script) -> dict[str, int]:
    """Where in the script each table last gets a constraint, for which rows deleted before may have had to go."""
    places: dict[str, int] = {}
    for place, step in enumerate(found.run):
        made = step.definition
        if isinstance(made, CreateIndex) and made.unique:
            places[made.table] = place
        elif isinstance(made, AlterTable) and any(a.verb in {"add constraint", "set not null"} for a in made.actions):
            places[made.name] = place
    return places


def _copied(step: Step) -> Iterator[tuple[str, str]]:
    """(table, column) of what a step keeps elsewhere: in another table, a file, another column; no column: its rows."""
    if isinstance(step.definition, AlterTable):
        return
    stores = isinstance(step.definition, CreateTable) or step.tokens[0].word("insert", "with", "copy")
    stores = stores or (step.starts("select") and any(token.word("into") for token in step.tokens))
    for at, token in enumerate(step.tokens):
        if stores and token.word("from", "join", "copy", "table"):
            yield Cursor(step.tokens, at + 1).name(), ""
    for change in changes((step,)):
        yield from ((change.table, token.value) for token in change.tokens if token.names)


def _moves(step: Step) -> bool:
    """Whether the statement itself stores the rows it deletes."""
    said = {token.value for token in step.tokens if token.kind == "word"}
    return step.starts("with") and {"insert", "returning"} <= said


RULES_SQL_LOSSES: tuple[Rule, ...] = (DataLoss(),)
