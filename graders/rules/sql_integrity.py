"""SQL rules on keys: primary keys, foreign keys, their indexes and what deleting does."""

from __future__ import annotations

from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity
from graders.rules.sql_ddl import Column, CreateIndex, CreateTable, Reference
from graders.rules.sql_names import financial, person, singular, words_of
from graders.rules.sql_tree import Judged, Script, SqlRule

Foreign = tuple[str, tuple[str, ...], Reference, int]
"""Table, its columns, what they refer to, line."""
KEY_TYPES = {
    "integer": "int",
    "bigint": "int",
    "smallint": "int",
    "serial": "int",
    "bigserial": "int",
    "uuid": "uuid",
    "text": "text",
    "varchar": "text",
    "char": "text",
    "citext": "text",
}
LOOSE = frozenset(
    {
        "audit",
        "log",
        "logs",
        "history",
        "archive",
        "archived",
        "outbox",
        "inbox",
        "staging",
        "tmp",
        "temp",
        "backup",
        "snapshot",
        "import",
        "old",
        "raw",
        "event",
        "events",
    }
)


def foreign_keys(found: Script) -> Iterator[Foreign]:
    """Every foreign key that the script makes."""
    for table, column in found.columns:
        if column.reference:
            yield table, (column.name,), column.reference, column.line
    for table, constraint in found.constraints:
        if constraint.reference:
            yield table, constraint.columns, constraint.reference, constraint.line


def new_columns(found: Script) -> frozenset[tuple[str, str]]:
    """(table, column) of the columns that the script itself adds."""
    new = {(table.name, column.name) for table in found.tables for column in table.columns}
    return frozenset(
        new | {(table.name, action.name) for _step, table, action in found.alters if action.verb == "add column"}
    )


def loose(table: str) -> bool:
    """Whether a table of this name is a log or a copy, which keeps rows of things that are gone."""
    return bool(LOOSE & set(words_of(table)))


class MissingPrimaryKey(SqlRule):
    """A table has no primary key.

    The same row can be stored twice and cannot be told from its copy, and logical replication refuses to update it.
    Declare a key.
    """

    id = "sql-missing-primary-key"
    dimension = Dimension.TRANSACTIONALITY
    severity = Severity.MEDIUM
    absence = True
    dialect = False
    BAD = (
        "CREATE TABLE coupon_redemptions (coupon_code text NOT NULL, customer_id bigint NOT NULL);",
        (
            "CREATE TABLE IF NOT EXISTS public.prices (sku text UNIQUE, price numeric CHECK (price >= 0)); -- "
            "PRIMARY KEY (sku)"
        ),
    )
    GOOD = (
        "CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);",
        "CREATE TABLE a (x bigint, y bigint);\nALTER TABLE ONLY public.a ADD CONSTRAINT a_pkey PRIMARY KEY (x, y);",
        "CREATE TABLE p PARTITION OF q FOR VALUES IN (1);\nCREATE TEMP TABLE t (x int);\nCREATE TABLE c AS SELECT 1;",
        "CREATE TABLE copy (LIKE orders INCLUDING ALL);",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        keyed = {table for table, constraint in found.constraints if constraint.kind == "primary"}
        keyed |= {table for table, column in found.columns if column.primary}
        for table in found.tables:
            if table.derived or table.partial or not table.columns:
                continue
            if table.name in keyed:
                yield table.line, ""
            elif not {"staging", "tmp", "temp", "backup"} & set(words_of(table.name)):
                yield table.line, f"{table.name} has no primary key"


class ForeignKeyWithoutIndex(SqlRule):
    """A foreign key's columns lead no index.

    Each delete or key change in the table referred to then reads the whole referring table under lock, and joins do so
    too. Create an index that begins with the columns.
    """

    id = "sql-fk-without-index"
    dimension = Dimension.PERFORMANCE
    severity = Severity.MEDIUM
    absence = True
    BAD = (
        "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers (id));",
        "CREATE TABLE items (a bigint, b bigint, PRIMARY KEY (a, b), FOREIGN KEY (b) REFERENCES products (id));",
        "ALTER TABLE orders ADD COLUMN shop_id bigint REFERENCES shops (id);",
        (
            "CREATE TABLE o (id bigint PRIMARY KEY, c bigint REFERENCES d);\n"
            "CREATE INDEX ON o (lower(x), c);\n"
            "-- CREATE INDEX ON o (c);"
        ),
    )
    GOOD = (
        (
            "CREATE TABLE o (id bigint PRIMARY KEY, c bigint REFERENCES d (id));\n"
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON public.o (c, id);"
        ),
        "CREATE TABLE items (a bigint REFERENCES x, b bigint, PRIMARY KEY (a, b));",
        "CREATE TABLE stock (p bigint PRIMARY KEY REFERENCES products (id), q bigint UNIQUE REFERENCES qs (id));",
        "ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (customer_id) REFERENCES customers (id) NOT VALID;",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        new = new_columns(found)
        leading = set(_leading(found))
        for table, columns, reference, line in foreign_keys(found):
            if not columns or not all((table, column) in new for column in columns):
                continue
            sound = any((table, column) in leading for column in columns)
            yield line, "" if sound else f"no index begins with {', '.join(columns)}, which refers to {reference.table}"


def _leading(found: Script) -> Iterator[tuple[str, str]]:
    """(table, column) of the first column of each index and key."""
    for _step, index in found.indexes:
        if index.columns and not _partial(index):
            yield index.table, index.columns[0]
    for table, constraint in found.constraints:
        if constraint.kind in {"primary", "unique"} and constraint.columns:
            yield table, constraint.columns[0]
    for table, column in found.columns:
        if column.primary or column.unique:
            yield table, column.name


def _partial(index: CreateIndex) -> bool:
    """Whether it leaves out rows that have a value in its first column."""
    words = [token.value for token in index.where if token.names]
    return bool(index.where) and words != [index.columns[0], "is", "not", "null"]


class MissingForeignKey(SqlRule):
    """A column is named after a table of the same script and does not refer to it.

    Rows can point at nothing, and deleting what they belong to leaves orphans. Declare the foreign key.
    """

    id = "sql-missing-foreign-key"
    dimension = Dimension.TRANSACTIONALITY
    severity = Severity.HIGH
    absence = True
    dialect = False
    BAD = (
        (
            "CREATE TABLE orders (id bigint PRIMARY KEY);\n"
            "CREATE TABLE payments (id bigint PRIMARY KEY, order_id bigint NOT NULL);"
        ),
        (
            "CREATE TABLE category (id serial PRIMARY KEY);\n"
            "CREATE TABLE product (id serial PRIMARY KEY, category_id int);"
        ),
    )
    GOOD = (
        (
            "CREATE TABLE orders (id bigint PRIMARY KEY);\n"
            "CREATE TABLE p (id bigint PRIMARY KEY, order_id bigint REFERENCES orders);"
        ),
        (
            "CREATE TABLE orders (id bigint PRIMARY KEY);\n"
            "CREATE TABLE p (id bigint PRIMARY KEY, order_id bigint);\n"
            "ALTER TABLE p ADD CONSTRAINT f FOREIGN KEY (order_id) REFERENCES orders (id);"
        ),
        "CREATE TABLE users (id bigint PRIMARY KEY);\nCREATE TABLE audit_log (id bigint PRIMARY KEY, user_id bigint);",
        "CREATE TABLE payments (id bigint PRIMARY KEY, payment_id text, stripe_id text);",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        referring = {(table, column) for table, columns, _reference, _line in foreign_keys(found) for column in columns}
        keys = _keys(found)
        for table in found.tables:
            for column in table.columns:
                if not column.name.lower().endswith("_id"):
                    continue
                if (table.name, column.name) in referring:
                    yield column.line, ""
                elif not table.derived and not loose(table.name) and (target := _target(keys, table, column)):
                    yield column.line, f"{column.name} does not refer to {target}"


def _keys(found: Script) -> dict[str, tuple[str, str]]:
    """By singular name of each table with a key of one column: its name, and the kind of the key's type."""
    named = {(table, made.columns) for table, made in found.constraints if made.kind == "primary"}
    keys: dict[str, tuple[str, str]] = {}
    for table in found.tables:
        own = [column for column in table.columns if column.primary or (table.name, (column.name,)) in named]
        if len(own) == 1 and not table.derived:
            keys[singular(table.name.lower())] = table.name, KEY_TYPES.get(own[0].type, own[0].type)
    return keys


def _target(keys: dict[str, tuple[str, str]], table: CreateTable, column: Column) -> str | None:
    """The table of the script that the column is named after, if its key has the column's kind of type."""
    name, kind = keys.get(singular(column.name.lower().removesuffix("_id")), ("", ""))
    return name if name and name != table.name and kind == KEY_TYPES.get(column.type, column.type) else None


class CascadeFinancial(SqlRule):
    """Deleting a customer or an order deletes the records of money that belong to it.

    What was paid and owed is gone, which bookkeeping law forbids, and one careless DELETE does it. Use RESTRICT or NO
    ACTION.
    """

    id = "sql-cascade-financial"
    dimension = Dimension.TRANSACTIONALITY
    severity = Severity.HIGH
    dialect = False
    BAD = (
        "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id) ON DELETE CASCADE);",
        (
            "ALTER TABLE payments ADD CONSTRAINT f FOREIGN KEY (order_id) REFERENCES orders (id) ON UPDATE NO "
            "ACTION ON DELETE CASCADE;"
        ),
    )
    GOOD = (
        (
            "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id) ON DELETE "
            "RESTRICT);"
        ),
        "CREATE TABLE order_items (id bigint PRIMARY KEY, order_id bigint REFERENCES orders (id) ON DELETE CASCADE);",
        "CREATE TABLE refunds (id bigint PRIMARY KEY, payment_id bigint REFERENCES payments (id) ON UPDATE CASCADE);",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        for table, _columns, reference, line in foreign_keys(found):
            if (
                financial(table)
                and (person(reference.table) or financial(reference.table))
                and table != reference.table
            ):
                cascades = reference.on_delete == "cascade"
                yield line, f"deleting from {reference.table} deletes from {table}" if cascades else ""


RULES_SQL_INTEGRITY: tuple[Rule, ...] = (
    MissingPrimaryKey(),
    ForeignKeyWithoutIndex(),
    MissingForeignKey(),
    CascadeFinancial(),
)
