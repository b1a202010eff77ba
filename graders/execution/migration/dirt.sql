-- What six years leave behind: rows that break the rules a careful migration wants to add.
UPDATE customers SET email = 'twin' || id % 5 || '@example.org' WHERE id <= 400 AND deleted_at IS NULL;
UPDATE customers SET email = upper(email) WHERE id <= 200;
UPDATE payments SET order_id = 90000000 + id WHERE id BETWEEN 100000 AND 100600;
UPDATE payments SET idempotency_key = 'key-again-' || id % 100 WHERE id BETWEEN 200000 AND 201000;
UPDATE payments SET provider_ref = 'ref-again-' || id % 60 WHERE id BETWEEN 210000 AND 210500;
UPDATE payments SET status = 'captured' WHERE id > 449000;
UPDATE order_items SET quantity = 0 WHERE id BETWEEN 300000 AND 300200;
UPDATE order_items SET quantity = -2 WHERE id BETWEEN 310000 AND 310200;
UPDATE stock SET quantity = -3 WHERE product_id <= 100;
UPDATE refunds SET amount_minor = NULL WHERE id BETWEEN 1000 AND 1100;
UPDATE refunds SET payment_id = NULL WHERE id BETWEEN 2000 AND 2100;
UPDATE refunds SET amount_minor = -500 WHERE id BETWEEN 3000 AND 3100;
UPDATE refunds SET amount_minor = amount_minor * 9 WHERE id BETWEEN 4000 AND 4100;
INSERT INTO coupon_redemptions SELECT coupon_code, customer_id, order_id, redeemed_at + interval '1 hour' FROM coupon_redemptions
 WHERE order_id <= 400;
INSERT INTO coupon_redemptions SELECT coupon_code, customer_id, order_id + 20, redeemed_at + interval '2 hours' FROM coupon_redemptions
 WHERE order_id BETWEEN 1000 AND 1400;
ANALYZE;
