-- Prices that the whole campaign moves: one event is told to the members of all open teams with its ladder.

ALTER TABLE teams
    ADD COLUMN ladder_version bigint NOT NULL DEFAULT 0;   -- of its price table; 0: from before, when no campaign moved prices

ALTER TABLE seats
    ADD COLUMN cap_tally_seq  bigint NOT NULL DEFAULT 0;   -- the tally its cap was read at: who joined then knew the price

-- A job of a whole campaign has zero for its team, and the number of the tally for its version; so have its deliveries, which
-- are compared with others of their team that state a price.
ALTER TABLE fanout_jobs
    ADD COLUMN after_team     uuid;                        -- of such a job: messages are made up to this team's after_seat
-- Where the whole campaign fills the ladder, the team's own fill says nothing about the next tier.

ALTER TABLE teams
    ADD COLUMN of_campaign boolean NOT NULL DEFAULT false;   -- all teams of the campaign together fill its ladder
