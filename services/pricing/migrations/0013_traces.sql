-- The trace context of the event that made a job, for its lines to go on in; empty where it is not recorded.
ALTER TABLE settlement_jobs ADD COLUMN traceparent text NOT NULL DEFAULT '';
