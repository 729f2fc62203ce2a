-- Campaigns of merchants that are suspended: each knows why, so that whoever has the campaign has that too.

ALTER TABLE campaigns ADD COLUMN suspension_reason text NOT NULL DEFAULT '';   -- empty while its merchant is not suspended

CREATE INDEX campaigns_of_merchant ON campaigns (platform_id, merchant_id, campaign_id);

-- Merchants whose suspension began or ended, until all their campaigns know it.
CREATE TABLE merchant_sweeps (
    platform_id uuid   NOT NULL,
    merchant_id text   NOT NULL,
    number      bigint NOT NULL DEFAULT 1,           -- of changes: one that came meanwhile has it looked at once more
    PRIMARY KEY (platform_id, merchant_id)
);
