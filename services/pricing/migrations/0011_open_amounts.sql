-- What was told about a payment says how much was open then: units that are given back later make it less.

ALTER TABLE payment_facts ADD COLUMN amount bigint CHECK (amount > 0);
UPDATE payment_facts AS f SET amount = a.amount
FROM awaited_payments AS a WHERE a.campaign_id = f.campaign_id AND a.line_id = f.line_id;
ALTER TABLE payment_facts ALTER COLUMN amount SET NOT NULL;

-- Payments of a platform whose clock is ahead are found by its own time.
CREATE INDEX awaited_payments_of_platform ON awaited_payments (platform_id, next_at) WHERE state = 'OPEN';
