-- Notification follows what team_formation can do from 0.2.0 on: waiting for room, seats given back in part, sponsored
-- places, leaders that change, teams that are cancelled and ends that move.
-- Checks are widened without looking at the rows there are: they kept the narrower rule.

ALTER TABLE teams
    ADD COLUMN waiting       bigint NOT NULL DEFAULT 0,   -- members who wait for room
    ADD COLUMN sponsored     bigint NOT NULL DEFAULT 0,   -- places that the platform filled
    ADD COLUMN end_version   bigint NOT NULL DEFAULT 0,   -- version at which the end last moved
    ADD COLUMN leader_reward bigint NOT NULL DEFAULT 0,   -- what the leader gets when the team is formed, minor units
    DROP CONSTRAINT teams_state_check,
    ADD CONSTRAINT teams_state_check
        CHECK (state IN ('UNKNOWN', 'FORMING', 'TIPPED', 'FORMED', 'FAILED', 'CANCELLED')) NOT VALID;

-- A team that was cancelled released all its seats, and every team that ended those that waited; the team's state says
-- so for all of them. Places that the platform sponsors are nobody's and have no row here.
ALTER TABLE seats
    ADD COLUMN taken_version   bigint,                    -- the team's version from which it is live; null: from before 0.2.0
    ADD COLUMN reduced_version bigint,                    -- the team's version at which a part was last given back
    DROP CONSTRAINT seats_state_check,
    ADD CONSTRAINT seats_state_check
        CHECK (state IN ('WAITING', 'HELD', 'CONFIRMED', 'RELEASED', 'DEFAULTED')) NOT VALID;
CREATE INDEX seats_waiting ON seats (campaign_id, team_id, seat_id) WHERE state = 'WAITING';

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_kind_check,
    ADD CONSTRAINT deliveries_kind_check
        CHECK (kind IN ('JOINED', 'PRICE_FELL', 'PRICE_ROSE', 'ONE_MISSING', 'TIPPED', 'UNTIPPED', 'FORMED', 'FAILED',
                        'LEFT', 'LATE_PAYMENT', 'WAITLISTED', 'SEAT_FREE', 'PRICED_OUT', 'WAITED_IN_VAIN', 'REDUCED',
                        'WITHDRAWN', 'DEFAULTED', 'LEADING', 'CANCELLED', 'RESCHEDULED', 'PAYMENT_CHANGED')) NOT VALID;
