-- What was told about a payment is told again by the stream of settlements: with how the money was to come, and by when.

ALTER TABLE payment_facts
    ADD COLUMN waits_for text CHECK (waits_for IN ('PAYMENT', 'CAPTURE')),
    ADD COLUMN lapses_at timestamptz;
UPDATE payment_facts AS f SET waits_for = a.waits_for, lapses_at = a.lapses_at
FROM awaited_payments AS a WHERE a.campaign_id = f.campaign_id AND a.line_id = f.line_id;
ALTER TABLE payment_facts ALTER COLUMN waits_for SET NOT NULL, ALTER COLUMN lapses_at SET NOT NULL;
