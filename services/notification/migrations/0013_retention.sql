-- Messages are removed some time after their end, the oldest first (retention.toml); their attempts go with them.
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at IS NOT NULL;
ALTER TABLE attempts
    DROP CONSTRAINT attempts_campaign_id_delivery_id_fkey,
    ADD FOREIGN KEY (campaign_id, delivery_id) REFERENCES deliveries ON DELETE CASCADE NOT VALID;
