-- Members' addresses are sealed.

-- An address is sealed (services/chassis/sealing.py), for table, column, platform and contact_id. Rows of 0.1.0 are in
-- plain until the timer "sealed addresses" has sealed them. contact_id is random, and stays while channel and address do.
ALTER TABLE contact_points
    ALTER COLUMN address DROP NOT NULL,
    ADD COLUMN sealed bytea,
    ADD COLUMN key_id text NOT NULL DEFAULT '',              -- of the key that sealed it; empty: in plain
    ADD CHECK ((address IS NULL) <> (sealed IS NULL)) NOT VALID;
CREATE INDEX contact_points_of_key ON contact_points (key_id, platform_id, member_id, position);

-- Answers to PutMember held addresses; what was asked for is in the request, whose hash is kept.
UPDATE requests SET answer = '' WHERE rpc = 'PutMember' AND NOT refused AND answer <> '';
