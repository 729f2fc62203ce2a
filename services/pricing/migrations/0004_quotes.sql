-- What a quote needs to know of a campaign before it has a team.

-- Campaigns as of the last event seen. Whether one runs follows from its times, which `state` is only as of that event:
-- DRAFT, PAUSED and CANCELLED last until the next one.
CREATE TABLE campaigns (
    campaign_id    uuid        NOT NULL,
    platform_id    uuid        NOT NULL,
    merchant_id    text        NOT NULL,
    version        bigint      NOT NULL,         -- of the last event seen
    ladder_version bigint      NOT NULL,         -- for teams opened now; its table is in price_tables
    currency       text        NOT NULL,         -- ISO 4217
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    state          text        NOT NULL CHECK (state IN ('DRAFT', 'SCHEDULED', 'RUNNING', 'PAUSED', 'ENDED', 'CANCELLED')),
    coupon_order   text        NOT NULL CHECK (coupon_order IN ('AFTER_TIER', 'BEFORE_TIER')),
    PRIMARY KEY (campaign_id)
) WITH (fillfactor = 70);

ALTER TABLE seats
    ADD COLUMN own_steps      jsonb,                           -- [[threshold, unit price], ...] of a quote with a coupon
    ADD COLUMN cap_from_quote boolean NOT NULL DEFAULT false;  -- the cap is a quote's promise, lower than the price was
