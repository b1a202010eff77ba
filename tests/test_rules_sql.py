"""Rules on SQL: each rule's examples, whole migrations, and the reading under them."""

from __future__ import annotations

import time

import pytest
import sqlglot.expressions as exp

from graders.rules.rule import Rule, Site
from graders.rules.source import Source, ToolError, run_tools
from graders.rules.sql_dynamic import RULES_SQL_DYNAMIC
from graders.rules.sql_integrity import RULES_SQL_INTEGRITY
from graders.rules.sql_lexer import lex, statements, without_comments
from graders.rules.sql_locks import RULES_SQL_LOCKS
from graders.rules.sql_losses import RULES_SQL_LOSSES
from graders.rules.sql_names import amount, card_data, financial, hashed_password, money, plain_password, status
from graders.rules.sql_privileges import RULES_SQL_PRIVILEGES
from graders.rules.sql_rewrites import RULES_SQL_REWRITES
from graders.rules.sql_secrets import RULES_SQL_SECRETS
from graders.rules.sql_statements import RULES_SQL_STATEMENTS
from graders.rules.sql_tree import script
from graders.rules.sql_types import RULES_SQL_TYPES

RULES: tuple[Rule, ...] = (
    *RULES_SQL_TYPES,
    *RULES_SQL_INTEGRITY,
    *RULES_SQL_SECRETS,
    *RULES_SQL_PRIVILEGES,
    *RULES_SQL_STATEMENTS,
    *RULES_SQL_LOSSES,
    *RULES_SQL_LOCKS,
    *RULES_SQL_REWRITES,
    *RULES_SQL_DYNAMIC,
)

SAFE = r"""-- it's safe: psql -v ON_ERROR_STOP=1 -f migration.sql
\set ON_ERROR_STOP on
\echo it's running; CREATE INDEX i ON orders (x);
SET lock_timeout = '3s';

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO shop_app;
CREATE OR REPLACE FUNCTION search_orders(p_status text, p_limit int DEFAULT 20) RETURNS SETOF orders
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $fn$
BEGIN
    -- never EXECUTE 'x' || p_status
    RETURN QUERY EXECUTE 'SELECT * FROM orders WHERE status = $1 LIMIT $2' USING p_status, p_limit;
END
$fn$;
ALTER TABLE payments DROP COLUMN IF EXISTS card_number, DROP COLUMN IF EXISTS card_cvv;

BEGIN;
SET LOCAL lock_timeout = '3s';
ALTER TABLE orders ADD COLUMN IF NOT EXISTS total_minor bigint;
ALTER TABLE orders ADD CONSTRAINT orders_total_minor_check CHECK (total_minor >= 0) NOT VALID;
COMMIT;

CREATE OR REPLACE PROCEDURE fill_totals() LANGUAGE plpgsql AS $$
DECLARE
    lo bigint := 0;
    hi bigint;
BEGIN
    SELECT max(id) INTO hi FROM orders;
    WHILE lo <= hi LOOP
        UPDATE orders SET total_minor = round(total::numeric * 100) WHERE id > lo AND id <= lo + 5000;
        COMMIT;
        lo := lo + 5000;
    END LOOP;
END $$;
CALL fill_totals();
DROP PROCEDURE fill_totals();
ALTER TABLE orders VALIDATE CONSTRAINT orders_total_minor_check;

DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'payments_order_fk') THEN
        ALTER TABLE payments ADD CONSTRAINT payments_order_fk
            FOREIGN KEY (order_id) REFERENCES orders (id) NOT VALID;
    END IF;
END $$;
ALTER TABLE payments VALIDATE CONSTRAINT payments_order_fk;

SELECT 'CREATE UNIQUE INDEX CONCURRENTLY payments_key_idx ON payments (idempotency_key)'
WHERE NOT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'payments_key_idx') \gexec
SELECT format('UPDATE events SET kind = lower(kind) WHERE id BETWEEN %s AND %s', n, n + 9999)
FROM generate_series(1, (SELECT max(id) FROM events), 10000) AS n \gexec

CREATE TABLE refund_reasons (code text PRIMARY KEY, label text NOT NULL);
COPY refund_reasons (code, label) FROM stdin;
late	it's late; UPDATE orders SET x = 1;
\.
INSERT INTO refund_reasons VALUES ('x', 'y') ON CONFLICT (code) DO UPDATE SET label = excluded.label;
RESET lock_timeout;
"""

VULNERABLE = r"""\set ON_ERROR_STOP on
BEGIN;
ALTER TABLE orders ALTER COLUMN total TYPE numeric(12,2) USING total::numeric(12,2);
DELETE FROM customers a USING customers b WHERE a.id > b.id AND lower(a.email) = lower(b.email);
CREATE UNIQUE INDEX customers_email_key ON customers (lower(email));
ALTER TABLE payments
    ADD CONSTRAINT payments_order_fk FOREIGN KEY (order_id) REFERENCES orders (id),
    ADD CONSTRAINT payments_key UNIQUE (idempotency_key), -- USING INDEX, NOT VALID
    DROP COLUMN provider_ref;
ALTER TABLE refunds ALTER COLUMN payment_id SET NOT NULL;
UPDATE refunds SET amount_minor = 0;
CREATE INDEX CONCURRENTLY i ON order_items (order_id);
COMMIT;
TRUNCATE TABLE ONLY events, audit RESTART IDENTITY;
GRANT SELECT ON orders TO PUBLIC;
/* SET lock_timeout = '1s' */
CREATE TABLE ledger_entries (
    id serial PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    amount float NOT NULL,
    status varchar(20),
    cvv text,
    at timestamp
);
CREATE TABLE notes (ledger_entry_id integer NOT NULL, password text);
CREATE FUNCTION run(p_sql text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    EXECUTE p_sql;
END $$;
"""

EXPECTED = {
    (3, "sql-type-change-rewrite"), (3, "sql-no-lock-timeout"), (4, "sql-data-loss"), (5, "sql-index-not-concurrent"),
    (5, "sql-no-lock-timeout"), (6, "sql-no-lock-timeout"), (7, "sql-constraint-not-valid"),
    (8, "sql-add-unique-blocking"), (9, "sql-data-loss"), (10, "sql-not-null-rewrite"), (10, "sql-no-lock-timeout"),
    (11, "sql-unbatched-backfill"), (11, "sql-update-without-where"), (12, "sql-concurrently-in-transaction"),
    (14, "sql-data-loss"), (14, "sql-no-lock-timeout"), (15, "sql-grant-to-public"), (18, "sql-int32-key"),
    (19, "sql-cascade-financial"), (19, "sql-fk-without-index"), (20, "sql-float-money"), (20, "sql-money-no-check"),
    (21, "sql-free-text-status"), (22, "sql-card-data-column"), (23, "sql-naive-timestamp"),
    (25, "sql-missing-primary-key"), (25, "sql-missing-foreign-key"), (25, "sql-plaintext-password-column"),
    (26, "sql-security-definer-search-path"), (28, "sql-dynamic-execute"),
}  # fmt: skip


def sql(text: str, file: str | None = None) -> Source:
    return Source(text=text, language="sql", file=file)


def judge(rule: str, text: str, file: str | None = None) -> list[Site]:
    return list(next(r for r in RULES if r.id == rule).check(sql(text, file)))


def bad(source: Source) -> set[tuple[int, str]]:
    return {(site.line, rule.id) for rule in RULES for site in rule.check(source) if not site.ok}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in RULES for text in rule.BAD])
def test_bad_examples_give_a_bad_site(rule: Rule, text: str) -> None:
    sites = list(rule.check(sql(text)))
    assert any(not site.ok and site.message for site in sites)
    assert all(site.quote and site.quote in text for site in sites)


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule in RULES for text in rule.GOOD])
def test_good_examples_give_no_bad_site(rule: Rule, text: str) -> None:
    assert [site for site in rule.check(sql(text)) if not site.ok] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_some_good_example_gives_a_good_site(rule: Rule) -> None:
    assert any(site.ok for text in rule.GOOD for site in rule.check(sql(text)))


def test_rules_are_told_apart_by_id() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_a_careful_migration_has_no_bad_site() -> None:
    assert bad(sql(SAFE)) == set()


def test_a_careful_migration_has_good_sites() -> None:
    good = {rule.id for rule in RULES for site in rule.check(sql(SAFE)) if site.ok}
    assert {
        "sql-unbatched-backfill",
        "sql-index-not-concurrent",
        "sql-constraint-not-valid",
        "sql-dynamic-execute",
    } <= good


def test_a_careless_migration_has_exactly_the_planted_defects() -> None:
    assert bad(sql(VULNERABLE)) == EXPECTED


def test_comments_of_the_source_change_nothing() -> None:
    assert bad(sql(VULNERABLE.replace("BEGIN;\nALTER", "BEGIN; -- squawk-ignore-file, noqa\nALTER"))) == EXPECTED


def test_down_migrations_may_drop() -> None:
    assert judge("sql-data-loss", "DROP TABLE orders;", "migrations/0003_orders.down.sql") == []


def test_a_source_that_leaves_code_out_is_not_held_for_what_is_missing() -> None:
    source = Source(text="CREATE TABLE orders (total_minor bigint, status text);", language="sql", elided=True)
    assert bad(source) == set()


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, at TIMESTAMP);",
        "CREATE TABLE `t` (`id` INT PRIMARY KEY, `at` TIMESTAMP) ENGINE=InnoDB;",
    ],
)
def test_other_databases_are_not_judged_by_the_types_of_postgres(text: str) -> None:
    assert judge("sql-int32-key", text) + judge("sql-naive-timestamp", text) == []


ODD = [
    "",
    ";;;",
    "-- only a comment",
    "/* never closed",
    "SELECT 'never closed",
    "$$ never closed",
    'DROP TABLE "\u044d";',
    'CREATE TABLE "_" ("_" text, "" int);',
    "CREATE TABLE",
    "CREATE TABLE t (",
    "CREATE TABLE t (,,)",
    "ALTER TABLE",
    "ALTER TABLE t ADD",
    "ALTER TABLE t ALTER COLUMN",
    "ALTER TABLE t RENAME",
    "CREATE INDEX",
    "CREATE INDEX ON",
    "CREATE TABLE t (a int REFERENCES)",
    "CREATE TABLE t (a int REFERENCES x ON DELETE)",
    "CREATE TABLE t (a int DEFAULT)",
    "GRANT",
    "UPDATE",
    "DELETE FROM",
    "DROP TABLE",
    "TRUNCATE",
    "EXECUTE",
    "DO $$ BEGIN EXECUTE; END $$",
    "DO",
    "CREATE FUNCTION f(",
    "CREATE FUNCTION f(a text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format(); x :=; END $$",
    "CREATE DOMAIN",
    "SELECT format( \\gexec",
    "\\gexec",
    ") ) (",
    "(" * 5000 + ")" * 5000,
    "SELECT 1, -- \u044d\u00a0\u0442\n'é' \x00 \u2028",
]


@pytest.mark.parametrize("text", ODD)
def test_odd_sources_stop_no_rule(text: str) -> None:
    assert all(site.line >= 1 for rule in RULES for site in rule.check(sql(text)))


@pytest.mark.parametrize("cut", range(0, len(VULNERABLE), 97))
def test_a_source_cut_anywhere_stops_no_rule(cut: int) -> None:
    lines = VULNERABLE[:cut].count("\n") + 1
    assert all(line <= lines for line, _rule in bad(sql(VULNERABLE[:cut])))


def test_long_sources_come_to_an_end() -> None:
    begin = time.process_time()
    found = bad(sql(VULNERABLE * 75))
    assert len(found) > 1000
    assert time.process_time() - begin < 30  # a guard against growth without bound, no measure of speed


def test_what_is_nested_too_deeply_is_not_judged() -> None:
    nested = "format('%s', " * 3000 + "a" + ")" * 3000
    text = f"CREATE FUNCTION f(a text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE {nested}; END $$"
    with pytest.raises(ToolError, match="nested"):
        judge("sql-dynamic-execute", text)


# --- names


@pytest.mark.parametrize(
    "name", ["amount", "unitPrice", "total_minor", "order_total", "balance_cents", "shipping_fee", "total"]
)
def test_money_is_known_by_its_name(name: str) -> None:
    assert money(name)


@pytest.mark.parametrize(
    "name",
    ["discount_rate", "price_id", "total_count", "total_seconds", "tax_percent", "refund_reason", "cost_center_code"],
)
def test_what_only_resembles_money_is_not(name: str) -> None:
    assert not money(name)


def test_names_of_secrets_and_states() -> None:
    assert [name for name in ("card_number", "pan", "cvv2", "ccNumber", "track_data") if not card_data(name)] == []
    assert [name for name in ("card_last4", "pan_token", "company", "span", "id_card_number") if card_data(name)] == []
    assert [name for name in ("user_password", "password_hash", "password_set_at") if plain_password(name)] == [
        "user_password"
    ]
    assert hashed_password("hashed_password")
    assert [name for name in ("payment_status", "http_status", "status_code") if status(name)] == ["payment_status"]
    assert [name for name in ("ledger_entries", "order_items") if financial(name)] == ["ledger_entries"]
    assert [name for name in ("amount_minor", "tax_rate") if amount(name)] == ["amount_minor"]


# --- reading


def test_lines_and_words_of_tokens() -> None:
    tokens = list(lex("SELECT -- x\n  'a''b', E'c\\'d', \"No\"\"t\", $q$ e $$ $q$ /* /* */ ; */\n;"))
    assert [(token.value, token.line) for token in tokens] == [
        ("select", 1), ("a'b", 2), (",", 2), ("c'd", 2), (",", 2), ('No""t', 2), (",", 2), (" e $$ ", 2), (";", 3),
    ]  # fmt: skip


def test_statements_end_where_psql_ends_them() -> None:
    text = (
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;\n"
        "SELECT 3 \\g\nSELECT 4"
    )
    assert [(piece[0].value, piece[0].line) for piece in statements(text)] == [
        ("create", 1),
        ("select", 2),
        ("select", 3),
    ]


def test_statements_of_a_source_keep_their_lines_and_text() -> None:
    source = sql("\\set x 'y\n\n-- z\nUPDATE a SET b = 1;\nSELECT\n2;")
    assert [(statement.line, statement.text) for statement in source.statements] == [
        (4, "UPDATE a SET b = 1"),
        (5, "SELECT\n2"),
    ]
    assert isinstance(source.statements[0].tree, exp.Update)


def test_blanking_comments_keeps_every_line() -> None:
    blank = without_comments(SAFE)
    assert blank.count("\n") == SAFE.count("\n")
    assert "never EXECUTE" in blank  # within a function's body, which is a string
    assert [gone for gone in ("it's safe", "\\set", "it's late") if gone in blank] == []


def test_statements_in_bodies_are_steps() -> None:
    text = "DO $$\nBEGIN\n  IF a THEN\n    EXECUTE 'DROP TABLE ' || quote_ident(t) || ' CASCADE';\n  END IF;\nEND $$;"
    steps = [(step.line, step.tokens[0].value) for step in script(sql(text)).steps if step.inside]
    assert (4, "execute") in steps
    assert (4, "drop") in steps


EVERY = [text for rule in RULES for text in (*rule.BAD, *rule.GOOD)] + [SAFE, VULNERABLE]


@pytest.mark.parametrize("text", EVERY)
def test_our_reading_agrees_with_sqlglot_where_it_has_a_tree(text: str) -> None:
    tables = {table.line: table for table in script(sql(text)).tables}
    for statement in sql(text).statements:
        tree = statement.tree
        if isinstance(tree, exp.Create) and tree.kind == "TABLE" and isinstance(tree.this, exp.Schema):
            columns = [column.name for column in tree.this.expressions if isinstance(column, exp.ColumnDef)]
            assert [column.name for column in tables[statement.line].columns] == columns


SQUAWK = {
    "require-concurrent-index-creation": "sql-index-not-concurrent",
    "changing-column-type": "sql-type-change-rewrite",
}


@pytest.mark.parametrize("code", SQUAWK)
def test_squawk_finds_no_lock_that_we_miss(code: str) -> None:
    sources = [sql(text) for text in EVERY]
    run_tools(sources, frozenset({"squawk"}))
    judged = 0
    for source in sources:
        said = source.tools["squawk"]
        if isinstance(said, ToolError):
            continue
        theirs = any(finding.code == code for finding in said)
        ours = [site.ok for site in judge(SQUAWK[code], source.text)]
        if theirs and "TYPE text" not in source.text and "TYPE timestamptz;" not in source.text:
            judged += 1
            made_here = "CREATE TABLE" in source.text or "MATERIALIZED" in source.text or "ON ONLY" in source.text
            assert False in ours or made_here
    assert judged
