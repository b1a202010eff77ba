"""SQL rules on statements that change rows: of whole tables, in migrations. Lost rows: `sql_losses.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity
from graders.rules.sql_cursor import Cursor, flat
from graders.rules.sql_ddl import AlterTable, CreateIndex
from graders.rules.sql_lexer import Tokens
from graders.rules.sql_tree import Judged, Script, SqlRule, Step


@dataclass(frozen=True, kw_only=True)
class Change:
    """An UPDATE or DELETE, wherever it stands in its statement."""

    verb: str
    table: str
    line: int
    tokens: Tokens
    """From the verb to its end."""
    where: Tokens
    step: Step


def changes(steps: tuple[Step, ...]) -> Iterator[Change]:
    """Every UPDATE and DELETE, those in WITH included."""
    for step in steps:
        for at, token in enumerate(step.tokens):
            if not token.word("update", "delete") or not _leads(step.tokens, at):
                continue
            cursor = Cursor(step.tokens, at + 1)
            if token.word("delete") and not cursor.accept("from"):
                continue
            cursor.accept("only")
            table = cursor.name()
            own = step.tokens[at : at + _length(step.tokens[at:])]
            if table and (token.word("delete") or any(word.word("set") for word in flat(own))):
                yield Change(verb=token.value, table=table, line=token.line, tokens=own, where=_where(own), step=step)


def _leads(tokens: Tokens, at: int) -> bool:
    """Whether a statement begins here: the first token, after WITH's list, or after `AS (`."""
    if at == 0:
        return True
    if tokens[at - 1].symbol("("):
        return at >= 2 and tokens[at - 2].word("as", "materialized")
    return tokens[0].word("with", "explain") and (
        tokens[at - 1].symbol(")") or tokens[at - 1].word("explain", "analyze")
    )


def _length(tokens: Tokens) -> int:
    depth = 0
    for at, token in enumerate(tokens):
        depth += token.symbol("(") - token.symbol(")")
        if depth < 0:
            return at
    return len(tokens)


def _where(tokens: Tokens) -> Tokens:
    """The condition; empty when there is none, or it is always true."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += token.symbol("(") - token.symbol(")")
        if depth == 0 and token.word("where"):
            condition = tokens[at + 1 :]
            said = [part.value for part in condition]
            return () if said[:1] == ["true"] or said[:3] == ["1", "=", "1"] else condition
    return ()


def migrates(found: Script) -> bool:
    """Whether the script changes tables that were there before it."""
    return any(isinstance(step.definition, AlterTable | CreateIndex) for step in found.run) or any(found.tables)


class UpdateWithoutWhere(SqlRule):
    """An UPDATE or DELETE has no WHERE.

    It changes every row of the table, locks them all until it commits, and cannot be undone. Say which rows are meant.
    """

    id = "sql-update-without-where"
    dimension = Dimension.TRANSACTIONALITY
    severity = Severity.HIGH
    dialect = False
    BAD = (
        "UPDATE orders SET total_minor = round(total * 100); -- WHERE total IS NOT NULL",
        "WITH gone AS (DELETE FROM carts RETURNING *) SELECT count(*) FROM gone WHERE true;",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$\nBEGIN\n  UPDATE accounts SET balance = 0;\nEND $$;",
    )
    GOOD = (
        (
            "UPDATE orders SET status = 'paid' WHERE id = 1;\n"
            "DELETE FROM carts USING orders o WHERE o.cart_id = carts.id;"
        ),
        "INSERT INTO a (id, n) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET n = excluded.n;",
        (
            "SELECT * FROM a FOR UPDATE;\n"
            "CREATE TRIGGER t BEFORE UPDATE ON a EXECUTE FUNCTION f();\n"
            "GRANT UPDATE ON a TO b;"
        ),
        "CREATE TEMP TABLE t AS SELECT 1 AS x;\nUPDATE t SET x = 2;\nDELETE FROM t;",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        for change in changes(found.steps):
            if change.where:
                yield change.line, ""
            elif found.existing(change.table):
                yield change.line, f"{change.verb.upper()} of every row of {change.table}"


class UnbatchedBackfill(SqlRule):
    """A migration fills a column of a whole table in one UPDATE.

    All rows stay locked, and vacuum is held up, until it commits; on a large table that is an outage. Update a range of
    keys at a time and commit between them.
    """

    id = "sql-unbatched-backfill"
    dimension = Dimension.OPERATIONS
    severity = Severity.MEDIUM
    BAD = (
        "ALTER TABLE orders ADD COLUMN total_minor bigint;\nUPDATE orders SET total_minor = round(total * 100);",
        (
            "ALTER TABLE orders ADD COLUMN t bigint;\n"
            "UPDATE orders SET t = 1 WHERE t IS NULL;\n"
            "ALTER TABLE orders ALTER COLUMN t SET NOT NULL;"
        ),
    )
    GOOD = (
        "ALTER TABLE orders ADD COLUMN t bigint;\nUPDATE orders SET t = 1 WHERE id > 0 AND id <= 10000 AND t IS NULL;",
        (
            "ALTER TABLE o ADD COLUMN t bigint;\n"
            "DO $$ BEGIN LOOP\n"
            " UPDATE o SET t = 1 WHERE id IN (SELECT id FROM o WHERE t IS NULL LIMIT 1000);\n"
            " EXIT WHEN NOT FOUND; COMMIT;\n"
            "END LOOP; END $$;"
        ),
        "CREATE TABLE n (id bigint PRIMARY KEY);\nUPDATE n SET id = 1;",
    )

    def judge(self, found: Script) -> Iterator[Judged]:
        if not migrates(found):
            return
        for change in changes(found.steps):
            if change.verb != "update" or not found.existing(change.table):
                continue
            if _ranged(change):
                yield change.line, ""
            elif change.step.inside != "function" and _whole(change.where):
                yield change.line, f"every row of {change.table} is updated at once"


def _whole(where: Tokens) -> bool:
    """Whether a condition is absent, or says only that the row is still to be filled."""
    words = [token.value for token in where if token.names]
    return not where or (
        words[-1:] == ["null"]
        and "is" in words
        and "and" not in words
        and not any(token.symbol("(") for token in where)
    )


def _ranged(change: Change) -> bool:
    """Whether the rows are limited to a batch."""
    words = {token.value for token in change.where if token.kind == "word"}
    symbols = {token.text for token in change.where if token.kind == "symbol"}
    looped = change.step.loop and bool(symbols & {"<", "<=", ">", ">="} or "in" in words or "any" in words)
    return (
        "between" in words
        or "limit" in words
        or (bool(symbols & {"<", "<="}) and bool(symbols & {">", ">="}))
        or looped
    )


RULES_SQL_STATEMENTS: tuple[Rule, ...] = (UpdateWithoutWhere(), UnbatchedBackfill())
