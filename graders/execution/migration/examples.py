"""Who grades these attacks: sound answers that must pass them, and defects seeded into those that must be noticed.

Not here: running them (`evals selftest`, and this suite's tests).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from graders.execution.attack import Mutant

FIXTURES = Path(__file__).parents[1] / "fixtures" / "migration"
FILE = "migration.sql"


def good_answers() -> Mapping[str, str]:
    """Sound answers by name, as Markdown."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FIXTURES.glob("good-*.md"))}


def _mutant(name: str, answer: str, old: str, new: str, *noticed_by: str, file: str = FILE) -> Mutant:
    return Mutant(id=f"migration-{name}", answer=f"good-{answer}", file=file, old=old, new=new, noticed_by=noticed_by)


def mutants() -> tuple[Mutant, ...]:
    """One defect each."""
    return (*LOCKS, *TOTALS, *CARDS, *RIGHTS, *RULES, *ROWS, *REST)


LOCKS = (
    _mutant(
        "index-blocks-writers", "plain",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS order_items_order_id_idx",
        "CREATE INDEX IF NOT EXISTS order_items_order_id_idx", "DB-TX-6",
    ),
    _mutant(
        "unique-index-blocks-writers", "swaps-columns",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS events_id_big_key",
        "CREATE UNIQUE INDEX IF NOT EXISTS events_id_big_key", "DB-TX-6",
    ),
    _mutant(
        "constraint-checked-under-lock", "stops-on-dirt",
        "ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID", "ALTER TABLE %s ADD CONSTRAINT %I %s", "DB-TX-6",
    ),
    _mutant(
        "validated-in-the-same-transaction", "stops-on-dirt",
        "        COMMIT;\n    END IF;\n    EXECUTE format('ALTER TABLE %s VALIDATE", "    END IF;\n    EXECUTE format('ALTER TABLE %s VALIDATE",
        "DB-TX-6",
    ),
    _mutant(
        "not-null-reads-the-table", "swaps-columns",
        "ALTER TABLE orders VALIDATE CONSTRAINT orders_total_exact_there;\n", "", "DB-TX-6",
    ),
    _mutant(
        "one-transaction-around-all", "keeps-copies",
        "-- totals in cents\nALTER TABLE orders ADD COLUMN IF NOT EXISTS total_minor bigint;",
        "BEGIN;\nALTER TABLE orders ADD COLUMN IF NOT EXISTS total_minor bigint;\n"
        "UPDATE orders SET total_minor = round(total::numeric * 100)::bigint;\nCOMMIT;",
        "DB-TX-6",
    ),
    _mutant(
        "payments-rewritten", "plain", "-- exact totals\n", "VACUUM FULL payments;\n", "DB-TX-6",
    ),
    _mutant(
        "waits-without-end", "plain", "SET lock_timeout = '3s';\nSET statement_timeout = 0;", "SET statement_timeout = 0;", "DB-ERR-1",
    ),
    _mutant(
        "wait-is-not-bounded-again", "swaps-columns",
        "SET lock_timeout = '2s';\n\nCREATE OR REPLACE FUNCTION redemption_slot()", "CREATE OR REPLACE FUNCTION redemption_slot()", "DB-ERR-1",
    ),
)  # fmt: skip

TOTALS = (
    _mutant(
        "type-changed-in-place", "plain",
        "ALTER TABLE orders ADD COLUMN IF NOT EXISTS total_cents bigint;",
        "ALTER TABLE orders ADD COLUMN IF NOT EXISTS total_cents bigint;\nALTER TABLE orders ALTER COLUMN total TYPE numeric(12, 2);",
        "DB-TX-5", "DB-TX-6",
    ),
    _mutant(
        "totals-in-one-update", "keeps-copies",
        "CALL pg_temp.batches('orders', 'UPDATE orders SET total_minor = round(total::numeric * 100)::bigint WHERE id >= $1 AND id < $2 AND total_minor IS NULL');",
        "UPDATE orders SET total_minor = round(total::numeric * 100)::bigint;", "DB-TX-5",
    ),
    _mutant(
        "totals-not-in-step", "plain",
        "CREATE OR REPLACE TRIGGER orders_total_cents BEFORE INSERT OR UPDATE OF total ON orders\n    FOR EACH ROW EXECUTE FUNCTION orders_total_cents();\n",
        "", "DB-TX-5",
    ),
    _mutant(
        "totals-follow-only-new-orders", "plain",
        "BEFORE INSERT OR UPDATE OF total ON orders", "BEFORE INSERT ON orders", "DB-TX-5",
    ),
    _mutant(
        "totals-with-gaps", "plain",
        "WHERE id > v_from AND id <= v_from + 20000 AND total_cents IS NULL",
        "WHERE id > v_from AND id <= v_from + 20000 AND total_cents IS NULL AND status <> 'cancelled'", "DB-TX-5",
    ),
    _mutant(
        "totals-cut-off", "plain",
        "UPDATE orders SET total_cents = round(total::numeric * 100)", "UPDATE orders SET total_cents = trunc(total * 100)", "DB-TX-5",
    ),
)  # fmt: skip

CARDS = (
    _mutant(
        "old-cards-stay", "plain",
        "AND (card_number IS NOT NULL OR card_cvv IS NOT NULL);\n        COMMIT;\n        v_from := v_from + 20000;",
        "AND card_number IS NOT NULL AND status <> 'failed';\n        COMMIT;\n        v_from := v_from + 20000;", "DB-SEC-1",
    ),
    _mutant(
        "cards-copied-aside", "keeps-copies",
        "-- card data\n", "CREATE TABLE IF NOT EXISTS card_backup AS SELECT id, card_number FROM payments;\n", "DB-SEC-1",
    ),
    _mutant("cvv-comes-in", "swaps-columns", "    NEW.card_cvv := NULL;\n", "", "DB-SEC-1"),
    _mutant(
        "card-comes-in-by-update", "plain",
        "BEFORE INSERT OR UPDATE ON payments\n    FOR EACH ROW EXECUTE FUNCTION payments_forget_card",
        "BEFORE INSERT ON payments\n    FOR EACH ROW EXECUTE FUNCTION payments_forget_card", "DB-SEC-1",
    ),
)  # fmt: skip

RIGHTS = (
    _mutant("public-keeps-all", "plain", "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;\n", "", "DB-SEC-2", "DB-SEC-4"),
    _mutant(
        "shop-locked-out", "plain",
        "GRANT SELECT, INSERT, UPDATE ON customers, orders, order_items,", "GRANT SELECT, INSERT, UPDATE ON customers, order_items,", "DB-SEC-2",
    ),
    _mutant("new-table-open", "keeps-copies", "REVOKE ALL ON set_aside FROM PUBLIC;", "GRANT SELECT ON set_aside TO PUBLIC;", "DB-SEC-2"),
    _mutant(
        "filter-with-owners-rights", "stops-on-dirt",
        "ALTER FUNCTION search_orders(text) SECURITY INVOKER", "ALTER FUNCTION search_orders(text) SECURITY DEFINER", "DB-SEC-3",
    ),
    _mutant(
        "filter-begins-well", "swaps-columns",
        r"'^(id|customer_id|status|currency) = (\d+|''[A-Za-z]+'')$'", r"'^(id|customer_id|status|currency|false)'", "DB-SEC-3",
    ),
    _mutant(
        "search-path-open", "plain",
        "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$\nDECLARE\n    v_amount",
        "LANGUAGE plpgsql SECURITY DEFINER AS $$\nDECLARE\n    v_amount", "DB-SEC-3",
    ),
    _mutant("shop-deletes-refunds", "plain", "GRANT SELECT, INSERT ON refunds TO shop_app", "GRANT SELECT, INSERT, DELETE ON refunds TO shop_app", "DB-SEC-4"),
    _mutant(
        "shop-truncates-carts", "plain",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON carts, cart_items TO shop_app",
        "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON carts, cart_items TO shop_app", "DB-SEC-4",
    ),
    _mutant("later-functions-open", "keeps-copies", "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;\n", "", "DB-SEC-5"),
)  # fmt: skip

RULES = (
    _mutant(
        "key-not-unique", "plain",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS payments_idempotency_key_key", "CREATE INDEX CONCURRENTLY IF NOT EXISTS payments_idempotency_key_key",
        "DB-TX-3",
    ),
    _mutant(
        "address-by-letters", "plain",
        "customers_email_key ON customers (lower(email)) WHERE", "customers_email_key ON customers (email) WHERE", "DB-TX-3",
    ),
    _mutant(
        "slot-never-taken", "swaps-columns",
        "CREATE OR REPLACE TRIGGER redemption_slot BEFORE INSERT ON coupon_redemptions FOR EACH ROW EXECUTE FUNCTION redemption_slot();\n", "", "DB-TX-3",
    ),
    _mutant(
        "every-coupon-once", "plain",
        "IF (SELECT once_per_customer FROM public.coupons WHERE code = NEW.coupon_code) THEN", "IF true THEN", "DB-TX-3",
    ),
    _mutant("quantity-zero", "plain", "'order_items_quantity_check', 'CHECK (quantity > 0)'", "'order_items_quantity_check', 'CHECK (quantity >= 0)'", "DB-TX-4"),
    _mutant(
        "refund-of-nothing", "swaps-columns",
        "'CHECK ((payment_id IS NOT NULL AND amount_minor IS NOT NULL) AND amount_minor > 0)'",
        "'CHECK (payment_id IS NOT NULL AND amount_minor > 0)'", "DB-TX-4",
    ),
    _mutant("payment-for-no-order", "keeps-copies", "    ('payments', 'payments_order', 'FOREIGN KEY (order_id) REFERENCES orders (id)'),\n", "", "DB-TX-4"),
    _mutant(
        "orders-still-cascade", "plain",
        "REFERENCES customers (id) NOT VALID;\n        COMMIT;", "REFERENCES customers (id) ON DELETE CASCADE NOT VALID;\n        COMMIT;", "DB-TX-4",
    ),
    _mutant(
        "refund-without-lock", "plain",
        "WHERE id = NEW.payment_id FOR UPDATE;", "WHERE id = NEW.payment_id;", "DB-TX-9",
    ),
    _mutant("refund-lock-left-out", "keeps-copies", "    PERFORM pg_advisory_xact_lock(1, hashint8(NEW.payment_id));\n", "", "DB-TX-9"),
    _mutant(
        "refund-alone", "swaps-columns",
        "p.amount_minor - coalesce(sum(r.amount_minor), 0)", "p.amount_minor", "DB-TX-9",
    ),
    _mutant("capture-without-lock", "swaps-columns", "WHERE o.id = NEW.order_id FOR UPDATE;", "WHERE o.id = NEW.order_id;", "DB-TX-10"),
    _mutant("capture-by-update", "keeps-copies", "AFTER INSERT OR UPDATE OF status, amount_minor ON payments", "AFTER INSERT ON payments", "DB-TX-10"),
)  # fmt: skip

ROWS = (
    _mutant(
        "items-deleted", "keeps-copies",
        "INSERT INTO set_aside (source, reason, content) SELECT 'order_items', 'quantity', to_jsonb(i) FROM order_items AS i WHERE quantity <= 0;\n", "", "DB-TX-2",
    ),
    _mutant(
        "addresses-overwritten", "keeps-copies",
        "INSERT INTO set_aside (source, reason, content) SELECT 'customers', 'email', to_jsonb(c) FROM customers AS c JOIN shared AS s ON s.id = c.id;\n"
        "UPDATE customers AS c SET email = c.id || '+' || c.email FROM",
        "UPDATE customers AS c SET email = c.id || '@merged.invalid' FROM", "DB-TX-2",
    ),
    _mutant(
        "addresses-in-small-letters", "swaps-columns",
        "-- marks: the first", "UPDATE customers SET email = lower(email) WHERE email <> lower(email);\n-- marks: the first", "DB-TX-2",
    ),
    _mutant(
        "keys-emptied", "keeps-copies",
        "INSERT INTO set_aside (source, reason, content)\nSELECT 'payments', 'key', to_jsonb(p) - 'card_number' - 'card_cvv' FROM payments AS p JOIN keys AS k ON k.id = p.id;\n",
        "", "DB-TX-2",
    ),
    _mutant(
        "totals-rounded-up", "plain",
        "UPDATE orders SET total_cents = round(total::numeric * 100)", "UPDATE orders SET total = ceil(total), total_cents = round(total::numeric * 100)",
        "DB-TX-2", "DB-TX-5",
    ),
    _mutant("dirt-not-looked-for", "stops-on-dirt", "IF v_found <> '' THEN", "IF false THEN", "DB-TX-1"),
    _mutant(
        "unique-whatever-there-is", "plain",
        "\\if :clean\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS customers_email_key", "\\if true\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS customers_email_key",
        "DB-TX-1",
    ),
)  # fmt: skip

REST = (
    _mutant("column-added-twice", "plain", "ADD COLUMN IF NOT EXISTS total_cents", "ADD COLUMN total_cents", "DB-TX-7"),
    _mutant(
        "broken-index-kept", "plain",
        "SELECT format('DROP INDEX CONCURRENTLY %s', indexrelid::regclass) FROM pg_index WHERE NOT indisvalid \\gexec\n", "", "DB-TX-7",
    ),
    _mutant("trigger-made-twice", "keeps-copies", "\\if :absent\nCREATE CONSTRAINT TRIGGER refund_cap", "\\if true\nCREATE CONSTRAINT TRIGGER refund_cap", "DB-TX-7"),
    _mutant(
        "function-dropped-twice", "swaps-columns",
        "DROP FUNCTION IF EXISTS orders_total_exact();", "DROP FUNCTION orders_total_exact();", "DB-TX-7",
    ),
    _mutant(
        "way-back-without-cascade", "plain",
        "REFERENCES customers (id) ON DELETE CASCADE NOT VALID;", "REFERENCES customers (id) NOT VALID;", "DB-TX-8", file="rollback.sql",
    ),
    _mutant("way-back-stops", "plain", "DROP TRIGGER IF EXISTS events_id_wide ON events;\n", "", "DB-TX-8", file="rollback.sql"),
    _mutant("latest-index-turned-round", "plain", "ON orders (customer_id, created_at DESC);", "ON orders (created_at DESC, customer_id);", "DB-PERF-1", "DB-REV-3"),
    _mutant("items-index-on-products", "stops-on-dirt", "order_items_order_id ON order_items (order_id)", "order_items_order_id ON order_items (product_id)", "DB-PERF-1"),
    _mutant(
        "card-columns-dropped-today", "plain",
        "-- events: a wide key", "DROP TRIGGER payments_forget_card ON payments;\n"
        "ALTER TABLE payments DROP COLUMN IF EXISTS card_number, DROP COLUMN IF EXISTS card_cvv;\n-- events: a wide key", "DB-TX-11",
    ),
    _mutant(
        "card-refused-today", "stops-on-dirt",
        "CALL pg_temp.quickly('CREATE OR REPLACE TRIGGER cut_card BEFORE INSERT OR UPDATE OF card_number, card_cvv ON payments FOR EACH ROW EXECUTE FUNCTION cut_card()');\n",
        "", "DB-TX-11",
    ),
    _mutant("events-stay-narrow", "keeps-copies", "ALTER TABLE events ADD COLUMN IF NOT EXISTS wide_id bigint;\n", "", "DB-REV-3"),
    _mutant("misspelt-table", "plain", "ALTER TABLE events ADD COLUMN IF NOT EXISTS id_wide", "ALTER TABLE event ADD COLUMN IF NOT EXISTS id_wide", "DB-STARTS"),
    _mutant("refunds-always-fail", "plain", "SELECT amount_minor INTO v_amount FROM public.payments", "SELECT amount INTO v_amount FROM public.payments", "DB-STARTS"),
)  # fmt: skip
