-- Notification: how members are reached, a copy of teams and seats, and deliveries with their attempts.

-- How a member can be reached. Of a platform, not of a campaign: the same member joins many.
CREATE TABLE members (
    platform_id uuid        NOT NULL,
    member_id   text        NOT NULL,          -- the platform's opaque id
    language    text        NOT NULL,          -- BCP 47, or empty for the campaign's
    time_zone   text        NOT NULL,          -- IANA, or empty for the campaign's
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (platform_id, member_id)
);

-- In the order they are tried. The only place with addresses: none is in a log, an event or another table.
CREATE TABLE contact_points (
    platform_id uuid     NOT NULL,
    member_id   text     NOT NULL,
    position    smallint NOT NULL,             -- from 0
    contact_id  uuid     NOT NULL,             -- of member, channel and address: stays while they do
    channel     text     NOT NULL,
    address     text     NOT NULL,
    PRIMARY KEY (platform_id, member_id, position),
    FOREIGN KEY (platform_id, member_id) REFERENCES members
);

-- The copy of teams: what messages state of them. Version 0 is a team whose opening was not seen yet.
CREATE TABLE teams (
    campaign_id  uuid   NOT NULL,
    team_id      uuid   NOT NULL,
    platform_id  uuid   NOT NULL,
    version      bigint NOT NULL DEFAULT 0,    -- of the last event applied
    state        text   NOT NULL DEFAULT 'UNKNOWN'
        CHECK (state IN ('UNKNOWN', 'FORMING', 'TIPPED', 'FORMED', 'FAILED')),
    fill         bigint NOT NULL DEFAULT 0,    -- confirmed, counted as the minimum is
    fill_version bigint NOT NULL DEFAULT 0,    -- version at which the confirmed fill last changed
    texts        jsonb,                        -- [[language, title], ...]; null, like the rest, until opened
    seller       text,
    checkout_url text,
    time_zone    text,
    payment_mode text CHECK (payment_mode IN ('COMMIT', 'HOLD', 'PREPAID', 'PAY_ON_DELIVERY')),
    counted_in   text CHECK (counted_in IN ('MEMBERS', 'UNITS')),
    minimum      bigint,
    currency     text,
    ends_at      timestamptz,
    PRIMARY KEY (campaign_id, team_id),
    CHECK ((version = 0) = (texts IS NULL))
);

-- The copy of seats. A team that failed released its confirmed seats; the team's state says so for all of them.
CREATE TABLE seats (
    campaign_id       uuid        NOT NULL,
    team_id           uuid        NOT NULL,
    seat_id           uuid        NOT NULL,
    platform_id       uuid        NOT NULL,
    member_id         text        NOT NULL,
    sku               text        NOT NULL,
    quantity          bigint      NOT NULL,
    role              text        NOT NULL CHECK (role IN ('LEADER', 'MEMBER')),
    cap               bigint      NOT NULL,    -- most one unit is ever charged, minor units
    state             text        NOT NULL CHECK (state IN ('HELD', 'CONFIRMED', 'RELEASED')),
    hold_until        timestamptz NOT NULL,
    confirmed_version bigint,                  -- the team's version from which the seat counts
    released_version  bigint,                  -- the team's version from which it does not
    PRIMARY KEY (campaign_id, team_id, seat_id)
);

-- Events whose messages are not all made: waiting until the copy of the team has reached the event's version (the event
-- came by another topic), or ready, and then worked off in chunks because they concern many members.
CREATE TABLE fanout_jobs (
    campaign_id  uuid        NOT NULL,
    team_id      uuid        NOT NULL,
    topic        text        NOT NULL,
    sequence     bigint      NOT NULL,         -- of the event in its topic
    platform_id  uuid        NOT NULL,
    team_version bigint      NOT NULL,         -- the version it was computed at
    value        bytea       NOT NULL,         -- the event's envelope, as it came
    ready        boolean     NOT NULL,
    after_seat   uuid,                         -- messages are made for seats up to this one
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, team_id, topic, sequence)
);
CREATE INDEX fanout_jobs_ready ON fanout_jobs (created_at) WHERE ready;
CREATE INDEX fanout_jobs_waiting ON fanout_jobs (created_at) WHERE NOT ready;

-- One message to one member for one cause.
CREATE TABLE deliveries (
    campaign_id    uuid        NOT NULL,
    delivery_id    uuid        NOT NULL,       -- UUIDv5 of cause, member and kind
    platform_id    uuid        NOT NULL,
    team_id        uuid        NOT NULL,
    seat_id        uuid        NOT NULL,
    member_id      text        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('JOINED', 'PRICE_FELL', 'PRICE_ROSE', 'ONE_MISSING', 'TIPPED',
                                                        'UNTIPPED', 'FORMED', 'FAILED', 'LEFT', 'LATE_PAYMENT')),
    cause_event_id uuid        NOT NULL,       -- the event that it was made from
    team_version   bigint      NOT NULL,
    language       text        NOT NULL,       -- of the text, BCP 47
    subject        text        NOT NULL,
    body           text        NOT NULL,
    created_at     timestamptz NOT NULL,       -- when it was written down, machine's time
    state          text        NOT NULL
        CHECK (state IN ('PENDING', 'SENT', 'REFUSED', 'SUPPRESSED', 'SUPERSEDED', 'DEAD')),
    reason         text        NOT NULL DEFAULT '',
    ended_at       timestamptz,
    channel        text        NOT NULL,       -- of the next attempt while pending, of the last after
    attempts       integer     NOT NULL DEFAULT 0,
    due_at         timestamptz NOT NULL,       -- no attempt before
    claim_id       uuid,                       -- the attempt in flight, if any
    claimed_until  timestamptz,                -- when its sender is believed dead
    PRIMARY KEY (campaign_id, delivery_id),
    UNIQUE (platform_id, campaign_id, cause_event_id, member_id, kind),
    CHECK ((state = 'PENDING') = (ended_at IS NULL))
);
CREATE INDEX deliveries_due ON deliveries (channel, due_at) WHERE state = 'PENDING';
CREATE INDEX deliveries_of_platform ON deliveries (platform_id, created_at, delivery_id);
CREATE INDEX deliveries_of_team ON deliveries (campaign_id, team_id, created_at, delivery_id);
CREATE INDEX deliveries_of_member ON deliveries (platform_id, member_id, created_at, delivery_id);
CREATE INDEX deliveries_prices ON deliveries (campaign_id, team_id, member_id, team_version)
    WHERE kind IN ('PRICE_FELL', 'PRICE_ROSE', 'ONE_MISSING');

-- Each try to send, recorded after it was made.
CREATE TABLE attempts (
    campaign_id  uuid        NOT NULL,
    delivery_id  uuid        NOT NULL,
    number       integer     NOT NULL,         -- from 1
    platform_id  uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    channel      text        NOT NULL,
    attempted_at timestamptz NOT NULL,
    outcome      text        NOT NULL CHECK (outcome IN ('sent', 'retry', 'refused', 'misconfigured')),
    provider_id  text        NOT NULL,
    detail       text        NOT NULL,         -- what the channel said, without addresses
    PRIMARY KEY (campaign_id, delivery_id, number),
    FOREIGN KEY (campaign_id, delivery_id) REFERENCES deliveries
);
