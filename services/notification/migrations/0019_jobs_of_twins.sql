-- What is to be written at once of a test twin, which is asked again and again while its clock moves. The condition is
-- that of services/chassis/twins.py.
CREATE INDEX fanout_jobs_of_twins ON fanout_jobs (platform_id) WHERE substr(platform_id::text, 15, 1) = '8' AND ready;
