-- Floor and reference prices of price tables. Tables that were stored before have neither, and stay as they are.

ALTER TABLE price_steps
    ADD COLUMN floor_price bigint NOT NULL DEFAULT 0 CHECK (floor_price >= 0);   -- minor units; 0: the row has no floor

ALTER TABLE price_tables
    ADD COLUMN reference_prices jsonb NOT NULL DEFAULT '[]';                     -- [{sku, unit_price, kind}]; shown, never charged
