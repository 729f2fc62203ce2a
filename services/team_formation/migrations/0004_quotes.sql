-- Prices that pricing promises to one member.

ALTER TABLE campaigns
    ADD COLUMN coupon_order text NOT NULL DEFAULT 'AFTER_TIER' CHECK (coupon_order IN ('AFTER_TIER', 'BEFORE_TIER'));

ALTER TABLE seats
    ADD COLUMN quote_id uuid,                 -- what it was taken with, if anything; good once
    ADD COLUMN quote    text;                 -- what was promised, as JSON: store/quotes.py reads it
CREATE UNIQUE INDEX seats_quote_once ON seats (campaign_id, quote_id) WHERE quote_id IS NOT NULL;
