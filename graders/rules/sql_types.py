"""SQL rules on the types of columns: money, times, keys, states."""

from __future__ import annotations

from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity
from graders.rules.sql_lexer import Tokens
from graders.rules.sql_names import amount, money, status, words_of
from graders.rules.sql_tree import Judged, Script, SqlRule

INEXACT = frozenset({"real", "float", "double precision", "money", "smallmoney"})
EXACT = frozenset({"numeric", "bigint", "integer", "smallint"})
TEXT = frozenset({"text", "varchar", "char", "citext"})


class FloatMoney(SqlRule):
    """Money is kept in a binary floating-point column, or in `money`, whose meaning follows a server setting.

    Sums drift by fractions of a cent, and equal amounts compare as different. Keep minor units in a bigint, or use
    numeric.
    """

    id = "sql-float-money"
    dimension = Dimension.TRANSACTIONALITY
    severity = Severity.HIGH
    cwe = 682
    dialect = False
    BAD = (
        "CREATE TABLE orders (id bigint PRIMARY KEY, total double precision NOT NULL);",
        "ALTER TABLE invoices ADD COLUMN tax_amount real;",
        'CREATE TABLE "Wallet" (id uuid PRIMARY KEY, "currentBalance" float8 NOT NULL DEFAULT 0);',
        "ALTER TABLE payments ALTER COLUMN amount TYPE money USING amount::money;",
    )
    GOOD = (
        (
            "CREATE TABLE orders (id bigint PRIMARY KEY, total_minor bigint NOT NULL, tax_rate real, "
            "discount_percent float8);"
        ),
        (
            "CREATE TABLE invoices (amount numeric(12, 2) NOT NULL, -- was: amount float\n"
            " total_seconds double precision);"
        ),
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        for _table, column in found.columns:
            kind = found.base_type(column)
            if money(column.name) and kind in INEXACT | EXACT:
                yield column.line, f"{column.name} is money in a {kind} column" if kind in INEXACT else ""


class NaiveTimestamp(SqlRule):
    """A moment is kept in `timestamp`, which has no time zone.

    The same value means another moment to each session's time zone, and an hour a year is ambiguous. Use timestamptz.
    """

    id = "sql-naive-timestamp"
    BAD = (
        "CREATE TABLE orders (id bigint PRIMARY KEY, created_at timestamp NOT NULL DEFAULT now());",
        "ALTER TABLE orders ADD COLUMN paid_at timestamp(3) without time zone;",
    )
    GOOD = (
        (
            "CREATE TABLE orders (id bigint PRIMARY KEY, created_at timestamptz NOT NULL, paid_at timestamp(3) "
            "with time zone);"
        ),
        "CREATE TABLE meetings (id bigint PRIMARY KEY, starts_local timestamp NOT NULL, tz text NOT NULL, day date);",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        for _table, column in found.columns:
            kind = found.base_type(column)
            if kind == "timestamptz":
                yield column.line, ""
            elif kind == "timestamp" and not {"local", "wall", "naive"} & set(words_of(column.name)):
                yield column.line, f"{column.name} is a timestamp without time zone"


class Int32Key(SqlRule):
    """A generated primary key has 32 bits.

    A busy table runs out of them after two thousand million rows, all inserts fail at once, and widening the key
    rewrites the table and all that refers to it. Make it bigint, or uuid.
    """

    id = "sql-int32-key"
    severity = Severity.MEDIUM
    BAD = (
        "CREATE TABLE events (id serial PRIMARY KEY, body jsonb);",
        "CREATE TABLE events (id integer GENERATED ALWAYS AS IDENTITY, body jsonb, PRIMARY KEY (id));",
        "CREATE TABLE events (event_id int NOT NULL DEFAULT nextval('s'), CONSTRAINT pk PRIMARY KEY (event_id));",
    )
    GOOD = (
        "CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind smallint, n integer);",
        "CREATE TABLE tokens (id uuid PRIMARY KEY DEFAULT gen_random_uuid());",
        "CREATE TABLE stock (product_id integer PRIMARY KEY REFERENCES products (id), quantity integer NOT NULL);",
        "CREATE TABLE weekdays (number integer PRIMARY KEY, name text NOT NULL);",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        keys = {(table, constraint.columns) for table, constraint in found.constraints if constraint.kind == "primary"}
        referring = {
            (table, constraint.columns) for table, constraint in found.constraints if constraint.kind == "foreign"
        }
        for table, column in found.columns:
            if not (column.primary or (table, (column.name,)) in keys):
                continue
            if column.reference or (table, (column.name,)) in referring:
                continue
            kind = found.base_type(column)
            counts = column.identity or bool(column.default) or column.name == "id"
            if kind in {"bigint", "bigserial", "uuid"}:
                yield column.line, ""
            elif kind == "serial" or (kind == "integer" and counts):
                yield column.line, f"the key {column.name} has 32 bits"


class FreeTextStatus(SqlRule):
    """A status is kept as text that nothing limits.

    A misspelt status is stored without complaint, and no query finds the row again. Add a CHECK with the allowed
    values, an enum type or a reference to a table of states.
    """

    id = "sql-free-text-status"
    dimension = Dimension.TRANSACTIONALITY
    severity = Severity.MEDIUM
    absence = True
    dialect = False
    BAD = (
        "CREATE TABLE orders (id bigint PRIMARY KEY, status text NOT NULL DEFAULT 'new');",
        "CREATE TABLE jobs (id bigint PRIMARY KEY, job_status varchar(20) NOT NULL CHECK (job_status <> ''));",
        "ALTER TABLE orders ADD COLUMN payment_status text; -- CHECK (payment_status IN ('a', 'b'))",
    )
    GOOD = (
        "CREATE TABLE orders (id bigint PRIMARY KEY, status text NOT NULL CHECK (status IN ('new', 'paid')));",
        "CREATE TABLE orders (id bigint PRIMARY KEY, status order_status NOT NULL, http_status text);",
        (
            "CREATE TABLE a (id bigint PRIMARY KEY, status text);\n"
            "ALTER TABLE a ADD CONSTRAINT c CHECK (status = ANY (ARRAY['x', 'y']));"
        ),
        "CREATE TABLE a (id bigint PRIMARY KEY, status text NOT NULL REFERENCES states (code));",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        keys = {
            (table, name)
            for table, constraint in found.constraints
            if constraint.kind in {"foreign", "primary"}
            for name in constraint.columns
        }
        typed = {
            (table, action.name)
            for _step, table_, action in found.alters
            if action.verb == "type"
            for table in (table_.name,)
        }
        for table, column in found.columns:
            if not status(column.name) or column.array or column.primary or column.generated:
                continue
            if (table, column.name) in typed:
                continue
            kind = found.base_type(column)
            limited = any(_lists(check) for check in found.checks(table, column)) or column.type in found.domains
            limited = limited or column.reference is not None or (table, column.name) in keys
            if kind not in TEXT:
                if kind not in {"integer", "smallint", "bigint", "boolean", "jsonb", "json"}:
                    yield column.line, ""
            else:
                yield column.line, "" if limited else f"{column.name} takes any text"


def _lists(check: Tokens) -> bool:
    """Whether a condition lists allowed values, or a pattern of them."""
    literals = sum(token.kind == "string" for token in check)
    return literals >= 2 or (
        literals == 1 and any(token.symbol("~") or token.word("similar", "in", "any") for token in check)
    )


class MoneyNoCheck(SqlRule):
    """An amount, balance, price or total has no CHECK on its range.

    A bug can then charge a negative amount or overdraw an account, and the database keeps it. Say the range in a CHECK.
    """

    id = "sql-money-no-check"
    dimension = Dimension.TRANSACTIONALITY
    severity = Severity.MEDIUM
    cwe = 1284
    absence = True
    dialect = False
    BAD = (
        "CREATE TABLE refunds (id bigint PRIMARY KEY, amount_minor bigint NOT NULL);",
        "CREATE TABLE accounts (id bigint PRIMARY KEY, balance numeric(12, 2) NOT NULL DEFAULT 0, CHECK (id > 0));",
    )
    GOOD = (
        "CREATE TABLE refunds (id bigint PRIMARY KEY, amount_minor bigint NOT NULL CHECK (amount_minor > 0));",
        (
            "CREATE TABLE a (id bigint PRIMARY KEY, balance numeric NOT NULL, CONSTRAINT c CHECK (balance >= 0), "
            "price_id bigint);"
        ),
        (
            "CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0);\n"
            "CREATE TABLE a (id bigint PRIMARY KEY, price cents NOT NULL);"
        ),
        "CREATE TABLE a (id bigint PRIMARY KEY, total bigint GENERATED ALWAYS AS (n * p) STORED);",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        altered = {(table.name, action.name) for _step, table, action in found.alters if action.verb == "type"}
        for table, column in found.columns:
            if not amount(column.name) or column.generated or (table, column.name) in altered:
                continue
            domain = found.domains.get(column.type, ())
            checked = any(found.checks(table, column)) or any(token.word("check") for token in domain)
            if checked:
                yield column.line, ""
            elif found.base_type(column) in EXACT | INEXACT:
                yield column.line, f"nothing limits {column.name}"


RULES_SQL_TYPES: tuple[Rule, ...] = (FloatMoney(), NaiveTimestamp(), Int32Key(), FreeTextStatus(), MoneyNoCheck())
