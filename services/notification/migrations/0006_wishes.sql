-- What members wish: when and what they are told, where they agreed to promotions; addresses are sealed.

ALTER TABLE members
    ADD COLUMN quiet_from  time,                             -- in the member's time_zone; null, both: no quiet hours
    ADD COLUMN quiet_until time,
    ADD COLUMN muted       text[]  NOT NULL DEFAULT '{}',    -- kinds of messages
    ADD COLUMN muted_all   boolean NOT NULL DEFAULT false,   -- every kind that may be muted
    ADD COLUMN promotions  boolean NOT NULL DEFAULT false,   -- has opted in
    ADD COLUMN unsubscribed_at timestamptz,                  -- when it last followed a link; consents from before are void
    ADD CHECK ((quiet_from IS NULL) = (quiet_until IS NULL)) NOT VALID;

-- An address is sealed (services/chassis/sealing.py), for table, column, platform and contact_id. Rows of 0.1.0 are in
-- plain until the timer "sealed addresses" has sealed them. contact_id is random, and stays while channel and address do.
ALTER TABLE contact_points
    ALTER COLUMN address DROP NOT NULL,
    ADD COLUMN sealed         bytea,
    ADD COLUMN key_id         text NOT NULL DEFAULT '',      -- of the key that sealed it; empty: in plain
    ADD COLUMN consent_source text NOT NULL DEFAULT '',      -- where the member agreed to promotions; empty: nowhere
    ADD COLUMN consent_at     timestamptz,
    ADD CHECK ((address IS NULL) <> (sealed IS NULL)) NOT VALID,
    ADD CHECK ((consent_at IS NULL) = (consent_source = '')) NOT VALID;
CREATE INDEX contact_points_of_key ON contact_points (key_id, platform_id, member_id, position);

-- By when the member has to act or pay, if it has to: quiet hours never hold a message beyond that.
ALTER TABLE deliveries
    ADD COLUMN deadline timestamptz;

-- Answers to PutMember held addresses; what was asked for is in the request, whose hash is kept.
UPDATE requests SET answer = '' WHERE rpc = 'PutMember' AND NOT refused AND answer <> '';

-- How long after a message of a kind was sent to a member about a team the next one waits; a kind without row: not at all.
CREATE TABLE messaging_windows (
    platform_id uuid    NOT NULL,
    kind        text    NOT NULL,
    seconds     integer NOT NULL CHECK (seconds > 0),
    PRIMARY KEY (platform_id, kind)
);

-- Teams whose members have to be told that others joined: one row from the first join until it is told.
CREATE TABLE join_digests (
    campaign_id   uuid        NOT NULL,
    team_id       uuid        NOT NULL,
    platform_id   uuid        NOT NULL,
    since_version bigint      NOT NULL,                      -- the team's version before the first of the joins
    due_at        timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, team_id)
);
CREATE INDEX join_digests_due ON join_digests (due_at);

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_kind_check,
    ADD CONSTRAINT deliveries_kind_check
        CHECK (kind IN ('JOINED', 'PRICE_FELL', 'PRICE_ROSE', 'ONE_MISSING', 'TIPPED', 'UNTIPPED', 'FORMED', 'FAILED',
                        'LEFT', 'LATE_PAYMENT', 'WAITLISTED', 'SEAT_FREE', 'PRICED_OUT', 'WAITED_IN_VAIN', 'REDUCED',
                        'WITHDRAWN', 'DEFAULTED', 'LEADING', 'CANCELLED', 'RESCHEDULED', 'PAYMENT_CHANGED',
                        'PAYMENT_DUE', 'SOMEONE_JOINED')) NOT VALID;
