-- The trace context of what led to a message or an event, for sending and posting to go on in; empty where it is not recorded.
ALTER TABLE deliveries ADD COLUMN traceparent text NOT NULL DEFAULT '';
ALTER TABLE platform_events ADD COLUMN traceparent text NOT NULL DEFAULT '';
ALTER TABLE fanout_jobs ADD COLUMN traceparent text NOT NULL DEFAULT '';
