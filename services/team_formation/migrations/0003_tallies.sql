-- Ladders that the units of the whole campaign fill: what pricing counted last, and at which tally a cap was read.

ALTER TABLE seats
    ADD COLUMN cap_tally_seq bigint NOT NULL DEFAULT 0;       -- 0: none yet, or another basis

-- The last tally of each campaign with such a ladder.
CREATE TABLE tallies (
    campaign_id uuid        NOT NULL PRIMARY KEY,
    platform_id uuid        NOT NULL,
    seq         bigint      NOT NULL,                         -- its number in the campaign, as pricing told it
    units       bigint      NOT NULL,                         -- that fill the ladder, over all teams
    reached     bigint      NOT NULL,                         -- steps of its price tables that are reached, all versions
    applied_at  timestamptz NOT NULL,                         -- by the machine's time
    turned_at   timestamptz NOT NULL                          -- when `reached` last changed, so that watchers are told
);
CREATE INDEX tallies_turned ON tallies (turned_at);
