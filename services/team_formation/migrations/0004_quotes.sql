-- Prices that pricing promises to one member.

ALTER TABLE campaigns
    ADD COLUMN coupon_order text NOT NULL DEFAULT 'AFTER_TIER' CHECK (coupon_order IN ('AFTER_TIER', 'BEFORE_TIER'));
