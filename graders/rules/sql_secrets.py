"""SQL rules on what must not be stored as it is: card data and passwords."""

from __future__ import annotations

from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity
from graders.rules.sql_names import card_data, card_surrogate, hashed_password, plain_password
from graders.rules.sql_tree import Judged, Script, SqlRule

NOT_TEXT = frozenset({"boolean", "date", "timestamp", "timestamptz", "interval", "uuid"})


class CardDataColumn(SqlRule):
    """A column holds a card's number, security code or magnetic track.

    A leaked table or backup is then usable cards; security codes may not be kept at all. Keep the payment provider's
    token and, at most, the last four digits.
    """

    id = "sql-card-data-column"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 312
    dialect = False
    BAD = (
        "CREATE TABLE payments (id bigint PRIMARY KEY, card_number text, card_cvv text);",
        'ALTER TABLE cards ADD COLUMN "cardNumber" varchar(19);',
        "CREATE TABLE c (id bigint PRIMARY KEY, cvc_encrypted bytea);",
    )
    GOOD = (
        "CREATE TABLE payments (id bigint PRIMARY KEY, card_token text, card_last4 char(4), card_brand text);",
        "CREATE TABLE p (id bigint PRIMARY KEY, gift_card_number text, cvv_check text, pan_token text, company text);",
        "-- card_number is gone\nALTER TABLE payments DROP COLUMN card_number, DROP COLUMN IF EXISTS card_cvv;",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        dropped = {(table.name, action.name) for _step, table, action in found.alters if action.verb == "drop column"}
        for table, column in found.columns:
            if card_data(column.name) and column.type not in NOT_TEXT and (table, column.name) not in dropped:
                yield column.line, f"{column.name} holds card data"
            elif card_surrogate(column.name):
                yield column.line, ""
        yield from (
            (action.line, "")
            for _step, _table, action in found.alters
            if action.verb == "drop column" and card_data(action.name)
        )


class PlaintextPasswordColumn(SqlRule):
    """A column is made for a password as it is.

    Whoever reads the table, a backup or a log of queries has every account. Store an Argon2, scrypt or bcrypt hash, and
    let the column's name say so.
    """

    id = "sql-plaintext-password-column"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 256
    dialect = False
    BAD = (
        "CREATE TABLE users (id bigint PRIMARY KEY, email text, password varchar(64) NOT NULL); -- hashed",
        "ALTER TABLE accounts ADD COLUMN user_passwd text;",
    )
    GOOD = (
        "CREATE TABLE users (id bigint PRIMARY KEY, password_hash text NOT NULL, password_changed_at timestamptz);",
        (
            "CREATE TABLE users (id bigint PRIMARY KEY, encrypted_password text, password_reset_token text, "
            "must_change_password boolean);"
        ),
        "ALTER TABLE customers RENAME COLUMN password TO password_hash;",
        "CREATE TABLE users (id bigint PRIMARY KEY, password text NOT NULL CHECK (password LIKE '$argon2id$%'));",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        dropped = {
            (table.name, action.name)
            for _step, table, action in found.alters
            if action.verb in {"drop column", "rename column"}
        }
        for table, column in found.columns:
            if hashed_password(column.name):
                yield column.line, ""
            elif plain_password(column.name) and column.type not in NOT_TEXT and (table, column.name) not in dropped:
                safe = any(
                    "$" in token.value
                    for check in found.checks(table, column)
                    for token in check
                    if token.kind == "string"
                )
                yield column.line, "" if safe else f"{column.name} holds a password as it is"
        for _step, _table, action in found.alters:
            if action.verb in {"drop column", "rename column"} and plain_password(action.name):
                renamed_plain = action.verb == "rename column" and plain_password(action.to)
                yield action.line, f"{action.to} still holds a password" if renamed_plain else ""


RULES_SQL_SECRETS: tuple[Rule, ...] = (CardDataColumn(), PlaintextPasswordColumn())
