-- Which rewind of its shard a relay has heard of: until then it may still be writing what it had read before.
ALTER TABLE relay_positions ADD COLUMN heard_generation bigint NOT NULL DEFAULT 0;
