-- By when money has to come. Terms are told when a team opens, of campaigns that have them, and never change.

CREATE TABLE payment_terms (
    campaign_id            uuid     NOT NULL,
    team_id                uuid     NOT NULL,
    platform_id            uuid     NOT NULL,
    pay_within             interval NOT NULL,    -- from the team's forming, or from a failed capture
    authorisation_lifetime interval NOT NULL,    -- HOLD: from the confirmation of a seat
    lapse_warning          interval NOT NULL,    -- HOLD: so long before an authorisation lapses it is warned of
    PRIMARY KEY (campaign_id, team_id)
);

ALTER TABLE settlement_lines ADD COLUMN pay_by timestamptz;      -- null: nothing is due, or nobody said by when

-- Money that lines of teams that formed ask for, until it came or lapsed. Moved by the platform's clock and its reports, so
-- kept at a rebuild.
CREATE TABLE awaited_payments (
    campaign_id uuid        NOT NULL,
    line_id     uuid        NOT NULL,            -- that asks for it
    team_id     uuid        NOT NULL,
    platform_id uuid        NOT NULL,
    seat_id     uuid        NOT NULL,
    member_id   text        NOT NULL,
    amount      bigint      NOT NULL CHECK (amount > 0),
    currency    text        NOT NULL,
    waits_for   text        NOT NULL CHECK (waits_for IN ('PAYMENT', 'CAPTURE')),
    warn_at     timestamptz,                     -- null: no warning is to be told, or no more
    lapses_at   timestamptz NOT NULL,
    next_at     timestamptz NOT NULL,            -- when it has to be looked at
    state       text        NOT NULL CHECK (state IN ('OPEN', 'CAME', 'LAPSED', 'GONE')),
    PRIMARY KEY (campaign_id, line_id)
);
CREATE INDEX awaited_payments_due ON awaited_payments (next_at) WHERE state = 'OPEN';
CREATE INDEX awaited_payments_of_team ON awaited_payments (campaign_id, team_id, next_at) WHERE state = 'OPEN';

-- What was told about money that is waited for, each fact once for a line; only added to, kept at a rebuild.
CREATE TABLE payment_facts (
    campaign_id  uuid        NOT NULL,
    line_id      uuid        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('PaymentLapsed', 'AuthorisationLapsing', 'PaymentDue')),
    team_id      uuid        NOT NULL,
    platform_id  uuid        NOT NULL,
    seat_id      uuid        NOT NULL,
    sequence     bigint      NOT NULL,           -- of its event
    team_version bigint      NOT NULL,
    occurred_at  timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, line_id, kind),
    UNIQUE (campaign_id, team_id, sequence)
);

-- What became of deliveries that are paid at the door; entered by RPC, kept at a rebuild.
CREATE TABLE deliveries_reported (
    campaign_id   uuid        NOT NULL,
    seat_id       uuid        NOT NULL,
    team_id       uuid        NOT NULL,
    platform_id   uuid        NOT NULL,
    report_id     uuid        NOT NULL,          -- UUIDv5 of the seat; the cause of its line
    outcome       text        NOT NULL CHECK (outcome IN ('ACCEPTED', 'ACCEPTED_IN_PART', 'REFUSED')),
    reason        text        NOT NULL CHECK (reason IN (
        '', 'COUNTERFEIT', 'DAMAGED', 'NOT_AS_DESCRIBED', 'CHANGED_MIND', 'NOT_AT_HOME')),
    refused_units bigint      NOT NULL CHECK (refused_units >= 0),
    sequence      bigint,                        -- of its line's event; null where nothing was refused
    team_version  bigint      NOT NULL,          -- the team's, when it was reported
    reported_at   timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, seat_id),
    CHECK ((outcome = 'ACCEPTED') = (refused_units = 0) AND (outcome = 'ACCEPTED') = (reason = ''))
);

ALTER TABLE settlement_lines
    DROP CONSTRAINT settlement_lines_cause_check,
    ADD CONSTRAINT settlement_lines_cause_check CHECK (cause IN (
        'TEAM_FORMED', 'TEAM_FAILED', 'SEAT_LEFT', 'LATE_PAYMENT', 'SEAT_REDUCED', 'SEAT_WITHDRAWN', 'SEAT_DEFAULTED',
        'TEAM_CANCELLED', 'DELIVERY_REFUSED'));
