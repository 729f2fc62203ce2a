-- What a team and its seats can do since 0.2.0: waitlist, sponsored seats, leaders that change, quantities given back,
-- seats that default, teams that are cancelled.

ALTER TABLE teams
    DROP CONSTRAINT teams_state_check,
    ADD CONSTRAINT teams_state_check CHECK (state IN ('FORMING', 'TIPPED', 'FORMED', 'FAILED', 'CANCELLED')),
    ADD COLUMN waiting_members   bigint NOT NULL DEFAULT 0 CHECK (waiting_members >= 0),
    ADD COLUMN waiting_units     bigint NOT NULL DEFAULT 0 CHECK (waiting_units >= 0),
    ADD COLUMN sponsored_members bigint NOT NULL DEFAULT 0 CHECK (sponsored_members >= 0),  -- part of confirmed_members
    ADD COLUMN sponsored_units   bigint NOT NULL DEFAULT 0 CHECK (sponsored_units >= 0),    -- part of confirmed_units
    ADD COLUMN formed_version    bigint;         -- the version that formed it; ended_version may be a cancellation after
UPDATE teams SET formed_version = ended_version WHERE state = 'FORMED';

-- The end of a team releases seats by that one fact: their rows stay WAITING, HELD or CONFIRMED, as of the end's version.
ALTER TABLE seats
    DROP CONSTRAINT seats_state_check,
    ADD CONSTRAINT seats_state_check CHECK (state IN ('WAITING', 'HELD', 'CONFIRMED', 'RELEASED', 'DEFAULTED')),
    DROP CONSTRAINT seats_release_reason_check,
    ADD CONSTRAINT seats_release_reason_check
        CHECK (release_reason IN ('EXPIRED', 'LEFT', 'PRICE_CHANGED', 'TEAM_ENDED', 'WITHDRAWN')),
    ADD COLUMN sponsored       boolean NOT NULL DEFAULT false,                   -- owes nothing, has no settlement line
    ADD COLUMN cap_role        text CHECK (cap_role IN ('LEADER', 'MEMBER')),    -- the cap was read with; null: role
    ADD COLUMN formed_quantity bigint CHECK (formed_quantity >= 1);              -- when the team formed; null: quantity

ALTER TABLE facts ADD COLUMN units_back bigint NOT NULL DEFAULT 0;               -- given back of a seat that keeps the rest

ALTER TABLE settlement_jobs
    DROP CONSTRAINT settlement_jobs_cause_check,
    ADD CONSTRAINT settlement_jobs_cause_check CHECK (cause IN (
        'TEAM_FORMED', 'TEAM_FAILED', 'SEAT_LEFT', 'LATE_PAYMENT', 'SEAT_REDUCED', 'SEAT_WITHDRAWN', 'SEAT_DEFAULTED',
        'TEAM_CANCELLED')),
    ADD COLUMN units bigint NOT NULL DEFAULT 0;                                  -- of the one seat it is about
UPDATE settlement_jobs AS j SET units = s.quantity FROM seats AS s
    WHERE s.campaign_id = j.campaign_id AND s.seat_id = j.seat_id;

-- A line with a quantity below zero takes back what was charged for these units when the team formed.
ALTER TABLE settlement_lines
    DROP CONSTRAINT settlement_lines_cause_check,
    ADD CONSTRAINT settlement_lines_cause_check CHECK (cause IN (
        'TEAM_FORMED', 'TEAM_FAILED', 'SEAT_LEFT', 'LATE_PAYMENT', 'SEAT_REDUCED', 'SEAT_WITHDRAWN', 'SEAT_DEFAULTED',
        'TEAM_CANCELLED')),
    ADD CONSTRAINT settlement_lines_signs CHECK (unit_price >= 0 AND CASE WHEN quantity > 0
        THEN least(authorised, paid, to_capture, to_void, to_keep, to_refund, due) >= 0
        ELSE authorised = 0 AND greatest(paid, to_capture, to_keep, due) <= 0 AND to_void >= 0 END);
