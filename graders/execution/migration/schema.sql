-- Web shop, PostgreSQL 16. Prices include tax.

CREATE TABLE countries (
    code            char(2) PRIMARY KEY,
    name            text NOT NULL
);

CREATE TABLE customers (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email           varchar(255) NOT NULL,
    password        varchar(64) NOT NULL,
    full_name       text,
    birth_date      date,
    country_code    char(2) NOT NULL REFERENCES countries (code),
    created_at      timestamptz NOT NULL DEFAULT now(),
    deleted_at      timestamptz
);
CREATE INDEX customers_country_code_idx ON customers (country_code);

CREATE TABLE products (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku             text NOT NULL UNIQUE,
    title           text NOT NULL,
    price           numeric(12, 2) NOT NULL CHECK (price >= 0),
    currency        char(3) NOT NULL DEFAULT 'EUR',
    updated_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE stock (
    product_id      bigint PRIMARY KEY REFERENCES products (id),
    quantity        integer NOT NULL
);

CREATE TABLE carts (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id     bigint NOT NULL REFERENCES customers (id),
    status          text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'ordered', 'abandoned')),
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX carts_one_open_idx ON carts (customer_id) WHERE status = 'open';
CREATE INDEX carts_customer_id_idx ON carts (customer_id);

CREATE TABLE cart_items (
    cart_id         bigint NOT NULL REFERENCES carts (id) ON DELETE CASCADE,
    product_id      bigint NOT NULL REFERENCES products (id),
    quantity        integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (cart_id, product_id)
);
CREATE INDEX cart_items_product_id_idx ON cart_items (product_id);

CREATE TABLE orders (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id     bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    total           double precision NOT NULL,
    currency        char(3) NOT NULL DEFAULT 'EUR',
    status          text NOT NULL DEFAULT 'new',
    created_at      timestamp NOT NULL DEFAULT now()
);
-- the account page shows a customer's latest orders, twenty at a time
CREATE INDEX orders_created_at_idx ON orders (created_at);

CREATE TABLE order_items (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id        bigint NOT NULL REFERENCES orders (id),
    product_id      bigint NOT NULL REFERENCES products (id),
    quantity        integer NOT NULL,
    unit_price      numeric(12, 2) NOT NULL CHECK (unit_price >= 0)
);
CREATE INDEX order_items_product_id_idx ON order_items (product_id);

CREATE TABLE payments (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id        bigint NOT NULL,
    provider_ref    text,
    idempotency_key text,
    amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
    currency        char(3) NOT NULL,
    card_token      text NOT NULL,
    card_last4      char(4) NOT NULL,
    card_number     text,
    card_cvv        text,
    status          text NOT NULL CHECK (status IN ('pending', 'captured', 'failed')),
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payments_order_id_idx ON payments (order_id);
CREATE INDEX payments_provider_ref_idx ON payments (provider_ref);

CREATE TABLE refunds (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id      bigint REFERENCES payments (id),
    amount_minor    bigint,
    reason          text,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX refunds_payment_id_idx ON refunds (payment_id);

CREATE TABLE coupons (
    code            text PRIMARY KEY,
    percent_off     integer NOT NULL CHECK (percent_off BETWEEN 1 AND 100),
    once_per_customer boolean NOT NULL DEFAULT true
);

CREATE TABLE coupon_redemptions (
    coupon_code     text NOT NULL REFERENCES coupons (code),
    customer_id     bigint NOT NULL REFERENCES customers (id),
    order_id        bigint NOT NULL REFERENCES orders (id),
    redeemed_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX coupon_redemptions_order_id_idx ON coupon_redemptions (order_id);
CREATE INDEX coupon_redemptions_customer_id_idx ON coupon_redemptions (customer_id);
CREATE INDEX coupon_redemptions_coupon_code_idx ON coupon_redemptions (coupon_code);

CREATE TABLE events (
    id              serial PRIMARY KEY,          -- about 800,000 new rows a day
    customer_id     bigint REFERENCES customers (id) ON DELETE SET NULL,
    kind            text NOT NULL,
    body            jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_customer_id_idx ON events (customer_id);

CREATE FUNCTION search_orders(p_filter text) RETURNS SETOF orders
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    RETURN QUERY EXECUTE 'SELECT * FROM orders WHERE ' || p_filter;
END
$$;

-- shop_app is the role that the web servers log in with
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
