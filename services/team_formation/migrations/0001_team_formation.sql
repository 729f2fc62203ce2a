-- Campaigns, teams, seats and invites. campaign_id is in every primary key, so that the tables can be distributed by it.

CREATE TABLE campaigns (
    campaign_id   uuid PRIMARY KEY,
    platform_id   uuid        NOT NULL,
    merchant_id   text        NOT NULL,
    external_ref  text        NOT NULL,          -- the platform's own id, or empty
    currency      text        NOT NULL,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    terms_version bigint      NOT NULL,          -- for teams opened from now on
    presentation  jsonb       NOT NULL,
    sequence      bigint      NOT NULL,          -- of its events
    created_at    timestamptz NOT NULL,
    CHECK (ends_at > starts_at)
);

-- Rules, items and prices at one version; never changed. A team keeps the version it opened with.
CREATE TABLE campaign_terms (
    campaign_id        uuid    NOT NULL REFERENCES campaigns,
    terms_version      bigint  NOT NULL,
    platform_id        uuid    NOT NULL,
    payment_mode       text    NOT NULL CHECK (payment_mode IN ('COMMIT', 'HOLD', 'PREPAID', 'PAY_ON_DELIVERY')),
    counted_in         text    NOT NULL CHECK (counted_in IN ('MEMBERS', 'UNITS')),
    minimum            bigint  NOT NULL CHECK (minimum >= 1),
    maximum            bigint  NOT NULL,
    hold_lifetime      interval NOT NULL,
    team_lifetime      interval NOT NULL,
    close_when_full    boolean NOT NULL,
    max_units_per_seat bigint  NOT NULL,
    leave_until        text    NOT NULL CHECK (leave_until IN ('TIPPED', 'ENDED', 'NEVER')),
    items              jsonb   NOT NULL,         -- [{sku, list_price}]
    tiers              jsonb   NOT NULL,         -- the ladder
    price_table        jsonb   NOT NULL,         -- the ladder compiled
    PRIMARY KEY (campaign_id, terms_version),
    CHECK (maximum >= minimum)
);

CREATE TABLE teams (
    campaign_id       uuid        NOT NULL,
    team_id           uuid        NOT NULL,
    platform_id       uuid        NOT NULL,
    terms_version     bigint      NOT NULL,
    state             text        NOT NULL CHECK (state IN ('FORMING', 'TIPPED', 'FORMED', 'FAILED')),
    version           bigint      NOT NULL,      -- one more with each event
    confirmed_members bigint      NOT NULL,
    confirmed_units   bigint      NOT NULL,
    held_members      bigint      NOT NULL,
    held_units        bigint      NOT NULL,
    opened_at         timestamptz NOT NULL,
    ends_at           timestamptz NOT NULL,
    due_at            timestamptz NOT NULL,      -- no later than its end and the first hold to run out
    ended_at          timestamptz,
    opener_member_id  text        NOT NULL,
    external_ref      text        NOT NULL,
    PRIMARY KEY (campaign_id, team_id)
) WITH (fillfactor = 70);

-- Finds what is due; cost follows what is due, not what is open.
CREATE INDEX teams_due ON teams (due_at) WHERE state IN ('FORMING', 'TIPPED');

CREATE TABLE seats (
    campaign_id       uuid        NOT NULL,
    seat_id           uuid        NOT NULL,
    team_id           uuid        NOT NULL,
    platform_id       uuid        NOT NULL,
    member_id         text        NOT NULL,
    sku               text        NOT NULL,
    quantity          bigint      NOT NULL CHECK (quantity >= 1),
    role              text        NOT NULL CHECK (role IN ('LEADER', 'MEMBER')),
    state             text        NOT NULL CHECK (state IN ('HELD', 'CONFIRMED', 'RELEASED')),
    cap               bigint      NOT NULL CHECK (cap >= 0),  -- per unit, minor units
    cap_fill          bigint      NOT NULL,      -- the fill the cap was read at
    held_at           timestamptz NOT NULL,
    hold_until        timestamptz NOT NULL,
    invite_id         uuid,
    external_ref      text        NOT NULL,
    payment_reference text        NOT NULL,      -- of its confirmation, or empty
    confirmed_at      timestamptz,
    released_at       timestamptz,
    release_reason    text CHECK (release_reason IN ('EXPIRED', 'LEFT', 'TEAM_FAILED')),
    number            bigint      NOT NULL,      -- the team's version at which it was taken: the order of seats
    sponsored         boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (campaign_id, seat_id),
    CHECK ((state = 'RELEASED') = (release_reason IS NOT NULL))
) WITH (fillfactor = 85);

CREATE UNIQUE INDEX seats_one_live_per_member ON seats (campaign_id, team_id, member_id)
    WHERE state IN ('HELD', 'CONFIRMED') AND NOT sponsored;
CREATE INDEX seats_held ON seats (campaign_id, team_id, hold_until) WHERE state = 'HELD';
CREATE INDEX seats_of_team ON seats (campaign_id, team_id, number);

-- Payments that came for a seat that could not be given, so that a repeated report is no new one.
CREATE TABLE late_payments (
    campaign_id       uuid        NOT NULL,
    seat_id           uuid        NOT NULL,
    payment_reference text        NOT NULL,
    platform_id       uuid        NOT NULL,
    amount            bigint      NOT NULL,
    reported_at       timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, seat_id, payment_reference)
);

CREATE TABLE invites (
    campaign_id uuid        NOT NULL,
    invite_id   uuid        NOT NULL,
    team_id     uuid        NOT NULL,
    platform_id uuid        NOT NULL,
    member_id   text        NOT NULL,            -- who made it, or empty
    promoter_id text        NOT NULL,            -- who made it, or empty
    channel     text        NOT NULL,
    label       text        NOT NULL,
    note        text        NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz,
    PRIMARY KEY (campaign_id, invite_id),
    CHECK ((member_id = '') <> (promoter_id = ''))
);
CREATE INDEX invites_of_team ON invites (campaign_id, team_id);

-- Finds the invite of a code by its hash; only finds ids.
CREATE TABLE invite_codes (
    code_hash   bytea PRIMARY KEY,               -- SHA-256 of the code
    campaign_id uuid NOT NULL,
    invite_id   uuid NOT NULL
);
