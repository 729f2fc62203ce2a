-- Signs of abuse: what campaigns say about them, tags of joins, joins per invite, and seats that are marked.

ALTER TABLE campaigns ADD COLUMN abuse_rules jsonb NOT NULL DEFAULT '[]';  -- [{signal, action, limit, within}], in microseconds
ALTER TABLE seats ADD COLUMN flags text NOT NULL DEFAULT '';               -- signals, with spaces between

-- By which device and address seats were taken, in campaigns that have a rule for it.
CREATE TABLE seat_tags (
    campaign_id uuid        NOT NULL,
    seat_id     uuid        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('DEVICE', 'ADDRESS')),
    platform_id uuid        NOT NULL,
    mark        bytea       NOT NULL,            -- HMAC of platform, kind and tag
    taken_at    timestamptz NOT NULL,
    number      bigint      NOT NULL DEFAULT 0,  -- counts seats of a mark where joins are refused by it; 0: it was not counted
    PRIMARY KEY (campaign_id, seat_id, kind)
);
CREATE INDEX seat_tags_by_mark ON seat_tags (campaign_id, kind, mark, taken_at);
-- Two transactions that take a seat by the same mark meet here: the second is decided again, and then counts the first.
CREATE UNIQUE INDEX seat_tags_one_by_one ON seat_tags (campaign_id, kind, mark, number) WHERE number > 0;
CREATE INDEX seat_tags_old ON seat_tags (taken_at);

-- How many seats were taken by invites, a row for each batch, in campaigns that have a rule for it.
CREATE TABLE invite_rates (
    campaign_id uuid        NOT NULL,
    invite_id   uuid        NOT NULL,
    taken_at    timestamptz NOT NULL,
    platform_id uuid        NOT NULL,
    joins       bigint      NOT NULL,
    PRIMARY KEY (campaign_id, invite_id, taken_at)
);
CREATE INDEX invite_rates_old ON invite_rates (taken_at);
