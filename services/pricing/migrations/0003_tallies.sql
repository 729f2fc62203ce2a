-- What is counted over all teams of a campaign. Batches of team events only add rows, so that no campaign is one hot row;
-- a timer sums them up, some times a second, and records each sum as a fact that prices and rebuilds can refer to.

CREATE TABLE tally_deltas (
    campaign_id           uuid        NOT NULL,
    number                bigint      GENERATED ALWAYS AS IDENTITY,
    platform_id           uuid        NOT NULL,
    occurred_at           timestamptz NOT NULL,  -- of the last event that it counts
    teams_opened          bigint      NOT NULL,
    teams_formed          bigint      NOT NULL,
    teams_failed          bigint      NOT NULL,
    teams_cancelled       bigint      NOT NULL,
    seats_held            bigint      NOT NULL,
    seats_confirmed       bigint      NOT NULL,
    seats_left            bigint      NOT NULL,
    seats_expired         bigint      NOT NULL,
    units_confirmed       bigint      NOT NULL,
    units_left            bigint      NOT NULL,
    members_confirmed_now bigint      NOT NULL,
    units_confirmed_now   bigint      NOT NULL,
    units_held_now        bigint      NOT NULL,
    units_of_fill         bigint      NOT NULL,
    PRIMARY KEY (campaign_id, number)
);

-- The sums, one row for each tally; never changed. The row with the greatest seq is the campaign's.
CREATE TABLE tallies (
    campaign_id           uuid        NOT NULL,
    seq                   bigint      NOT NULL CHECK (seq >= 1),
    platform_id           uuid        NOT NULL,
    occurred_at           timestamptz NOT NULL,  -- of the last event that it counts
    teams_opened          bigint      NOT NULL,
    teams_formed          bigint      NOT NULL,
    teams_failed          bigint      NOT NULL,
    teams_cancelled       bigint      NOT NULL,
    seats_held            bigint      NOT NULL,
    seats_confirmed       bigint      NOT NULL,
    seats_left            bigint      NOT NULL,
    seats_expired         bigint      NOT NULL,
    units_confirmed       bigint      NOT NULL,
    units_left            bigint      NOT NULL,
    members_confirmed_now bigint      NOT NULL CHECK (members_confirmed_now >= 0),
    units_confirmed_now   bigint      NOT NULL CHECK (units_confirmed_now >= 0),
    units_held_now        bigint      NOT NULL CHECK (units_held_now >= 0),
    units_of_fill         bigint      NOT NULL CHECK (units_of_fill >= 0), -- formed teams as they formed, others as now
    PRIMARY KEY (campaign_id, seq)
);

-- Who counts a campaign locks its row; the first to count it makes it.
CREATE TABLE tally_heads (
    campaign_id    uuid   NOT NULL PRIMARY KEY,
    platform_id    uuid   NOT NULL,
    seq            bigint NOT NULL,              -- of the last tally; 0: none yet
    price_sequence bigint NOT NULL DEFAULT 0     -- of the campaign's last event on groupbuy.price.v1
);

-- Teams that have formed and wait for the tally that contains their end, where the whole campaign fills the ladder.
CREATE TABLE tally_waits (
    campaign_id  uuid   NOT NULL,
    team_id      uuid   NOT NULL,
    platform_id  uuid   NOT NULL,
    team_version bigint NOT NULL,                -- at which it formed
    PRIMARY KEY (campaign_id, team_id)
);

-- The tally that fixed a team's final prices; never changed.
CREATE TABLE tally_fixes (
    campaign_id  uuid   NOT NULL,
    team_id      uuid   NOT NULL,
    platform_id  uuid   NOT NULL,
    seq          bigint NOT NULL,
    team_version bigint NOT NULL,                -- at which it formed
    PRIMARY KEY (campaign_id, team_id)
);

ALTER TABLE price_tables
    DROP CONSTRAINT price_tables_basis_check,
    ADD CONSTRAINT price_tables_basis_check CHECK (basis IN ('TEAM_MEMBERS', 'TEAM_UNITS', 'CAMPAIGN_UNITS'));
ALTER TABLE teams ADD COLUMN tally_seq bigint NOT NULL DEFAULT 0;            -- of the tally that fixed its fill
ALTER TABLE seats ADD COLUMN cap_tally_seq bigint NOT NULL DEFAULT 0;        -- of the tally that its cap was read at
ALTER TABLE settlement_lines ADD COLUMN tally_seq bigint NOT NULL DEFAULT 0; -- of the tally that its price was read at

-- What happened before there were tallies; units that were given back before are not known, and not counted as confirmed.
INSERT INTO tally_deltas (campaign_id, platform_id, occurred_at, teams_opened, teams_formed, teams_failed,
    teams_cancelled, seats_held, seats_confirmed, seats_left, seats_expired, units_confirmed, units_left,
    members_confirmed_now, units_confirmed_now, units_held_now, units_of_fill)
SELECT t.campaign_id, t.platform_id, f.last_at, t.opened, t.formed, t.failed, t.cancelled, f.held, f.confirmed,
       coalesce(s.gone, 0), f.released - coalesce(s.gone, 0), t.units, 0, t.members, t.units, t.held_units, t.units
FROM (
    SELECT campaign_id, platform_id, count(*) AS opened, count(formed_version) AS formed,
           count(*) FILTER (WHERE state = 'FAILED') AS failed, count(*) FILTER (WHERE state = 'CANCELLED') AS cancelled,
           sum(confirmed_members) AS members, sum(confirmed_units) AS units, sum(held_units) AS held_units
    FROM teams GROUP BY campaign_id, platform_id
) AS t
JOIN (
    SELECT campaign_id, max(occurred_at) AS last_at,
           count(*) FILTER (WHERE kind IN ('SeatHeld', 'SeatSponsored')) AS held,
           count(*) FILTER (WHERE kind IN ('SeatConfirmed', 'SeatSponsored')) AS confirmed,
           count(*) FILTER (WHERE kind = 'SeatReleased') AS released   -- by who left, or as the hold ran out: nothing else then
    FROM facts GROUP BY campaign_id
) AS f USING (campaign_id)
LEFT JOIN (
    SELECT campaign_id, count(*) FILTER (WHERE release_reason IN ('LEFT', 'WITHDRAWN')) AS gone
    FROM seats GROUP BY campaign_id
) AS s USING (campaign_id);
