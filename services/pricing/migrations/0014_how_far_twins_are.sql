-- How far a test twin is, which is asked again and again while its clock moves: nothing is read of all platforms for it.
-- The condition is that of services/chassis/twins.py.
CREATE INDEX tally_heads_of_twins ON tally_heads (platform_id) WHERE substr(platform_id::text, 15, 1) = '8';
CREATE INDEX tally_deltas_of_twins ON tally_deltas (platform_id) WHERE substr(platform_id::text, 15, 1) = '8';
CREATE INDEX tally_waits_of_twins ON tally_waits (platform_id) WHERE substr(platform_id::text, 15, 1) = '8';
CREATE INDEX settlement_jobs_of_twins ON settlement_jobs (platform_id) WHERE substr(platform_id::text, 15, 1) = '8';
