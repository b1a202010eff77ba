-- Rows of a shop that has traded for six years, the same at every run. Nothing here breaks a rule that a sound
-- migration adds; `dirt.sql` does. Ids lie 10 apart, so that batches over ranges of ids stay batches on few rows.
SET TIME ZONE 'UTC';
SELECT setseed(0.5);

INSERT INTO countries SELECT c, 'Country ' || c FROM unnest(ARRAY['DE', 'FR', 'NL', 'PL', 'SE', 'US']) AS c;

INSERT INTO customers (id, email, password, full_name, birth_date, country_code, created_at, deleted_at)
OVERRIDING SYSTEM VALUE
SELECT i * 10, CASE WHEN i % 7 = 0 THEN 'Customer' ELSE 'customer' END || i || '@example.org', md5('a' || i) || md5('b' || i),
       'Customer ' || i, date '1960-01-01' + i, (ARRAY['DE', 'FR', 'NL', 'PL', 'SE', 'US'])[1 + i % 6],
       timestamptz '2019-01-01 08:00+00' + i * interval '8 hours',
       CASE WHEN i % 50 = 0 THEN timestamptz '2024-06-01 00:00+00' + i * interval '1 minute' END
FROM generate_series(1, 5000) AS i;

INSERT INTO products (id, sku, title, price, updated_at)
OVERRIDING SYSTEM VALUE
SELECT i * 10, 'SKU-' || i, 'Product ' || i, (i * 137 % 20000 + 99) / 100.0, timestamptz '2024-01-01 00:00+00'
FROM generate_series(1, 500) AS i;
INSERT INTO stock SELECT i * 10, i * 7 % 90 + 5 FROM generate_series(1, 500) AS i;

INSERT INTO carts (id, customer_id, status, created_at)
OVERRIDING SYSTEM VALUE
SELECT i * 10, i * 10, (ARRAY['open', 'ordered', 'abandoned'])[1 + i % 3], timestamptz '2024-02-01 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 3000) AS i;
INSERT INTO cart_items SELECT i * 10, (i % 500 + 1) * 10, 1 + i % 4 FROM generate_series(1, 3000) AS i;

-- the last 100 orders have no items
INSERT INTO orders (id, customer_id, total, status, created_at)
OVERRIDING SYSTEM VALUE
SELECT i * 10, (i * 7 % 5000 + 1) * 10,
       -- two prices of a till, added as floats: 0.1 + 0.2 is not 0.3
       (i * 31 % 9000)::double precision / 100 + (i * 17 % 70 + 1)::double precision / 10,
       (ARRAY['paid', 'shipped', 'new', 'cancelled'])[1 + i % 4], timestamp '2019-01-01 09:00' + i * interval '2 hours'
FROM generate_series(1, 20000) AS i;
INSERT INTO order_items (id, order_id, product_id, quantity, unit_price)
OVERRIDING SYSTEM VALUE
SELECT i * 10, (i % 19900 + 1) * 10, (i % 500 + 1) * 10, 1 + i % 3, (i * 137 % 20000 + 99) / 100.0
FROM generate_series(1, 60000) AS i;

-- one payment an order that is captured; some orders with a failed attempt before
INSERT INTO payments (id, order_id, provider_ref, idempotency_key, amount_minor, currency, card_token, card_last4, card_number,
                      card_cvv, status, created_at)
OVERRIDING SYSTEM VALUE
SELECT i * 10, o.id, 'ref-' || i, CASE WHEN i % 10 > 0 THEN 'key-' || i END, greatest(1, round(o.total * 100)), 'EUR', 'tok_' || md5(i::text),
       lpad((i % 10000)::text, 4, '0'), CASE WHEN i % 3 = 0 THEN '49998877' || lpad(i::text, 8, '0') END,
       CASE WHEN i % 3 = 0 THEN lpad((i % 1000)::text, 3, '0') END, CASE WHEN i <= 20000 THEN 'captured' ELSE 'failed' END,
       o.created_at AT TIME ZONE 'UTC' + interval '3 minutes'
FROM generate_series(1, 22500) AS i JOIN orders AS o ON o.id = CASE WHEN i <= 20000 THEN i ELSE (i - 20000) * 7 END * 10;

INSERT INTO refunds (id, payment_id, amount_minor, reason, created_at)
OVERRIDING SYSTEM VALUE
SELECT i * 10, p.id, greatest(1, p.amount_minor / 4), 'returned', p.created_at + interval '9 days'
FROM generate_series(1, 1000) AS i JOIN payments AS p ON p.id = i * 120;

INSERT INTO coupons SELECT 'ONCE-' || i, 10, true FROM generate_series(1, 20) AS i;
INSERT INTO coupons SELECT 'MANY-' || i, 5, false FROM generate_series(1, 5) AS i;
INSERT INTO coupon_redemptions (coupon_code, customer_id, order_id, redeemed_at)
SELECT CASE WHEN i % 10 = 0 THEN 'MANY-1' ELSE 'ONCE-' || (i / 5000 + 1) END, o.customer_id, o.id,
       o.created_at AT TIME ZONE 'UTC' + i * interval '1 microsecond'
FROM generate_series(1, 2000) AS i JOIN orders AS o ON o.id = i * 10;

INSERT INTO events (id, customer_id, kind, body, created_at)
SELECT i * 10, (i % 5000 + 1) * 10, (ARRAY['login', 'view', 'order'])[1 + i % 3], jsonb_build_object('n', i),
       timestamptz '2024-01-01 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 20000) AS i;

SELECT setval(pg_get_serial_sequence(t, 'id'), 225000)
FROM unnest(ARRAY['customers', 'products', 'carts', 'orders', 'payments', 'refunds', 'events']) AS t;
SELECT setval(pg_get_serial_sequence('order_items', 'id'), 600000);
ANALYZE;
