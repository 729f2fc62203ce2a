-- Test twins of platforms: whose, which one, how far its clock is ahead, and whether it is given up. The original in
-- team_formation, a copy elsewhere. The ids of twins, and of no other platforms, are UUIDs of version 8 (twins.py).
ALTER TABLE platforms
    ADD COLUMN test_of     uuid,                          -- of a twin: the platform
    ADD COLUMN generation  bigint NOT NULL DEFAULT 0,     -- of a twin: which one it is; else which one is in use, 0: none
    ADD COLUMN clock_ahead bigint NOT NULL DEFAULT 0,     -- microseconds; never becomes less
    ADD COLUMN retired_at  timestamptz;                   -- the machine's time; its rows are removed from then on

-- Every process looks here once a second.
CREATE INDEX platforms_of_their_own ON platforms (platform_id) WHERE clock_ahead > 0 OR retired_at IS NOT NULL;
