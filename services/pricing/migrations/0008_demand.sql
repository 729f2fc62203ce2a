-- What was counted last of each campaign's demand, as groupbuy.demand.v1 says it: a view that can be emptied at any time.
CREATE TABLE demand (
    campaign_id uuid        NOT NULL PRIMARY KEY,
    platform_id uuid        NOT NULL,
    sequence    bigint      NOT NULL,            -- of the tally
    tallied_at  timestamptz NOT NULL,
    counted     bytea       NOT NULL             -- groupbuy.pricing.v1.DemandEvent
) WITH (fillfactor = 70);
