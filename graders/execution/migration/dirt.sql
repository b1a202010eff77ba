-- What six years leave behind: rows that break the rules a careful migration wants to add.
UPDATE customers SET email = 'twin' || id % 5 || '@example.org' WHERE id <= 200 AND deleted_at IS NULL;
UPDATE customers SET email = upper(email) WHERE id <= 100;
UPDATE payments SET order_id = 90000000 + id WHERE id BETWEEN 50000 AND 50300;
UPDATE payments SET idempotency_key = 'key-again-' || id % 50 WHERE id BETWEEN 100000 AND 100500;
UPDATE payments SET provider_ref = 'ref-again-' || id % 60 WHERE id BETWEEN 105000 AND 105250;
UPDATE payments SET status = 'captured' WHERE id > 224500;
UPDATE order_items SET quantity = 0 WHERE id BETWEEN 150000 AND 150100;
UPDATE order_items SET quantity = -2 WHERE id BETWEEN 155000 AND 155100;
UPDATE stock SET quantity = -3 WHERE product_id <= 50;
UPDATE refunds SET amount_minor = NULL WHERE id BETWEEN 500 AND 550;
UPDATE refunds SET payment_id = NULL WHERE id BETWEEN 1000 AND 1050;
UPDATE refunds SET amount_minor = -250 WHERE id BETWEEN 1500 AND 1550;
UPDATE refunds SET amount_minor = amount_minor * 9 WHERE id BETWEEN 2000 AND 2050;
INSERT INTO coupon_redemptions SELECT coupon_code, customer_id, order_id, redeemed_at + interval '1 hour' FROM coupon_redemptions
 WHERE order_id <= 200;
INSERT INTO coupon_redemptions SELECT coupon_code, customer_id, order_id + 10, redeemed_at + interval '2 hours' FROM coupon_redemptions
 WHERE order_id BETWEEN 500 AND 700;
ANALYZE;
