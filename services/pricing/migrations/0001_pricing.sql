-- Price tables, teams with their fill, seats, facts and settlements. campaign_id is in every primary key, so that the
-- tables can be distributed by it. Money is in minor units of the price table's currency.

-- A compiled ladder, stored once for all teams of a campaign that opened with it; never changed.
CREATE TABLE price_tables (
    campaign_id    uuid   NOT NULL,
    ladder_version bigint NOT NULL,
    platform_id    uuid   NOT NULL,
    currency       text   NOT NULL,              -- ISO 4217
    basis          text   NOT NULL CHECK (basis IN ('TEAM_MEMBERS', 'TEAM_UNITS')),
    PRIMARY KEY (campaign_id, ladder_version)
);

-- From `threshold` on, one unit of the item costs `unit_price` for the role; threshold 0 is the list price.
CREATE TABLE price_steps (
    campaign_id    uuid   NOT NULL,
    ladder_version bigint NOT NULL,
    place          bigint NOT NULL,              -- the row's place in its table, from 1
    threshold      bigint NOT NULL CHECK (threshold >= 0),
    platform_id    uuid   NOT NULL,
    sku            text   NOT NULL,
    role           text   NOT NULL CHECK (role IN ('LEADER', 'MEMBER')),
    unit_price     bigint NOT NULL CHECK (unit_price >= 0),
    tier           integer NOT NULL,             -- counted from 1; 0 is the list price
    discount_kind  text CHECK (discount_kind IN ('fixed_price', 'amount_off', 'basis_points_off')),
    discount_value bigint NOT NULL,              -- minor units or basis points; 0 without a discount
    discount_sku   text   NOT NULL,              -- the item the discount names, or empty for every item
    discount_role  text CHECK (discount_role IN ('LEADER', 'MEMBER')),
    PRIMARY KEY (campaign_id, ladder_version, place, threshold)
);

-- Teams as of the last event seen.
CREATE TABLE teams (
    campaign_id         uuid   NOT NULL,
    team_id             uuid   NOT NULL,
    platform_id         uuid   NOT NULL,
    merchant_id         text   NOT NULL,
    payment_mode        text   NOT NULL CHECK (payment_mode IN ('COMMIT', 'HOLD', 'PREPAID', 'PAY_ON_DELIVERY')),
    ladder_version      bigint NOT NULL,
    state               text   NOT NULL CHECK (state IN ('FORMING', 'TIPPED', 'FORMED', 'FAILED')),
    version             bigint NOT NULL,         -- of the last event seen
    confirmed_members   bigint NOT NULL CHECK (confirmed_members >= 0),
    confirmed_units     bigint NOT NULL CHECK (confirmed_units >= 0),
    held_members        bigint NOT NULL CHECK (held_members >= 0),
    held_units          bigint NOT NULL CHECK (held_units >= 0),
    fill                bigint NOT NULL,         -- what prices are read at; kept as it was when the team ended
    fill_version        bigint NOT NULL,         -- the version that set it
    ended_version       bigint,                  -- the version that ended the team
    price_sequence      bigint NOT NULL,         -- of the last event on groupbuy.price.v1
    settlement_sequence bigint NOT NULL,         -- of the last event on groupbuy.settlement.v1 told or promised to a job
    PRIMARY KEY (campaign_id, team_id)
) WITH (fillfactor = 70);

-- Seats as of the last event about each. A team that failed has released its confirmed seats by that one fact: their
-- rows stay CONFIRMED, as of the end's version, and the team's state says the rest.
CREATE TABLE seats (
    campaign_id       uuid   NOT NULL,
    seat_id           uuid   NOT NULL,
    team_id           uuid   NOT NULL,
    platform_id       uuid   NOT NULL,
    member_id         text   NOT NULL,
    sku               text   NOT NULL,
    role              text   NOT NULL CHECK (role IN ('LEADER', 'MEMBER')),
    quantity          bigint NOT NULL CHECK (quantity >= 1),
    cap               bigint NOT NULL CHECK (cap >= 0),      -- per unit; agreed with the price table
    cap_fill          bigint NOT NULL,           -- the fill the cap was read at
    state             text   NOT NULL CHECK (state IN ('HELD', 'CONFIRMED', 'RELEASED')),
    release_reason    text CHECK (release_reason IN ('EXPIRED', 'LEFT')),
    payment_reference text   NOT NULL,           -- of its confirmation, or empty
    number            bigint NOT NULL,           -- the team's version at which it was taken: the order of seats
    PRIMARY KEY (campaign_id, seat_id),
    CHECK ((state = 'RELEASED') = (release_reason IS NOT NULL))
) WITH (fillfactor = 85);
CREATE INDEX seats_of_team ON seats (campaign_id, team_id, number);

-- The events that prices and explanations rest on, one for each version of a team; only added to.
CREATE TABLE facts (
    campaign_id uuid        NOT NULL,
    team_id     uuid        NOT NULL,
    version     bigint      NOT NULL,
    platform_id uuid        NOT NULL,
    event_id    uuid        NOT NULL,
    kind        text        NOT NULL,            -- TeamOpened, SeatHeld, ...
    occurred_at timestamptz NOT NULL,
    fill        bigint      NOT NULL,            -- confirmed fill after it, in the ladder's basis
    seat_id     uuid,                            -- the seat it is about
    PRIMARY KEY (campaign_id, team_id, version)
);
CREATE INDEX facts_of_seat ON facts (campaign_id, seat_id, version) WHERE seat_id IS NOT NULL;

-- Settlement that is not worked off yet, in the order of its causes; a row goes when its last line is made.
CREATE TABLE settlement_jobs (
    campaign_id       uuid        NOT NULL,
    team_id           uuid        NOT NULL,
    version           bigint      NOT NULL,      -- the team's, at its cause
    platform_id       uuid        NOT NULL,
    cause             text        NOT NULL CHECK (cause IN ('TEAM_FORMED', 'TEAM_FAILED', 'SEAT_LEFT', 'LATE_PAYMENT')),
    cause_event_id    uuid        NOT NULL,
    occurred_at       timestamptz NOT NULL,      -- of its cause
    first_sequence    bigint      NOT NULL,      -- of its first event; the following ones are promised to it
    lines             bigint      NOT NULL,      -- to be made in all
    done              bigint      NOT NULL,      -- made so far
    after_number      bigint      NOT NULL,      -- number of the last seat that has its line
    seat_id           uuid,                      -- the one seat it is about; else all confirmed seats of the team
    amount            bigint      NOT NULL,      -- what the one seat brought
    payment_reference text        NOT NULL,      -- of that payment, or empty
    PRIMARY KEY (campaign_id, team_id, version)
);

-- One line per seat and cause; never changed.
CREATE TABLE settlement_lines (
    campaign_id       uuid        NOT NULL,
    team_id           uuid        NOT NULL,
    sequence          bigint      NOT NULL,      -- of its event
    platform_id       uuid        NOT NULL,
    line_id           uuid        NOT NULL,      -- UUIDv5 of seat and cause
    team_version      bigint      NOT NULL,      -- at its cause
    occurred_at       timestamptz NOT NULL,      -- of its cause
    cause             text        NOT NULL CHECK (cause IN ('TEAM_FORMED', 'TEAM_FAILED', 'SEAT_LEFT', 'LATE_PAYMENT')),
    cause_event_id    uuid        NOT NULL,
    seat_id           uuid        NOT NULL,
    member_id         text        NOT NULL,
    merchant_id       text        NOT NULL,
    sku               text        NOT NULL,
    quantity          bigint      NOT NULL,
    currency          text        NOT NULL,
    cap               bigint      NOT NULL,
    unit_price        bigint      NOT NULL,      -- charged per unit; zero where everything goes back
    authorised        bigint      NOT NULL,
    paid              bigint      NOT NULL,
    to_capture        bigint      NOT NULL,
    to_void           bigint      NOT NULL,
    to_keep           bigint      NOT NULL,
    to_refund         bigint      NOT NULL,
    due               bigint      NOT NULL,
    payment_reference text        NOT NULL,
    PRIMARY KEY (campaign_id, team_id, sequence),
    UNIQUE (campaign_id, seat_id, cause_event_id),
    CHECK (authorised = to_capture + to_void),
    CHECK (paid = to_keep + to_refund),
    CHECK (unit_price <= cap AND to_capture + to_keep + due = unit_price * quantity)
);
