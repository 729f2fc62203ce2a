-- What keys may do and what they are called, why a platform or a merchant is suspended, and when keys were used.

ALTER TABLE platform_keys
    ADD COLUMN scopes     text[],                    -- admin, campaigns, members, read; null for all: keys of 0.1.0
    ADD COLUMN label      text NOT NULL DEFAULT '',
    ADD COLUMN created_at timestamptz;               -- null for keys of 0.1.0

ALTER TABLE platforms ADD COLUMN suspension_reason text NOT NULL DEFAULT '';

-- Merchants of whom nobody opens or joins teams, and no campaigns are made, for now.
CREATE TABLE suspended_merchants (
    platform_id uuid        NOT NULL REFERENCES platforms,
    merchant_id text        NOT NULL,
    reason      text        NOT NULL,                -- shown to everybody
    since       timestamptz NOT NULL,
    PRIMARY KEY (platform_id, merchant_id)
);

-- When each key was last seen by this service, to the minute or so. No foreign key: a key that is gone was used all the same,
-- and whoever notes a use must never wait for whoever changes keys.
CREATE TABLE key_uses (
    platform_id  uuid        NOT NULL,
    key_id       text        NOT NULL,
    last_used_at timestamptz NOT NULL,               -- the machine's time
    PRIMARY KEY (platform_id, key_id)
);
