-- Channels that a platform sets up with an account of its own, and channels that rest.

-- What a platform set up. Its secrets are sealed (services/chassis/sealing.py), for table, column, platform and channel.
CREATE TABLE channel_accounts (
    platform_id uuid        NOT NULL,
    channel     text        NOT NULL,
    version     bigint      NOT NULL,          -- from 1, with each change
    settings    jsonb       NOT NULL,          -- what is no secret, by field
    secrets     bytea       NOT NULL,          -- the others: a sealed JSON object
    key_id      text        NOT NULL,          -- of the key that sealed them
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (platform_id, channel)
);
CREATE INDEX channel_accounts_of_key ON channel_accounts (key_id);

-- Channels of a platform that rest until a time: because the service asked for it, or because of a problem.
CREATE TABLE channel_pauses (
    platform_id uuid        NOT NULL,
    channel     text        NOT NULL,
    paused_until timestamptz NOT NULL,
    problem     text        NOT NULL,          -- what an operator has to mend, without addresses; empty: it asked for rest
    since       timestamptz NOT NULL,          -- of the problem's first sight
    PRIMARY KEY (platform_id, channel)
);

-- A contact point that will take nothing any more: its account was closed, or the member blocked us.
ALTER TABLE contact_points
    ADD COLUMN gone_at timestamptz,
    ADD COLUMN gone_why text NOT NULL DEFAULT '';
